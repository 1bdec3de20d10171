"""What the screen at the gate shows: one sentence, one advice and one symbol for each thing that can be the matter.

Which of them it is follows from what the door says of itself. A resident who is refused reads why, and never that
nobody knows her: only `Reason.UNKNOWN` says that. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gate.errors import Sentence
from gate.processes.status import DoorStatus
from gate.vocabulary import Fault, Reason


class Look(StrEnum):
    """What kind of answer it is: the screen has a colour, a frame round the symbol and a sound for each.

    It waits for somebody, opens, tells what helps, asks for patience, refuses, is locked to all, was left open, is
    broken, there is a fire, somebody is being enrolled.
    """

    CALM = "calm"
    GO = "go"
    HELP = "help"
    WAIT = "wait"
    NO = "no"
    LOCKED = "locked"
    ALARM = "alarm"
    FAULT = "fault"
    FIRE = "fire"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True)
class Said:
    """One state of the screen.

    `symbol` is the id of a drawing in screen_symbols.html; `by_face` says whether it promises that a face is looked
    at, which is not so once the camera is gone.
    """

    look: Look
    symbol: str
    words: Sentence
    advice: Sentence
    by_face: bool = False


_ANOTHER_WAY = Sentence("Please take another way in")
_OR_ANOTHER_WAY = Sentence("Or take another way in")
_RING = Sentence("Please ring")
_GUARD = Sentence("Please ask the guard")
_CAMERA = Sentence("Please look at the camera")
_AND_CAMERA = Sentence("and look at the camera")
_YOUR_FACE = Sentence("The gate must see you")
_STILL_BY_FACE = Sentence("Your face still opens the gate")
_SHUT = Sentence("Please shut the gate")
_HOME = Sentence("Welcome home")
_OPENS = Sentence("The gate opens")

# What stands on the button that rings, where the screen is one to touch.
RING = Sentence("Ring")

READY = Said(Look.CALM, "face", Sentence("Welcome"), _CAMERA, by_face=True)
# Whom the gate opens for by name, and who is let in by somebody's hand.
GREETED = Said(Look.GO, "tick", _HOME, _OPENS)
LET_IN = Said(Look.GO, "tick", Sentence("Welcome"), _OPENS)
# Whoever types is shown how many digits, and none of them.
TYPING = Said(Look.CALM, "keypad", Sentence("Type your PIN"), Sentence("and then the # key"))
CALLED = Said(Look.WAIT, "rings", Sentence("Somebody was called"), Sentence("Please wait a moment"))
UNANSWERED = Said(Look.NO, "no_answer", Sentence("Nobody answered"), Sentence("Please ring again or phone"))
LOCKDOWN = Said(Look.LOCKED, "lock", Sentence("Locked for everyone"), _GUARD)
TAMPER_BLOCK = Said(Look.LOCKED, "shield", Sentence("The gate is blocked"), _GUARD)
OPEN = Said(Look.GO, "open", Sentence("The gate is open"), Sentence("Please walk through"))
FIRE = Said(Look.FIRE, "flame", Sentence("Fire"), Sentence("The gate is open"))

MODES: dict[str, Said] = {
    "normal": READY,
    "pulse": LET_IN,
    "extended_pulse": Said(Look.GO, "tick", _HOME, Sentence("Take your time")),
    "egress": Said(Look.GO, "out", _OPENS, Sentence("Somebody is coming out")),
    "free_access": OPEN,
    "manual_hold": OPEN,
    "lockdown": LOCKDOWN,
    "tamper_block": TAMPER_BLOCK,
    "fire": FIRE,
    "fire_pause": FIRE,
}

# What the door's signals say by themselves, where neither a reason, a fault nor the mode says more.
SIGNALS: dict[str, Said] = {
    "ready": READY,
    "grant": GREETED,
    "deny": Said(Look.NO, "cross", Sentence("The gate stays shut"), _GUARD),
    "come_closer": Said(Look.HELP, "closer", Sentence("Please come closer"), _AND_CAMERA),
    "one_at_a_time": Said(
        Look.WAIT, "one", Sentence("One at a time, please"), Sentence("Only one at the camera")
    ),
    # The arrow points to their own left or right: whoever reads it faces it.
    "turn_left": Said(Look.HELP, "turn_left", Sentence("Turn your head left"), _OR_ANOTHER_WAY),
    "turn_right": Said(Look.HELP, "turn_right", Sentence("Turn your head right"), _OR_ANOTHER_WAY),
    "look_ahead": Said(Look.HELP, "eye", Sentence("Now look straight ahead"), Sentence("and hold still")),
    "called": CALLED,
    "open": OPEN,
    "locked": LOCKDOWN,
    "pre_alarm": Said(Look.ALARM, "shut", _SHUT, Sentence("It has been open for long")),
    "alarm": Said(Look.ALARM, "bell", _SHUT, Sentence("It must not stay open")),
    "fault": Said(Look.FAULT, "spanner", Sentence("The gate has a fault"), Sentence("Your face may still open it"),
                  by_face=True),
    "fire": FIRE,
}  # fmt: skip

# Of whoever has begun to turn the head, and stops too early.
FURTHER: dict[str, Said] = {
    side: Said(Look.HELP, side, Sentence("A little further"), Sentence("slowly, and hold it"))
    for side in ("turn_left", "turn_right")
}

_FAULT = Said(Look.FAULT, "spanner", Sentence("The gate has a fault"), _ANOTHER_WAY)
_UNSURE = Said(Look.NO, "unsure", Sentence("Not quite sure"), _ANOTHER_WAY)
_AGAIN = Said(Look.HELP, "again", Sentence("Once more, please"), _CAMERA)
_LOOK = Said(Look.HELP, "eye", Sentence("Look at the camera"), _YOUR_FACE)

REASONS: dict[Reason, Said] = {
    Reason.UNKNOWN: Said(Look.NO, "unknown", Sentence("Not known here"), _ANOTHER_WAY),
    Reason.AMBIGUOUS: _UNSURE,
    # Whoever holds up a picture is not told that it was taken for one.
    Reason.NOT_LIVE: _UNSURE,
    Reason.ASKED_TO_TURN: SIGNALS["look_ahead"],
    Reason.NO_FACE: _LOOK,
    Reason.SEVERAL_FACES: SIGNALS["one_at_a_time"],
    Reason.TOO_FAR: SIGNALS["come_closer"],
    Reason.OUT_OF_ZONE: Said(Look.HELP, "place", Sentence("Please come to the gate"), _AND_CAMERA),
    Reason.NOT_NEAREST: Said(
        Look.WAIT, "queue", Sentence("One at a time, please"), Sentence("Please wait for your turn")
    ),
    Reason.TURNED_AWAY: _LOOK,
    Reason.NOT_UPRIGHT: Said(Look.HELP, "upright", Sentence("Hold your head upright"), _AND_CAMERA),
    Reason.NOT_PLAIN: _LOOK,
    Reason.COVERED: Said(Look.HELP, "uncover", Sentence("Uncover your face"), _YOUR_FACE),
    Reason.BLURRED: Said(Look.HELP, "still", Sentence("Please hold still"), _AND_CAMERA),
    Reason.TOO_DARK: Said(Look.HELP, "lamp", Sentence("Too dark on your face"), Sentence("Please turn to the light")),
    Reason.TOO_BRIGHT: Said(
        Look.HELP, "sun", Sentence("Too bright on your face"), Sentence("Please step out of the glare")
    ),
    Reason.STALE: _AGAIN,
    Reason.REPLAYED: _AGAIN,
    Reason.BUSY: Said(Look.WAIT, "hourglass", Sentence("A moment, please"), Sentence("The gate is busy")),
    Reason.NOT_ENROLLED: Said(Look.NO, "card", Sentence("No longer registered"), Sentence("Please ask the manager")),
    # These three no face is ever answered with: they are for programs that ask what they may not.
    Reason.WRONG_PEER: _FAULT,
    Reason.MALFORMED: _FAULT,
    Reason.FLOOD: _FAULT,
    Reason.NOT_THIS_GATE: Said(Look.NO, "other_gate", Sentence("Not at this gate"), Sentence("Please ask the manager")),
    Reason.OUT_OF_HOURS: Said(Look.NO, "clock", Sentence("Outside your hours"), _GUARD),
    Reason.FACE_NOT_ENOUGH: Said(Look.NO, "key", Sentence("A face is not enough now"), _ANOTHER_WAY),
    # Whoever began with a card may go on with a PIN or by face: which it was, the door does not tell.
    Reason.ONE_MORE: Said(Look.HELP, "keypad", Sentence("Now your PIN or card"), Sentence("Or look at the camera")),
    # Nothing tells whether there is such a home.
    Reason.WRONG_CODE: Said(Look.NO, "keypad_no", Sentence("Wrong PIN or card"), Sentence("Please try once more")),
    Reason.ALREADY_USED: Said(
        Look.WAIT, "keypad_rests", Sentence("This code was used"), Sentence("Please wait for the next")
    ),
    Reason.SUSPENDED: Said(Look.NO, "card_lost", Sentence("Card reported lost"), _GUARD),
    Reason.REVOKED: Said(Look.NO, "pass_no", Sentence("Pass taken back"), _RING),
    Reason.SPENT: Said(Look.NO, "pass_no", Sentence("Pass used up"), _RING),
    Reason.TOO_EARLY: Said(Look.WAIT, "clock", Sentence("Too early"), Sentence("Your pass has yet to begin")),
    Reason.EXPIRED: Said(Look.NO, "calendar", Sentence("Your pass is over"), _RING),
    Reason.PASS_NOT_ENOUGH: Said(Look.NO, "pass_no", Sentence("Not by pass now"), _RING),
    Reason.LOCKED_OUT: Said(Look.WAIT, "keypad_rests", Sentence("The keypad rests"), Sentence("Use your face or card")),
    Reason.OUT_OF_VALIDITY: Said(Look.NO, "calendar", Sentence("Not valid today"), _GUARD),
    Reason.CLOCK_UNTRUSTED: Said(Look.FAULT, "no_time", Sentence("The clock is not set"), _ANOTHER_WAY),
    Reason.LOCKDOWN: LOCKDOWN,
    Reason.TAMPER: TAMPER_BLOCK,
    Reason.GATE_MOVES: Said(
        Look.WAIT, "moving", Sentence("The gate is moving"), Sentence("Please wait for it to stop")
    ),
    Reason.INTERLOCKED: Said(
        Look.WAIT, "two_doors", Sentence("The other door is open"), Sentence("Please wait until it is shut")
    ),
    Reason.PASSBACK: Said(Look.NO, "in_already", Sentence("You are in already"), _GUARD),
    Reason.NO_ESCORT: Said(Look.WAIT, "escort", Sentence("Not alone, please"), Sentence("Come in behind your escort")),
    Reason.NO_HOLD_RELAY: Said(Look.FAULT, "no_hold", Sentence("Cannot be held open"), _GUARD),
    Reason.STORE_UNREADABLE: Said(Look.FAULT, "store", Sentence("Cannot look you up"), _ANOTHER_WAY),
    Reason.FAULT: _FAULT,
}

# Where several stand, the first of them is told: what keeps everybody out goes before what is only to be mended.
FAULTS: dict[Fault, Said] = {
    Fault.TAMPER: Said(Look.ALARM, "housing", Sentence("Please call the guard"), Sentence("The housing is open")),
    Fault.RELAY_STUCK_OFF: Said(Look.FAULT, "no_open", Sentence("The gate cannot open"), _ANOTHER_WAY),
    Fault.RELAY_STUCK_ON: Said(
        Look.FAULT, "no_lock", Sentence("The lock has a fault"), Sentence("Please tell the guard")
    ),
    Fault.GATE_STUCK: Said(Look.FAULT, "stuck", Sentence("The gate is stuck"), _GUARD),
    Fault.NO_HOLD_RELAY: Said(
        Look.FAULT, "no_hold", Sentence("Cannot be held open"), _STILL_BY_FACE, by_face=True
    ),
    Fault.REX_STUCK: Said(Look.FAULT, "button", Sentence("Exit button stuck"), _STILL_BY_FACE, by_face=True),
    Fault.CONTACT_CHATTER: Said(Look.FAULT, "sensor", Sentence("A sensor has a fault"), _STILL_BY_FACE, by_face=True),
}  # fmt: skip

CAMERA_GONE = Said(Look.FAULT, "no_camera", Sentence("The gate cannot see"), _ANOTHER_WAY)
DOOR_GONE = Said(Look.FAULT, "no_door", Sentence("Gate out of order"), _GUARD)
# The page itself says this, when nobody answers it: camera and door do not need the screen, and may well be there.
SCREEN_GONE = Said(Look.FAULT, "no_screen", Sentence("The screen has a fault"), Sentence("Your face may still open it"))

# What is advised at a gate without a camera, where faces are spoken of else.
_WITHOUT_CAMERA: dict[Sentence, Sentence] = {
    _CAMERA: Sentence("Use your PIN or card"),
    _STILL_BY_FACE: Sentence("PIN and card still open it"),
    SIGNALS["fault"].advice: Sentence("PIN or card may still open it"),
    SCREEN_GONE.advice: Sentence("PIN or card may still open it"),
    REASONS[Reason.ONE_MORE].advice: Sentence("The one you have not used"),
    REASONS[Reason.LOCKED_OUT].advice: Sentence("Please use your card"),
}

# Signals that are an answer to somebody, or may be.
_ANSWERS = ("deny", "come_closer", "one_at_a_time", "fault")
# And those of a request.
_ASKS = ("turn_left", "turn_right", "look_ahead")
_BARRED = ("lockdown", "tamper_block")
# What gives way to somebody who is typing.
_GIVES_WAY_TO_TYPING = (Look.CALM, Look.HELP, Look.NO, Look.WAIT)


def said_by(door: DoorStatus | None) -> Said:
    """What the screen says of a door; None: it does not answer. Words of a door of another version it passes over."""
    if door is None:
        return DOOR_GONE
    said = _answer_of(door)
    if door.bell is not None and (said.look is Look.CALM or said is REASONS[Reason.UNKNOWN]):
        said = CALLED if door.bell.rings else UNANSWERED
    return TYPING if door.typed and said.look in _GIVES_WAY_TO_TYPING else said


def without_camera(said: Said) -> Said:
    """The same at a gate that has none: nobody is sent to it, and no face opens."""
    symbol = "keypad" if said.symbol == "face" else said.symbol
    return replace(said, symbol=symbol, advice=_WITHOUT_CAMERA.get(said.advice, said.advice), by_face=False)


def _answer_of(door: DoorStatus) -> Said:
    if door.mode in _BARRED and door.signal in (*_ANSWERS, *_ASKS, "locked"):
        # Nothing that anybody could do would open it.
        return MODES[door.mode]
    if door.reason is not None and door.signal in _ANSWERS:
        return REASONS[door.reason]
    if door.further and door.signal in FURTHER:
        return FURTHER[door.signal]
    return _of_signal(door)


def _of_signal(door: DoorStatus) -> Said:
    known = next((said for fault, said in FAULTS.items() if fault in door.faults), None)
    match door.signal:
        case "grant" if Fault.RELAY_STUCK_OFF in door.faults:
            # Nobody is told that it opens.
            return FAULTS[Fault.RELAY_STUCK_OFF]
        case "grant" if door.mode in ("egress", "extended_pulse"):
            return MODES[door.mode]
        case "grant":
            return GREETED if door.residents else LET_IN
        case "alarm" if door.leaf not in ("forced", "held_open") and Fault.TAMPER in door.faults:
            return FAULTS[Fault.TAMPER]
        case "fault" if known is not None:
            return known
        case _:
            return SIGNALS.get(door.signal or "", READY)


def everything() -> Iterator[tuple[str, Said]]:
    """Each state by the name of what leads to it: modes, signals, reasons, faults, and what is gone; then those that
    differ at a gate without a camera."""
    for name, said in _with_camera():
        yield name, said
    for name, said in _with_camera():
        if said.advice in _WITHOUT_CAMERA:
            yield f"{name} without camera", without_camera(said)


def _with_camera() -> Iterator[tuple[str, Said]]:
    rooms = (("mode", MODES), ("signal", SIGNALS), ("further", FURTHER), ("reason", REASONS), ("fault", FAULTS))
    for room, states in rooms:
        for name, said in states.items():
            yield f"{room} {name}", said
    yield "signal grant by hand", LET_IN
    yield "typing", TYPING
    yield "nobody answered", UNANSWERED
    yield from (("no camera", CAMERA_GONE), ("no door", DOOR_GONE), ("no console", SCREEN_GONE))
