"""What ends a backup or a restore before anything was changed."""


class BackupFailed(Exception):
    """The message is one sentence for the person who asked."""
