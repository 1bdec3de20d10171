"""What is shown to keypads and card readers while a drill is led by hand, and what the record says came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

from gate.config import Settings
from gate.drill.at_the_gate import Gate, Guide
from gate.drill.results import CheckFailed
from gate.errors import Sentence
from gate.store.people import credentials
from gate.store.record.audit import Line
from gate.vocabulary import Kind, Method, Reason

_NONE = Sentence("this gate has none")
_NO_PIN = Sentence("nobody has a PIN yet: draw one on a resident's page")
_NO_CLOCK = Sentence("the gate does not trust its clock, and would raise the alarm: set its clock first")
_NO_TRIAL = Sentence("nobody's PIN under duress is being tried, and it would raise the alarm: begin it on their page")
_ALARM = Sentence("it raised the alarm: tell whoever was called that it was a trial, and see whose PIN it was")
_TRIED_IN_VAIN = Sentence("it is on record as tried, and the gate did not open: see the events")
_UNDER_DURESS = (Kind.DURESS, Kind.DURESS_TRIED)
_OSDP = "osdp"
# As long as a PIN under duress is asked for no sooner than it was tried before.
_YEAR = timedelta(days=365)
_BY_PIN, _BY_CARD = (Method.PIN, Method.ROLLING), (Method.CARD,)
# What says of a reader that it was read, though the gate did not open this time.
_TWO_ARE_ASKED = Sentence("read at {reader}; in these hours it opens with a second factor alone")
_WHY_NOT = {
    Reason.WRONG_CODE: Sentence("read at {reader}, and it is nobody's: give it to a resident first"),
    Reason.LOCKED_OUT: Sentence("{reader} rests after wrong PINs: wait for its rest to end"),
    Reason.NOT_THIS_GATE: Sentence("read at {reader}, and refused: the resident is let in at other gates alone"),
    Reason.OUT_OF_HOURS: Sentence("read at {reader}, and refused: outside the resident's hours"),
    Reason.CLOCK_UNTRUSTED: Sentence("read at {reader}, and refused: the gate does not trust its clock"),
    Reason.STORE_UNREADABLE: Sentence("read at {reader}, and refused: the gate cannot look it up"),
}
_REFUSED = Sentence("read at {reader}, and refused ({reason}): see the events")
# What is said to whoever was too quick: they do it once more.
_ONCE_MORE = (Reason.BUSY, Reason.GATE_MOVES, Reason.STALE, Reason.REPLAYED)


def keypad(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """A resident's PIN opens at each keypad."""
    places = _keypads(settings, installer)
    if not places:
        return _NONE
    _somebody_has(gate, Method.PIN, _NO_PIN)
    return _tried(gate, installer, places, "Have a resident type their PIN at the {place}, as on their slip.", _BY_PIN)


