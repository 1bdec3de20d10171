"""What comes over the door's socket, taken apart: nothing is believed before it was looked at."""

from __future__ import annotations

import base64
import math
import re
import struct
from typing import Any, TypeGuard

from gate.processes.ends import Peer
from gate.processes.wire import Message
from gate.vocabulary import Claim, Lesson, Reason

# As the gallery asks of every template.
_UNIT_TOLERANCE = 1e-3
_NAMED = re.compile(r"(user|token) [0-9a-f-]{36}")


def claim_from(message: Message) -> Claim:
    """A claim from its message. Raises ValueError when a field is missing or of the wrong kind."""
    identity, resident, reason = message.get("id"), message.get("resident"), message.get("reason")
    taken, similarity = message.get("taken_mono"), message.get("similarity")
    track, frames = message.get("track"), message.get("frames")
    if not (isinstance(identity, str) and 0 < len(identity) <= 64):
        raise ValueError("a claim needs an id")
    if not (resident is None or isinstance(resident, str)):
        raise ValueError("resident is an id or null")
    if not _is_number(taken) or not (similarity is None or _is_number(similarity)):
        raise ValueError("taken_mono and similarity are numbers")
    if type(track) is not int or type(frames) is not int:
        raise ValueError("track and frames are whole numbers")
    return Claim(identity, track, float(taken), resident, Reason(reason) if reason else None, frames, similarity)


def lesson_from(message: Message) -> Lesson:
    """A lesson from its message. Raises ValueError when a field is missing or of the wrong kind."""
    claim, resident, model = message.get("claim"), message.get("resident"), message.get("model")
    vector, similarity = message.get("vector"), message.get("similarity")
    if not all(isinstance(one, str) and 0 < len(one) <= 200 for one in (claim, resident, model)):
        raise ValueError("claim, resident and model are texts")
    if not _is_number(similarity):
        raise ValueError("similarity is a number")
    try:
        numbers = base64.b64decode(str(vector), validate=True)
        length = math.hypot(*struct.unpack(f"<{len(numbers) // 4}f", numbers))
    except (ValueError, struct.error) as error:
        raise ValueError("vector is base64 of little-endian float32") from error
    if not abs(length - 1) <= _UNIT_TOLERANCE:
        raise ValueError("vector is of unit length")
    return Lesson(str(claim), str(resident), str(model), numbers, float(similarity))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)


def asker(message: Message, peer: Peer) -> str:
    """Who gives an order: the peer by the kernel's word, and whom it says that it speaks for."""
    named = message.get("by")
    if isinstance(named, str) and _NAMED.fullmatch(named):
        return f"{named} through uid {peer.uid}"
    return f"uid {peer.uid}"
