"""Fleet releases: a version's way to every schema of a workspace, in waves."""
