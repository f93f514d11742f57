"""The command: read the log, provision, send, tell what came of it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .logfile import UnreadableLog, raw_lines
from .loglines import ParsedLog, parse_log
from .options import NoAdminKey, Options, read_options
from .progress import progress
from .replaying import Replay, WrongTarget, check_target
from .report import machine_summary, malformed_notes, write_notes, write_table
from .timeline import iso
from .transport import Api

INTERRUPTED = 130  # what a shell makes of SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Replay a log; the command's exit code."""
    try:
        options = read_options(argv)
        with raw_lines(options.file, options.limit_lines) as lines:
            log = parse_log(lines)
        if not log.lines:
            _say("No line is in Combined Log Format.", *malformed_notes(log))
            return 1
        with Api(options.url) as api:
            check_target(api, options.admin_key)
            return _replay(log, options, api)
    # An OSError is one of --json, --save-keys or the terminal, and names its file.
    except (NoAdminKey, UnreadableLog, WrongTarget, OSError) as problem:
        _say(str(problem))
        return 1


def _replay(log: ParsedLog, options: Options, api: Api) -> int:
    replay = Replay.of(log, options, api)
    _announce(replay)
    code = INTERRUPTED
    try:
        _run(replay)
        code = 0 if replay.summary.is_complete else 1
    except KeyboardInterrupt:
        _say("Interrupted.")
    _report(replay, log)
    if code != 0:
        _say(f"To send what is missing: the same with {_resume(options)}")
    return code


def _announce(replay: Replay) -> None:
    span = replay.timeline
    how = "compressed into" if span.is_compressed else "shifted to"
    tenants, lines = len(replay.groups), sum(map(len, replay.groups.values()))
    _say(
        f"{lines:,} lines of {tenants:,} client networks, {iso(span.first_ms)} to"
        f" {iso(span.last_ms)}, {how} {iso(span.start_ms)} to {iso(span.end_ms)}.",
        f"Run: {_resume(replay.options)}",
    )


def _run(replay: Replay) -> None:
    with progress("Provisioning tenants", len(replay.groups), sys.stderr) as advance:
        replay.provision_tenants(advance)
    if replay.options.keys_file is not None:
        replay.save_keys(replay.options.keys_file)
    with progress("Replaying lines", replay.summary.total.lines, sys.stderr) as advance:
        replay.send_lines(advance)


def _report(replay: Replay, log: ParsedLog) -> None:
    options = replay.options
    write_table(replay.summary, sys.stdout)
    write_notes(replay.summary, log, options.plan, sys.stdout)
    if options.json_file is not None:
        found = machine_summary(
            replay.summary, log, run_id=options.run_id, until=iso(options.until_ms)
        )
        Path(options.json_file).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _resume(options: Options) -> str:
    return f"--run-id {options.run_id} --until {iso(options.until_ms)}"


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
