"""What the pages of the record are called by people: their views, and why somebody was refused, in a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from api.languages import Language
from api.pages.actor_words import actors
from api.wording import BELLS, EVENTS, FAULTS, FIRST, KINDS, LOOKED, METHODS, OUTCOMES, ROLES, reason_of
from gate.days import day_of
from gate.door.wiegand import Flaw
from gate.errors import Refusal, Sentence
from gate.store.compound.records import own_gate
from gate.store.record.approaches import ANSWERS
from gate.store.record.audit import Line
from gate.store.record.details import Details
from gate.vocabulary import Kind, Reason


def _of(*names: str) -> tuple[Kind, ...]:
    return tuple(kind for name in names for kind in KINDS[name][1])


# What the events page opens on, and what else it can be: each with its kinds, none for all there are.
VIEWS: dict[str, tuple[Sentence, tuple[Kind, ...]]] = {
    "": (Sentence("People at the gate"), (*ANSWERS, Kind.DURESS, Kind.DURESS_TRIED)),
    "gate": (Sentence("Gate and alarms"), _of("alarms", "bell", "door")),
    "operations": (Sentence("Operations log"), _of("people", "looks", "settings", "upkeep")),
    "everything": (Sentence("Everything"), ()),
}

# What a manager says to a resident who asks why.
WHY: dict[str, Sentence] = {
    Reason.UNKNOWN: Sentence(
        "The gate did not recognise the face. If it was a resident, add photos of how they look now."
    ),
    Reason.AMBIGUOUS: Sentence(
        "The face looked like two residents at once, so the gate opened for neither. Add photos of both."
    ),
    Reason.NOT_LIVE: Sentence(
        "What the camera saw did not move like a face: a photo, a screen, or somebody who kept very still."
    ),
    Reason.TURNED_AWAY: Sentence("The face was turned away from the camera."),
    Reason.NOT_UPRIGHT: Sentence("The head was tilted too far."),
    Reason.NOT_PLAIN: Sentence("The camera did not see a plain face."),
    Reason.COVERED: Sentence("A mask, glasses or a hand covered the face."),
    Reason.BLURRED: Sentence("The picture was blurred; to stand still for a moment helps."),
    Reason.TOO_DARK: Sentence("There was too little light on the face; a lamp at the gate helps."),
    Reason.TOO_BRIGHT: Sentence("The light on the face was too bright, from the sun or a lamp."),
    Reason.STALE: Sentence("The answer came too late, since the machine was busy. Nothing was wrong with the face."),
    Reason.BUSY: Sentence("The gate was opening or had just opened. To wait a moment is enough."),
    Reason.NO_ESCORT: Sentence(
        "Their group is let in only right behind an escort, and none had just been let in. Have the escort go first."
    ),
    Reason.PASSBACK: Sentence(
        "They had gone in and were not seen going out. If they did go out, forgive it on their page."
    ),
    Reason.INTERLOCKED: Sentence(
        "The other of the two doors was open. To wait until it is shut is enough; a cut wire to its contact does the"
        " same."
    ),
    Reason.GATE_MOVES: Sentence("The gate was still moving. To wait until it stands still is enough."),
    Reason.NOT_ENROLLED: Sentence("They had just been erased."),
    Reason.NOT_THIS_GATE: Sentence(
        "They are let in at other gates alone, by their own area or their group's. Which those are is on their page."
    ),
    Reason.OUT_OF_HOURS: Sentence("They came outside the hours that are set for them."),
    Reason.FACE_NOT_ENOUGH: Sentence(
        "At this hour a face alone does not open the gate, and they have neither a PIN nor a card. Draw them a PIN."
    ),
    Reason.ONE_MORE: Sentence("At this hour two things open the gate together: face, PIN or card, within 15 seconds."),
    Reason.WRONG_CODE: Sentence(
        "The PIN or the card is nobody's. If it was a resident, draw a new PIN or add the card on their page."
    ),
    Reason.ALREADY_USED: Sentence(
        "Each code that a phone shows opens once. They wait for the next one, half a minute at most; after the gate was"
        " started, a minute."
    ),
    Reason.SUSPENDED: Sentence("The card is reported lost. If it was found again, say so on the resident's page."),
    Reason.REVOKED: Sentence("Their pass was taken back. Make them another if they are expected."),
    Reason.SPENT: Sentence("Their pass had been used as often as it opens. Make them another if they are expected."),
    Reason.TOO_EARLY: Sentence("They came before their pass begins. Under Passes it says when that is."),
    Reason.EXPIRED: Sentence("Their pass is over. Make them another if they are expected."),
    Reason.PASS_NOT_ENOUGH: Sentence(
        "At this hour two things open the gate together, and a pass is one alone. Open for them from here."
    ),
    Reason.LOCKED_OUT: Sentence(
        "Too many wrong PINs: the keypad took none for a while. Face and card went on working."
    ),
    Reason.OUT_OF_VALIDITY: Sentence(
        "They came before their first day or after their last. Their days are on their page."
    ),
    Reason.CLOCK_UNTRUSTED: Sentence(
        "The gate did not know the time for certain, and could not tell whether it was within their hours."
    ),
    Reason.LOCKDOWN: Sentence("The gate was in lockdown: nobody was let in."),
    Reason.TAMPER: Sentence("The gate was blocked, since somebody had tampered with it."),
    Reason.STORE_UNREADABLE: Sentence("The gate could not read who lives here."),
    Reason.FAULT: Sentence("The gate had a fault. The gate's page says which."),
}

# What a line's details hold that has words. An order is called by what it brings about.
_SAID = (
    ("method", METHODS), ("first", FIRST), ("fault", FAULTS), ("order", EVENTS | {"open": Sentence("Open once")}),
    ("outcome", OUTCOMES), ("what", LOOKED), ("rung", BELLS),
)  # fmt: skip


# What is changed of a resident, or of hours and groups: as it is from then on, and where it is taken away.
_CHANGED: dict[str, tuple[Sentence, Sentence]] = {
    "group": (Sentence("group {value}"), Sentence("no group any more")),
    "schedule": (Sentence("hours {value}"), Sentence("no hours of their own any more")),
    "area": (Sentence("area {value}"), Sentence("no area of their own any more")),
    "valid_from": (Sentence("first day {value}"), Sentence("no first day any more")),
    "valid_until": (Sentence("last day {value}"), Sentence("no last day any more")),
}

# Why a sign-in failed that was none by name and password (the record has these words in English), and what was wrong
# with what a Wiegand reader said.
_WHY: dict[str, Sentence] = {
    "owner code": Sentence("with a wrong code for the first owner"),
    "confirmation": Sentence("when the password was asked for once more"),
    Flaw.LOST: Sentence("bits were lost: the machine was too busy"),
    Flaw.SPACING: Sentence("not at a reader's pace: noise on its cable"),
    Flaw.LENGTH: Sentence("not as long as the format that is set"),
    Flaw.PARITY: Sentence("wrong parity: noise on its cable, or its wires D0 and D1 are swapped"),
    Flaw.KEY: Sentence("no key of a keypad"),
}


def explained(says: Details) -> Sentence | None:
    """What to tell whoever asks why; None: there is no more to say. A late order says all by its reason."""
    late_order = says.method == "command" and says.reason == Reason.STALE
    return None if late_order else WHY.get(says.reason or "")


def _of_an_import(says: Details, language: Language) -> list[str]:
    """How far one was that was stopped."""
    if says.phase in ("rehearsing", "rehearsed"):
        return [language("only rehearsed, nothing was changed")]
    if None in (says.done, says.refused, says.untouched):
        return []
    return [
        language("rows: {done} done, {refused} not imported, {untouched} untouched", done=says.done,
                 refused=says.refused, untouched=says.untouched)
    ]  # fmt: skip


def teller(language: Language, connection: sqlite3.Connection) -> Callable[[Line], str]:
    """What there is to say about a line, in one short phrase."""
    called_here, called_there = actors(language, connection), actors(language, connection, there=True)
    own = own_gate(connection)

    def told(line: Line) -> str:
        says, called = line.says, called_here if line.gate_id == own else called_there
        known = [(getattr(says, name), words) for name, words in _SAID]
        parts = [language(reason_of(says))] if says.reason else []
        parts += [language(words.get(value, value)) for value, words in known if value]
        parts += _of_an_import(says, language)
        if says.gates:
            parts.append(language("at {gates}", gates=says.gates))
        if says.reader:
            parts.append(language("at the reader {reader}", reader=says.reader))
        if says.in_already and not says.reason:
            parts.append(language("was in already"))
            if says.in_at:
                parts.append(language("by the word of the gate {gate}", gate=says.in_at))
            elif says.in_at is not None:
                parts.append(language("by the word of the centre's gate"))
        if says.answers:
            parts.append(language("answered the bell"))
        if line.kind == Kind.READER_NOISE and says.frames:
            parts.append(language.many("{count} time", "{count} times", says.frames))
        if says.seconds is not None:
            parts.append(language("{seconds} s", seconds=f"{says.seconds:.1f}"))
        if says.why:
            parts.append(language(_WHY.get(says.why, says.why)))
        parts += _changed(language, line)
        parts += [called(f"{kind} {named}") for kind in ("user", "token") if (named := getattr(says, kind))]
        if says.address:
            parts.append(language("from {address}", address=says.address))
        if says.by:
            by = called(says.by)
            parts.append(language("by {name}", name=by) if says.user or says.token else by)
        return language.comma.join(parts)

    return told


def _changed(language: Language, line: Line) -> Iterator[str]:
    """What was changed, as it is from then on, and what was made or removed by its name."""
    says = line.says
    for name, (there, away) in _CHANGED.items():
        value = getattr(says, name)
        if value is not None:
            yield language(there, value=_as_a_day(language, value)) if value else language(away)
    if says.extended is not None:
        yield language("more time for the gate") if says.extended else language("the usual time for the gate")
    if line.kind == Kind.RESIDENT_CHANGED and (home := line.personal.get("unit")):
        yield language("home {home}", home=home)
    if says.holiday:
        yield says.holiday
    if says.role:
        yield language(ROLES.get(says.role, says.role))


def _as_a_day(language: Language, value: str) -> str:
    """A day of the record as it is written on pages; anything else as it is."""
    try:
        return language.short_day(day_of(value))
    except Refusal:
        return value