def card_reader(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """A resident's card opens at each reader."""
    readers, places = settings.readers, []
    places += ["card reader"] if readers.card_reader is not None else []
    places += ["wiegand"] if settings.door.wiegand_d0_pin is not None else []
    places += [_OSDP] if readers.osdp_port is not None else []
    if not places:
        return _NONE
    _somebody_has(gate, Method.CARD, Sentence("nobody has a card yet: add one on a resident's page"))
    return _tried(gate, installer, places, "Hold a resident's card to the reader: {place}.", _BY_CARD)


def duress(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """Somebody's PIN under duress is tried once a year, and is on record as tried."""
    if not _keypads(settings, None):
        return _NONE
    _somebody_has(gate, Method.PIN, _NO_PIN)
    before = gate.newest([Kind.DURESS_TRIED])
    tried = None if before is None else datetime.fromisoformat(before.at)
    if tried is not None and datetime.now(UTC) - tried < _YEAR:
        return Sentence("tried on {day}", day=f"{tried:%Y-%m-%d}")
    if not installer.agree(
        'A PIN under duress was not tried for a year. Is a resident here who tries theirs? Press "Try the duress PIN"'
        " on their page first, then answer yes."
    ):
        return Sentence("not tried for a year: have a resident try it, from their page")
    # Typed without a trial, or by a clock that does not tell when it ends, it would be an alarm to everybody.
    if not gate.door().clock_trusted:
        raise CheckFailed(_NO_CLOCK)
    if not _is_being_tried(gate):
        raise CheckFailed(_NO_TRIAL)
    # While the gate stands open for another it opens for nobody, and the trial would be over.
    gate.wait(lambda: gate.door().at_rest, Sentence("the gate did not come to rest"))
    last = gate.newest(_UNDER_DURESS)
    number = 0 if last is None else last.sequence
    installer.tell("Have them type their PIN with its last digit one higher (9 becomes 0), within a minute.")
    found: list[Line] = []

    def typed() -> bool:
        line = gate.newest(_UNDER_DURESS)
        if line is not None and line.sequence > number:
            found[:] = [line]
        return bool(found)

    gate.wait(typed, Sentence("no PIN under duress was seen that is being tried"))
    if found[0].kind == Kind.DURESS:
        raise CheckFailed(_ALARM)
    opened = gate.newest([Kind.GRANTED])
    if opened is None or opened.says.claim != found[0].says.claim:
        raise CheckFailed(_TRIED_IN_VAIN)
    return Sentence("opens, and is on record as tried")


def _is_being_tried(gate: Gate) -> bool:
    with gate.store() as connection:
        return credentials.any_trial(connection, datetime.now(UTC))


def _keypads(settings: Settings, installer: Guide | None) -> list[str]:
    """Where PINs are typed; of an OSDP reader whoever stands there knows (None: nobody is asked, and one may be)."""
    places = ["keypad"] if settings.readers.keypad is not None else []
    places += ["wiegand"] if settings.door.wiegand_keypad is not None else []
    if settings.readers.osdp_port is not None and (
        installer is None or installer.agree("Has an OSDP reader here a keypad?")
    ):
        places.append(_OSDP)
    return places


def _somebody_has(gate: Gate, method: Method, otherwise: Sentence) -> None:
    with gate.store() as connection:
        if not any(method in held for held in credentials.having(connection).values()):
            raise CheckFailed(otherwise)


def _tried(gate: Gate, installer: Guide, places: list[str], words: str, methods: tuple[Method, ...]) -> Sentence:
    """What came at each of these readers. Raises CheckFailed at the first where it did not open."""
    said = []
    for place in places:
        gate.wait(lambda: gate.door().at_rest, Sentence("the gate did not come to rest"))
        before = gate.newest([Kind.GRANTED, Kind.DENIED])
        number = 0 if before is None else before.sequence
        installer.tell(words.format(place=place))
        found: list[Line] = []

        def answered(place: str = place, number: int = number, found: list[Line] = found) -> bool:
            line = gate.newest([Kind.GRANTED, Kind.DENIED])
            if line is not None and line.sequence > number and _is_of(line, place, methods):
                found[:] = [line]
            return bool(found)

        gate.wait(answered, Sentence("nothing was read at {reader}", reader=place))
        said.append(_said_of(found[0]))
    # One after the other, where there are several.
    return reduce(lambda before, one: Sentence("{before}; {then}", before=before, then=one), said)


def _is_of(line: Line, place: str, methods: tuple[Method, ...]) -> bool:
    says = line.says
    return says.method in methods and (says.reader or "").startswith(place) and says.reason not in _ONCE_MORE


def _said_of(line: Line) -> Sentence:
    """Raises CheckFailed where it was read and did not open."""
    reader, reason = line.says.reader or "", line.says.reason
    if line.kind == Kind.GRANTED:
        return Sentence("opens, read at {reader}", reader=reader)
    if reason == Reason.ONE_MORE:
        return Sentence(_TWO_ARE_ASKED, reader=reader)
    known = next((words for one, words in _WHY_NOT.items() if one == reason), None)
    raise CheckFailed(Sentence(known or _REFUSED, reader=reader, **({} if known else {"reason": reason or ""})))
