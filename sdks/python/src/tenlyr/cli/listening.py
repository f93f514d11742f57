"""Events of a held endpoint, each once and in order, and how they get to a local receiver."""

import base64
import hashlib
import hmac
import json
import time
from typing import Dict, List, Optional, Set

import httpx

from tenlyr._sync._client import TenlyrSync
from tenlyr._types_platform import Delivery, Envelope

RECEIVER_WITHIN_S = 5.0


class Listener:
    """What an endpoint that is held would have been sent."""

    def __init__(self, client: TenlyrSync, endpoint_id: str) -> None:
        self._client = client
        self._endpoint_id = endpoint_id
        self._seen: Set[str] = set()

    def news(self) -> List[Envelope]:
        """The events since the last look, the oldest first."""
        fresh: List[Delivery] = []
        for delivery in self._client.webhooks.deliveries_all(endpoint_id=self._endpoint_id):
            if delivery.id in self._seen:
                break  # the newest come first: all others are known
            fresh.append(delivery)
        events = [self._event(one) for one in reversed(fresh)]
        self._seen.update(one.id for one in fresh)
        return [one for one in events if one is not None]

    def _event(self, delivery: Delivery) -> Optional[Envelope]:
        return self._client.webhooks.get_delivery(delivery.id).event


class Forwarder:
    """Posts events to a receiver, signed as Tenlyr signs them."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    def send(self, event: Envelope) -> str:
        """The receiver's status, or why there is none."""
        body = json.dumps(event.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", **self._signed(event.id, body)}
        try:
            reply = httpx.post(self._url, content=body, headers=headers, timeout=RECEIVER_WITHIN_S)
        except httpx.HTTPError as error:
            return f"not received: {type(error).__name__}"
        return str(reply.status_code)

    def _signed(self, identity: str, body: bytes) -> Dict[str, str]:
        at = str(int(time.time()))
        ours = hmac.new(self._secret.encode(), at.encode() + b"." + body, hashlib.sha256)
        key = base64.b64decode(self._secret[len("whsec_") :])
        theirs = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256)
        return {
            "Tenlyr-Signature": f"t={at},v1={ours.hexdigest()}",
            "webhook-id": identity,
            "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(theirs.digest()).decode(),
        }
