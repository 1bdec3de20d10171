"""What the door keeps of what was shown to it, and what the record is told of one."""

from __future__ import annotations

from collections import deque

from gate.door.rules import Earlier, Known
from gate.store.people import passes
from gate.store.people.passes import Pass
from gate.store.people.residents import Resident
from gate.vocabulary import AuditEvent, Claim, Kind, Method, Presented, Reason, Verdict

# More claims than vision can make within the freshness limit; older ones are refused as stale anyway.
_REMEMBERED = 1024
# Whoever is asked for something is asked anew every second, for as long as it takes; after a while without, seconds, it
# is another request.
_ASKED_FOR_S = 5.0
_ASKED_FOR = (Reason.ASKED_TO_TURN, Reason.ONE_MORE, Reason.NO_ESCORT)


class Heard:
    """What was shown of late, when the last of it was of, and who is being asked to turn the head, for one more
    factor or for an escort. Each method is heard apart: a card is told at once, a PIN once it is hashed."""

    def __init__(self) -> None:
        self._ids: deque[str] = deque(maxlen=_REMEMBERED)
        self._up_to_mono = float("-inf")
        self._asked: tuple[int, Reason] | None = None
        self._asked_mono = float("-inf")

    def before(self, shown: Claim | Presented) -> Earlier:
        """What was heard before this."""
        return Earlier(shown.id in self._ids, self._up_to_mono)

    def take(self, shown: Claim | Presented, verdict: Verdict) -> None:
        """Remember it, and what was decided on it."""
        self._ids.append(shown.id)
        if verdict.reason not in (Reason.WRONG_PEER, Reason.STALE):
            self._up_to_mono = shown.taken_mono

    def is_news(self, claim: Claim, verdict: Verdict, now: float) -> bool:
        """Whether the record needs a line of it: that somebody is asked for something it is told once."""
        if verdict.reason not in _ASKED_FOR:
            self._asked = None if self._asked and self._asked[0] == claim.track else self._asked
            return True
        asked = claim.track, verdict.reason
        again = asked == self._asked and now - self._asked_mono <= _ASKED_FOR_S
        self._asked, self._asked_mono = asked, now
        return not again


def details_of_code(shown: Presented, on_mono: float | None) -> dict[str, object]:
    """What the record keeps of a code, which is not among it, and how long it took to the relay where it moved."""
    details: dict[str, object] = {"claim": shown.id, "reader": shown.reader}
    if on_mono is not None:
        details["shown_to_relay_ms"] = round((on_mono - shown.taken_mono) * 1000, 2)
    return details


def details_of(claim: Claim, now: float, on_mono: float | None) -> dict[str, object]:
    """What the record keeps of a claim, and how long light took to the relay where it moved."""
    details: dict[str, object] = {
        "claim": claim.id,
        "track": claim.track,
        "frames": claim.frames,
        "frame_age_ms": round((now - claim.taken_mono) * 1000, 2),
    }
    if claim.similarity is not None:
        details["similarity"] = round(claim.similarity, 4)
    if on_mono is not None:
        details["frame_to_relay_ms"] = round((on_mono - claim.taken_mono) * 1000, 2)
    return details


def with_first(details: dict[str, object], first: Method | None) -> dict[str, object]:
    """With the factor that was shown before this one, where two were asked for."""
    return details if first is None else {**details, "first": first.value}


def with_passback(details: dict[str, object], known: Known) -> dict[str, object]:
    """With that they were in already, where that is known."""
    if not known.in_already:
        return details
    elsewhere = {} if known.in_at is None else {"in_at": known.in_at}
    return {**details, "in_already": True, **elsewhere}


def answered(
    verdict: Verdict,
    method: str,
    details: dict[str, object],
    resident: Resident | None = None,
    near: Resident | None = None,
    visit: Pass | None = None,
) -> AuditEvent:
    """What the record is told of whoever asked, and of the answer: a resident, or the visitor of a pass. `near` is whom
    a face that is nobody's came near to, which goes with that resident when they are erased, and is for administrators
    alone."""
    if verdict.reason is not None:
        details = {"reason": verdict.reason.value, **details}
    kind = Kind.GRANTED if verdict.granted else Kind.DENIED
    if verdict.granted and verdict.along is not None:
        kind, details = Kind.CAME_ALONG, {"with": verdict.along, **details}
    details = {"method": str(method), **details}
    if near is not None and resident is None:
        return AuditEvent(kind, details, {"nearest": near.id}, near.id)
    if visit is not None:
        return passes.about(visit, AuditEvent(kind, details))
    return AuditEvent(kind, details, _personal(resident), resident.id if resident else None)


def under_duress(shown: Presented, resident: Resident, *, tried: bool) -> AuditEvent:
    """What the record is told, beside the grant, of a resident who is forced to open, or tries that out."""
    kind = Kind.DURESS_TRIED if tried else Kind.DURESS
    return AuditEvent(kind, {"claim": shown.id, "reader": shown.reader}, _personal(resident), resident.id)


def _personal(resident: Resident | None) -> dict[str, str]:
    if resident is None:
        return {}
    home = {"unit": resident.unit} if resident.unit else {}
    return {"resident": resident.id, "name": resident.name} | home
