"""A password, for its caller only, and the verifier that Postgres keeps of it."""

import base64
import hashlib
import hmac
import os
import secrets

ROUNDS = 4096
SALT_BYTES = 16


def new_password() -> str:
    """192 random bits, of characters that need no quoting in an address."""
    return secrets.token_urlsafe(24)


def verifier(password: str) -> str:
    """What `CREATE ROLE … PASSWORD` takes instead of the password (RFC 5803, SCRAM-SHA-256)."""
    salt = os.urandom(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    salt64, stored64, server64 = (
        base64.b64encode(part).decode() for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256${ROUNDS}:{salt64}${stored64}:{server64}"
