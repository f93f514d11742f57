"""The summary: a table for people, an object for machines."""

from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from .loglines import ParsedLog
from .progress import is_rich
from .tallies import Summary, Tally

SHOWN = 10  # malformed lines, and reasons of errors, that are shown one by one
_COLUMNS = ("Network", "Lines", "Accepted", "Billable", "Refused by limit", "Errors")


def write_table(summary: Summary, stream: TextIO) -> None:
    """One row per tenant, the largest first, and the total."""
    rows = [_row(tally) for tally in summary.by_size]
    total = _row(summary.total)
    if is_rich(stream):
        _write_rich_table(rows, total, stream)
    else:
        _write_plain_table([_COLUMNS, *rows, total], stream)


def write_notes(summary: Summary, log: ParsedLog, plan: str, stream: TextIO) -> None:
    """What the table does not say."""
    for note in (*malformed_notes(log), *_tenant_notes(summary, plan), *_error_notes(summary)):
        stream.write(f"{note}\n")
    if summary.duplicates:
        stream.write(f"{summary.duplicates} events were known already and not counted again.\n")
    stream.write(f"{summary.seconds:.1f} s, {summary.lines_per_s:,.0f} lines/s.\n")


def malformed_notes(log: ParsedLog) -> Iterable[str]:
    """How many lines were left out, and which: line number and reason of the first ones."""
    if not log.malformed:
        return
    yield f"{len(log.malformed)} malformed lines were left out:"
    for number, reason in log.malformed[:SHOWN]:
        yield f"  line {number}: {reason}"
    if len(log.malformed) > SHOWN:
        yield f"  and {len(log.malformed) - SHOWN} more."


def machine_summary(summary: Summary, log: ParsedLog, *, run_id: str, until: str) -> dict[str, Any]:
    """The same for machines. Holds no keys."""
    return {
        "runId": run_id,
        "until": until,
        "complete": summary.is_complete,
        "seconds": round(summary.seconds, 3),
        "linesPerSecond": round(summary.lines_per_s, 1),
        "duplicates": summary.duplicates,
        "total": _counts(summary.total),
        "errorReasons": dict(summary.reasons.most_common()),
        "malformed": {
            "lines": len(log.malformed),
            "first": [{"line": n, "reason": why} for n, why in log.malformed[:SHOWN]],
        },
        "tenants": [_tenant_object(tally) for tally in summary.by_size],
    }


def _tenant_object(tally: Tally) -> dict[str, Any]:
    tenant = tally.tenant
    return {
        "network": tally.network,
        "tenantId": tenant.id if tenant else None,
        "plan": tenant.plan if tenant else None,
        "keyRotated": tenant.was_there if tenant else False,
        **_counts(tally),
    }


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "lines": tally.lines,
        "accepted": tally.accepted,
        "billable": tally.billable,
        "refusedByLimit": tally.refused,
        "errors": tally.errors,
    }


def _row(tally: Tally) -> tuple[str, ...]:
    return (tally.network, *(f"{count:,}" for count in _counts(tally).values()))


def _tenant_notes(summary: Summary, plan: str) -> Iterable[str]:
    rotated = [tenant for tenant in summary.tenants if tenant.was_there]
    if rotated:
        yield (
            f"{len(rotated)} tenants were there from an earlier run; each was given a new key,"
            " and its old key no longer works."
        )
    others = [tenant for tenant in rotated if tenant.plan != plan]
    if others:
        plans = ", ".join(sorted({tenant.plan for tenant in others}))
        yield f"{len(others)} of them keep their plan ({plans}), not {plan}."


def _error_notes(summary: Summary) -> Iterable[str]:
    if summary.reasons:
        yield "Errors:"
    for reason, count in summary.reasons.most_common(SHOWN):
        yield f"  {count:,} lines: {reason}"


def _write_plain_table(rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for first, *counts in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(counts, widths[1:], strict=True)]
        stream.write("  ".join([f"{first:<{widths[0]}}", *cells]) + "\n")


def _write_rich_table(rows: Iterable[Sequence[str]], total: Sequence[str], stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_footer=True)
    for name, footer in zip(_COLUMNS, total, strict=True):
        table.add_column(name, footer=footer, justify="left" if name == "Network" else "right")
    for row in rows:
        table.add_row(*row)
    Console(file=stream).print(table)
