"""The verifiers that receivers already have: Stripe's own, and that of Standard Webhooks."""

from standardwebhooks import Webhook, WebhookVerificationError
from stripe import SignatureVerificationError, WebhookSignature


def stripe_takes(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether Stripe's own library accepts it, with the usual tolerance."""
    try:
        return WebhookSignature.verify_header(body, headers["Tenlyr-Signature"], secret, 300)
    except SignatureVerificationError:
        return False


def standard_takes(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether the library of Standard Webhooks accepts it; its tolerance is 300 s."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def both_take(headers: dict[str, str], body: bytes, secret: str) -> tuple[bool, bool]:
    """What the two say."""
    return stripe_takes(headers, body, secret), standard_takes(headers, body, secret)
