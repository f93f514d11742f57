"""Five receivers: a good one, a slow one, a black hole, one that is broken and one that flaps."""

import asyncio
import hashlib
import hmac
import random
from collections import defaultdict
from dataclasses import dataclass, field

from tests.webhooks.receiving import Got, Receivers

GOOD, SLOW, HOLE, BROKEN, FLAPPING = "good", "slow", "black hole", "broken", "flapping"
LIVING = (GOOD, SLOW, BROKEN, FLAPPING)
TOLERANCE_S = 300


@dataclass
class Heard:
    """What one receiver got. `accepted` are the arrivals that it answered with 200, by event;
    `bodies` the digests of all that came under one id.
    """

    secret: str = ""
    requests: int = 0
    forged: int = 0
    accepted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bodies: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    @property
    def duplicates(self) -> int:
        """Events that it accepted more than once."""
        return sum(len(arrivals) > 1 for arrivals in self.accepted.values())


class Cast:
    """The five, and what each of them heard."""

    def __init__(self, receivers: Receivers, *, slow_s: float, seed: int) -> None:
        self.heard = {name: Heard() for name in (GOOD, SLOW, HOLE, BROKEN, FLAPPING)}
        self.is_mended = False
        self._slow_s, self._random = slow_s, random.Random(seed)
        self._receivers = receivers

    def open(self, name: str) -> str:
        """Let one listen; answers its URL."""

        async def answer(got: Got) -> int | None:
            return await self._answer(name, got)

        return self._receivers.add(answer, keeps=False).url

    async def _answer(self, name: str, got: Got) -> int | None:
        heard = self.heard[name]
        heard.requests += 1
        heard.bodies[got.event_id].add(hashlib.sha256(got.body).digest())
        heard.forged += not is_signed(got, heard.secret)
        status = await self._status(name)
        if status == 200:
            heard.accepted[got.event_id].append(got.at)
        return status

    async def _status(self, name: str) -> int | None:
        if name == HOLE:
            return None
        if name == SLOW and not self.is_mended:
            await asyncio.sleep(self._slow_s)
        is_broken = name == BROKEN or (name == FLAPPING and self._random.random() < 0.5)
        return 500 if is_broken and not self.is_mended else 200


def is_signed(got: Got, secret: str) -> bool:
    """Whether the request is ours, of just now, and about the event that its header names."""
    said = dict(part.split("=", 1) for part in got.headers["tenlyr-signature"].split(","))
    expected = hmac.new(secret.encode(), f"{said['t']}.".encode() + got.body, hashlib.sha256)
    is_right = hmac.compare_digest(expected.hexdigest(), said["v1"])
    is_fresh = abs(got.at - int(said["t"])) < TOLERANCE_S
    return is_right and is_fresh and got.event["id"] == got.event_id
