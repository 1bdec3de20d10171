"""What the door keeps of the claims it heard, and what the record is told of one."""

from __future__ import annotations

from collections import deque

from gate.door.rules import Earlier
from gate.vocabulary import Claim, Reason, Verdict

# More claims than vision can make within the freshness limit; older ones are refused as stale anyway.
_REMEMBERED = 1024
# Whoever is asked to turn the head is asked anew every second, for as long as it takes; after a while without, seconds,
# it is another request.
_ASKED_FOR_S = 5.0


class Heard:
    """The claims of late, when the last of them was of, and who is being asked to turn the head."""

    def __init__(self) -> None:
        self._claims: deque[str] = deque(maxlen=_REMEMBERED)
        self._up_to_mono = float("-inf")
        self._asked: int | None = None
        self._asked_mono = float("-inf")

    def before(self, claim: Claim) -> Earlier:
        """What was heard before this claim."""
        return Earlier(claim.id in self._claims, self._up_to_mono)

    def take(self, claim: Claim, verdict: Verdict) -> None:
        """Remember a claim, and what was decided on it."""
        self._claims.append(claim.id)
        if verdict.reason not in (Reason.WRONG_PEER, Reason.STALE):
            self._up_to_mono = claim.taken_mono

    def is_news(self, claim: Claim, verdict: Verdict, now: float) -> bool:
        """Whether the record needs a line of it: that somebody is asked to turn the head it is told once."""
        if verdict.reason is not Reason.ASKED_TO_TURN:
            self._asked = None if self._asked == claim.track else self._asked
            return True
        again = claim.track == self._asked and now - self._asked_mono <= _ASKED_FOR_S
        self._asked, self._asked_mono = claim.track, now
        return not again


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
