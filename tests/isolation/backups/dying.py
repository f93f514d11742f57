"""A process that restores a file and dies by SIGKILL: `FILE STEP`, before the step is recorded."""

import os
import signal
import sys

import django


def main(path: str, step: str) -> None:
    """At the flip before its work, which records itself; else after it."""
    django.setup()
    from django.core.management import call_command

    from apps.isolation.backups import restoring
    from apps.isolation.moves.journey import Journey

    whole = restoring._steps

    def deadly(*given: object) -> object:
        steps = whole(*given)  # type: ignore[arg-type]
        work = steps[step]

        def die(journey: Journey) -> None:
            if step != "flip":
                work(journey)
            os.kill(os.getpid(), signal.SIGKILL)

        return {**steps, step: die}

    restoring._steps = deadly  # type: ignore[assignment]
    call_command("restore_tenant", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
