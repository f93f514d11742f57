"""The operators' password hash: argon2id at OWASP's minimum, about 20 ms."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OperatorPasswordHasher(Argon2PasswordHasher):
    """Django's default of 100 MiB and 8 lanes costs a quarter of a second here; this is enough."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
