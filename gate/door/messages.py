"""What comes over the door's socket, taken apart: nothing is believed before it was looked at."""

from __future__ import annotations

import math
import re
import struct

from gate.codes import is_pass, is_rolling
from gate.door.keys import KEYS
from gate.door.states import Event
from gate.processes.fields import Malformed, read
from gate.processes.peers import Peer
from gate.processes.requests import Do, Order, Seal
from gate.processes.wire import Message
from gate.vocabulary import AuditEvent, Claim, Kind, Lesson, Method, Presented, Reason

# As the gallery asks of every template.
_UNIT_TOLERANCE = 1e-3
_LONGEST_CLAIM = 64
_ORDER_WITHIN_S = 1.5
_CLOCK_ROUNDING_S = 0.001
_LONGEST_TEXT = 200
# What an order is to the door's machine.
ORDERED = {
    Do.LOCKDOWN: (Event.LOCKDOWN,),
    Do.HOLD: (Event.HOLD,),
    # A hold alone: whoever lets the gate shut may not have seen that it was locked down since.
    Do.CLOSE: (Event.HOLD_OVER,),
    Do.RELEASE: (Event.LOCKDOWN_OVER, Event.HOLD_OVER, Event.TAMPER_BLOCK_OVER),
    # Said late, by whoever does not know how the gate is: nothing opens by it that shut for another reason.
    Do.END_LOCKDOWN: (Event.LOCKDOWN_OVER, Event.HOLD_OVER),
}
_READER = re.compile(r"[\w .-]{1,40}")
_LONGEST_CARD = 64
_DIGEST, _MOST_DIGESTS = 32, 16
_NAMED = re.compile(r"(user|token) [0-9a-f-]{36}( at the centre)?|home assistant")


def claim_from(message: Message) -> Claim:
    """A claim from its message. Raises Malformed when a field is missing or of the wrong kind."""
    claim = read(Claim, message)
    if not 0 < len(claim.id) <= _LONGEST_CLAIM:
        raise Malformed(f"id is a text of 1 to {_LONGEST_CLAIM} signs")
    return claim


def presented_from(message: Message) -> Presented:
    """What was shown to a reader or held up to the camera, from its message. Raises Malformed when a field is missing
    or of the wrong kind, or it is no key, no card and no picture."""
    shown = read(Presented, message)
    if not 0 < len(shown.id) <= _LONGEST_CLAIM:
        raise Malformed(f"id is a text of 1 to {_LONGEST_CLAIM} signs")
    if not _READER.fullmatch(shown.reader):
        raise Malformed("reader is a name of 1 to 40 letters, digits, blanks, points, - and _")
    if shown.method not in (Method.PIN, Method.CARD, Method.PASS, Method.ROLLING):
        raise Malformed("method is pin, card, pass or rolling")
    if shown.method is Method.PIN and shown.code not in KEYS:
        raise Malformed("code is one key of a keypad")
    if shown.method is Method.PASS and not is_pass(shown.code):
        raise Malformed("code is what the picture of a pass says")
    if shown.method is Method.ROLLING and not is_rolling(shown.code):
        raise Malformed("code is what the picture of a phone says")
    if not 0 < len(shown.code) <= _LONGEST_CARD:
        raise Malformed(f"code is a text of 1 to {_LONGEST_CARD} signs")
    return shown


def seal_from(message: Message) -> Seal:
    """Digests to be sealed, from their message. Raises Malformed where they are none."""
    seal = read(Seal, message)
    if not 0 < len(seal.digests) <= _MOST_DIGESTS or any(len(one) != _DIGEST for one in seal.digests):
        raise Malformed(f"digests are 1 to {_MOST_DIGESTS} of {_DIGEST} bytes")
    return seal


def lesson_from(message: Message) -> Lesson:
    """A lesson from its message. Raises Malformed when a field is missing or of the wrong kind, or no template."""
    lesson = read(Lesson, message)
    if not all(0 < len(one) <= _LONGEST_TEXT for one in (lesson.claim, lesson.resident, lesson.model)):
        raise Malformed(f"claim, resident and model are texts of 1 to {_LONGEST_TEXT} signs")
    _check("vector", lesson.vector)
    if (lesson.second_model is None) != (lesson.second_vector is None):
        raise Malformed("second_model and second_vector are told together")
    if lesson.second_model is not None and lesson.second_vector is not None:
        if not 0 < len(lesson.second_model) <= _LONGEST_TEXT:
            raise Malformed(f"second_model is a text of 1 to {_LONGEST_TEXT} signs")
        _check("second_vector", lesson.second_vector)
    return lesson


def _check(name: str, vector: bytes) -> None:
    try:
        length = math.hypot(*struct.unpack(f"<{len(vector) // 4}f", vector))
    except struct.error as error:
        raise Malformed(f"{name} is little-endian float32") from error
    if not abs(length - 1) <= _UNIT_TOLERANCE:
        raise Malformed(f"{name} is of unit length")


def asker(message: Message, peer: Peer) -> str:
    """Who gives an order: the peer by the kernel's word, and whom it says that it speaks for. Raises Malformed."""
    by = read(Order, message).by
    return f"{by} through uid {peer.uid}" if by is not None and _NAMED.fullmatch(by) else f"uid {peer.uid}"


def in_time(message: Message, now: float) -> bool:
    """Whether an order comes while whoever gave it waits for it still; `now` is monotonic seconds. Raises Malformed.

    An asker gives up after two seconds (`gate.processes.client`), and has said then that nothing was done.
    """
    asked_mono = read(Order, message).asked_mono
    return asked_mono is None or -_CLOCK_ROUNDING_S <= now - asked_mono <= _ORDER_WITHIN_S


def of_late(do: Do, who: str) -> list[AuditEvent]:
    """What is on record of an order that `who` gave and that came too late: what was asked, by whom, and why not."""
    said = {"by": who, "reason": Reason.STALE.value}
    if do is Do.OPEN:
        return [AuditEvent(Kind.DENIED, {"method": "command", **said})]
    return [AuditEvent(Kind.ORDERED, {"order": event.value, **said}) for event in ORDERED[do]]


def may_present(method: Method, *, vision: bool, readers: bool) -> bool:
    """Whether a peer may present this: a pass and a phone's picture are held up to vision's camera, all else is shown
    to a reader."""
    return vision if method in (Method.PASS, Method.ROLLING) else readers


def may_ask(do: Do, *, vision: bool, readers: bool, commands: bool) -> bool:
    """Whether a peer may ask for this: `vision` and `readers` are those processes' own users, `commands` one who may
    give orders.

    Anybody may claim: whoever it was is judged with the claim, since the record wants the refusal of one in its words.
    """
    match do:
        case Do.CLAIM:
            return True
        case Do.LEARN:
            return vision
        case Do.PRESENT:
            return vision or readers
        case Do.REPORT:
            return vision or readers
        case Do.STATUS:
            return vision or readers or commands
        case _:
            return commands
