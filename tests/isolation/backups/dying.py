"""A process that dies by SIGKILL: `FILE STEP` restores, and dies before the step is recorded;
`FILE --of TENANT` backs up, and dies before the file is whole.
"""

import os
import signal
import sys

import django


def write(path: str, _: str, tenant: str) -> None:
    """A backup without its end."""
    django.setup()
    from django.core.management import call_command

    from apps.isolation.backups.archive import Archive

    Archive.seal = lambda self: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    call_command("backup_tenant", tenant, "--to", path)


def restore(path: str, step: str) -> None:
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
    (write if "--of" in sys.argv else restore)(*sys.argv[1:])
