"""The processes of the product, as commands: what `up` starts, and what production starts by
itself.
"""

from tenlyr.runtime import ports
from tenlyr.runtime.supervisor import python

# F11: a web process holds at most ten connections to Postgres.
CONNECTIONS_PER_WEB_PROCESS = "10"


def setup() -> list[str]:
    """Prepare the database."""
    return python("manage.py", "setup")


def web(port: int) -> list[str]:
    """One web process; several may share the port."""
    return python("-m", "tenlyr.runtime.web", "--host", ports.HOST, "--port", str(port))


def consumer() -> list[str]:
    """The one that stores what was accepted."""
    return python("manage.py", "consume")


def instances() -> list[str]:
    """The one that keeps tenants' own Postgres instances running."""
    return python("manage.py", "instances")


def worker() -> list[str]:
    """Celery's worker for what may take long: moves, proofs, roll-outs."""
    return _worker("celery")


def prompt() -> list[str]:
    """Celery's worker for what must not wait: webhooks, health, alerts."""
    return _worker("prompt")


def _worker(queue: str) -> list[str]:
    options = ("--without-gossip", "--without-mingle", "--concurrency", "2")
    named = ("-Q", queue, "-n", f"{queue}@%h")
    words = ("celery", "-q", "-A", "tenlyr", "worker", *named, *options, "--loglevel", "warning")
    return python("-m", *words)


def beat() -> list[str]:
    """Celery's clock."""
    scheduler = ("-S", "django_celery_beat.schedulers:DatabaseScheduler")
    return python("-m", "celery", "-q", "-A", "tenlyr", "beat", *scheduler, "--loglevel", "warning")
