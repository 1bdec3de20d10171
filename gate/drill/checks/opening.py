"""Who is let in, for how long, and who is refused."""

from __future__ import annotations

import socket
import time
from contextlib import closing

from gate import codes
from gate.drill.expect import expect, milliseconds, press_exit, refused, soon
from gate.drill.rig import TIMES, Rig
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.fields import read
from gate.processes.requests import Reply
from gate.store.database import open_database
from gate.store.people import credentials, residents
from gate.vocabulary import Kind, Method, Reason

_CARD = "4711"


def claim_opens(gate: Rig, resident: str) -> Sentence:
    """A resident's claim moves the relay."""
    gate.rest()
    asked = time.monotonic()
    expect(gate.claim(resident).granted, Sentence("the claim was refused"))
    return soon(gate.edge("relay", True, asked) - asked)


def card_opens(gate: Rig, resident: str) -> Sentence:
    """A resident's card moves the relay, and one that is nobody's does not."""
    gate.rest()
    (finder,) = gate.ask(lambda door: asking.seal(door, [codes.card_digest(_CARD)]))
    with closing(open_database(gate.state)) as store:
        person = residents.get(store, resident)
        expect(person is not None, Sentence("the resident is gone"))
        if person is not None:
            credentials.add_card(store, person, None, finder, by="drill")
    gate.show_card(f"{_CARD}0")
    gate.recorded(Kind.DENIED, reason=Reason.WRONG_CODE)
    asked = time.monotonic()
    gate.show_card(_CARD)
    return soon(gate.edge("relay", True, asked) - asked)


def pin_opens(gate: Rig, resident: str) -> Sentence:
    """A resident's PIN moves the relay, and so does it under duress, which is an alarm; a wrong one does not."""
    gate.rest()
    pin = codes.draw_pin(None)
    forced = codes.duress_of(pin)
    with closing(open_database(gate.state)) as store:
        salt, person = credentials.salt(store), residents.get(store, resident)
        digests = [codes.pin_digest(None, one, salt) for one in (pin, forced)]
        finder, duress = gate.ask(lambda door: asking.seal(door, digests))
        expect(person is not None, Sentence("the resident is gone"))
        if person is not None:
            credentials.give_pin(store, person, None, finder, duress, by="drill")
    gate.type_keys(f"{codes.duress_of(forced)}#")
    gate.recorded(Kind.DENIED, reason=Reason.WRONG_CODE, method=Method.PIN)
    asked = time.monotonic()
    gate.type_keys(f"{pin}#")
    opened = gate.edge("relay", True, asked) - asked
    gate.rest()
    forced_at = time.monotonic()
    gate.type_keys(f"{forced}#")
    gate.edge("relay", True, forced_at)
    gate.recorded(Kind.DURESS)
    return Sentence("opens after {time}; under duress it opens too, with an alarm", time=milliseconds(opened))


def pulse_has_its_length(gate: Rig, resident: str) -> Sentence:
    """The relay goes off after its pulse, and never later than its maximum."""
    gate.rest()
    asked = time.monotonic()
    gate.claim(resident)
    on = gate.edge("relay", True, asked)
    lasted = gate.edge("relay", False, on) - on
    expect(abs(lasted - TIMES["pulse_s"]) < 0.1, Sentence("it lasted {time} s", time=f"{lasted:.3f}"))
    return Sentence("{time} s of {of} s", time=f"{lasted:.3f}", of=f"{TIMES['pulse_s']:g}")


def one_claim_opens_once(gate: Rig, resident: str) -> Sentence:
    """The same claim again is refused, also after the interval."""
    gate.rest()
    expect(gate.claim(resident, named="drill-once").granted, Sentence("the first was refused"))
    gate.rest()
    return refused(gate.claim(resident, named="drill-once"), Reason.REPLAYED)


def no_second_pulse_in_a_pulse(gate: Rig, resident: str) -> Sentence:
    """Who asks while a pulse runs is told so."""
    gate.rest()
    gate.claim(resident)
    return refused(gate.claim(resident), Reason.BUSY)


def no_second_pulse_in_the_interval(gate: Rig, resident: str) -> Sentence:
    """A second pulse is refused in the interval after the first, too."""
    gate.rest()
    asked = time.monotonic()
    gate.claim(resident)
    gate.edge("relay", False, gate.edge("relay", True, asked))
    return refused(gate.claim(resident), Reason.BUSY)


def old_claim_is_refused(gate: Rig, resident: str) -> Sentence:
    """A claim from an old frame opens nothing."""
    gate.rest()
    return refused(gate.claim(resident, taken_mono=time.monotonic() - 5), Reason.STALE)


def future_claim_is_refused(gate: Rig, resident: str) -> Sentence:
    """A claim from a frame that is yet to come is refused."""
    gate.rest()
    return refused(gate.claim(resident, taken_mono=time.monotonic() + 5), Reason.STALE)


def unknown_person_is_refused(gate: Rig, _resident: str) -> Sentence:
    """Nobody we know is let in by face."""
    gate.rest()
    return refused(gate.claim(None, Reason.UNKNOWN), Reason.UNKNOWN)


def removed_resident_is_refused(gate: Rig, _resident: str) -> Sentence:
    """A claim for someone who is not enrolled opens nothing."""
    gate.rest()
    return refused(gate.claim("01900000-0000-7000-8000-000000000000"), Reason.NOT_ENROLLED)


def nonsense_is_refused(gate: Rig, _resident: str) -> Sentence:
    """A message that is none, and one that never ends, move nothing."""
    gate.rest()
    began = time.monotonic()
    refused(gate.ask(lambda door: read(Reply, door.ask({"do": "nonsense"}))), Reason.MALFORMED)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(socket_of(gate.state, "door")))
        try:
            peer.sendall(b"x" * 1_000_000)
            cut = peer.recv(1) == b""
        except OSError:
            cut = True
    expect(cut, Sentence("1 MB without an end was taken"))
    expect(not gate.edges("relay", began), Sentence("the relay moved"))
    return Sentence("malformed; 1 MB without an end is cut off")


def exit_opens(gate: Rig, _resident: str) -> Sentence:
    """REX moves the relay."""
    gate.rest()
    return soon(press_exit(gate))


def exit_held_is_answered_again(gate: Rig, _resident: str) -> Sentence:
    """A button that stays pressed opens again and again, without the interval."""
    gate.rest()
    pressed = gate.drive(rex=True)
    gate.until(
        lambda: len([e for e in gate.edges("relay", pressed) if e["level"]]) >= 3,
        Sentence("it did not open three times"),
    )
    gate.drive(rex=False)
    return Sentence("3 pulses in {time} s", time=f"{time.monotonic() - pressed:.1f}")


def lights_tell_grant_from_refusal(gate: Rig, resident: str) -> Sentence:
    """Grant and refusal differ in colour and in rhythm."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident)
    gate.edge("green", True, began)
    gate.rest()
    refused = time.monotonic()
    gate.claim(None, Reason.UNKNOWN)
    gate.edge("red", True, refused)
    gate.until(lambda: len([e for e in gate.edges("buzzer", refused) if e["level"]]) >= 2, Sentence("no two beeps"))
    return Sentence("green and one beep; red and two")
