"""After the flip there is only forward: close the old place, prove the new one, tidy up."""

import structlog

from apps.isolation import parts
from apps.isolation.moves import capturing, parking, preparing, verifying
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey

log = structlog.get_logger(__name__)


def leave(journey: Journey) -> None:
    """Step `leave`: whoever still comes to the old place is sent on."""
    capturing.close_gate(journey)
    for part in parts.parts():
        part.leave(journey.tenant_id, journey.source, journey.arrival, journey.epoch + 1)


def settle(journey: Journey) -> None:
    """Step `settle`: constraints proven, the certificate, nothing left lying about."""
    parking.prove(journey)
    journey.note(certificate=verifying.certificate(journey))
    try:
        capturing.stop(journey.links.source_owner, journey.hex)
    except MoveFailed as error:
        # A long transaction keeps the triggers there; the purge removes them, they do no harm.
        log.warning("isolation.capture_stays", move=str(journey.move.id), reason=str(error))
    preparing.clear_away(journey.links.target_owner, journey.hex, str(journey.move.id))
