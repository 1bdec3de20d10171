"""From a drawn PIN or pass, or a card in the hand, to what the gate knows somebody by. The door alone can seal a code,
so whoever enrols says how it is asked."""

from __future__ import annotations

import sqlite3
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from gate.codes import (
    PIN_DIGITS,
    ROLLING_STEP_S,
    card_digest,
    card_number,
    draw_pass,
    draw_pass_digits,
    draw_pin,
    duress_of,
    flat_of,
    pass_digest,
    pin_digest,
    rolling_digests,
    rolling_handle,
    rolling_key,
)
from gate.errors import Refusal, ResidentRefusal, Sentence
from gate.names import clean_text
from gate.store.ids import new_id
from gate.store.people import credentials, passes
from gate.store.people.passes import Pass, Wanted
from gate.store.people.residents import Resident

MOST_OF_A_LABEL = 40
NO_NUMBER = Sentence(
    "That is no card's number: it has 4 to 64 letters and digits, or is a facility and a number such as 122,56780. Show"
    " the card to the reader instead."
)
Seal = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Has the door turn digests (`gate.codes`) into what it finds codes by, in their order."""
# Among a million there is a free one at the first try but for one in thousands.
_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class DrawnPin:
    """A PIN as it is told once, to whoever it is for: it is kept nowhere."""

    flat: str | None
    """The digits of their home, which are typed first; None: the PIN is typed alone."""
    pin: str = field(repr=False)
    duress: str = field(repr=False)
    """What is typed by somebody who is forced to."""

    @property
    def typed(self) -> str:
        """All the keys in their order."""
        return f"{self.pin} #" if self.flat is None else f"{self.flat} # {self.pin} #"


@dataclass(frozen=True, slots=True)
class DrawnRolling:
    """A rolling code as it is told once, for one telephone: its key is kept nowhere."""

    flat: str
    """The digits of their home, which are typed before those of the telephone."""
    key: str = field(repr=False)
    """As it is typed into an authenticator, where no picture can be scanned: base32."""
    handle: str = field(repr=False)
    """Whose it is, as the pictures say it that are held up to the camera."""

    @property
    def fragment(self) -> str:
        """What stands behind the # of the page that draws its pictures (`api.pages.code`)."""
        return f"{self.handle}.{self.key}"

    @classmethod
    def of_fragment(cls, flat: str, fragment: str) -> DrawnRolling:
        """The same of its `fragment`."""
        handle, _, key = fragment.partition(".")
        return cls(flat, key, handle)

    def address(self, gate: str, name: str) -> str:
        """What an authenticator scans, of a gate that is called so: otpauth://."""
        issuer, account = (quote(one, safe="") for one in (gate, name))
        said = f"secret={self.key}&issuer={issuer}&algorithm=SHA1&digits={PIN_DIGITS}&period={ROLLING_STEP_S}"
        return f"otpauth://totp/{issuer}:{account}?{said}"


def new_pin(connection: sqlite3.Connection, seal: Seal, resident: Resident, *, by: str) -> DrawnPin:
    """Draw a PIN for a resident, in the place of the one they had. Raises Refusal where they are gone."""
    flat, salt = flat_of(resident.unit), credentials.salt(connection)
    for _ in range(_MOST_TRIES):
        pin = draw_pin(flat)
        finder, duress = seal([pin_digest(flat, one, salt) for one in (pin, duress_of(pin))])
        if credentials.is_free_but_for(connection, resident, (finder, duress)):
            credentials.give_pin(connection, resident, flat, finder, duress, by=by)
            return DrawnPin(flat, pin, duress_of(pin))
    raise Refusal("No PIN is free for this home. Remove those that nobody uses.")


def new_rolling(connection: sqlite3.Connection, seal: Seal, resident: Resident, *, by: str) -> DrawnRolling:
    """Draw a rolling code for a resident's telephone, in the place of the one they had.

    Raises Refusal where they are gone, or their home has no digits to be typed before it.
    """
    flat, identity = flat_of(resident.unit), new_id()
    if flat is None:
        raise ResidentRefusal(
            "A code on the phone is typed behind the digits of a home, and {name} has none, or more than seven."
            " Draw a PIN instead.",
            name=resident.name,
        )
    finder, sealed = seal(rolling_digests(identity))
    credentials.give_rolling(connection, resident, identity, flat, finder, by=by)
    return DrawnRolling(flat, b32encode(rolling_key(sealed)).decode("ascii"), rolling_handle(finder))


@dataclass(frozen=True, slots=True)
class DrawnPass:
    """A pass as it is told once, to whoever it is for: its codes are kept nowhere."""

    made: Pass
    code: str = field(repr=False)
    """What its picture says."""
    digits: str = field(repr=False)

    @property
    def typed(self) -> str:
        """All the keys in their order, for who has no picture to show."""
        return f"{self.digits} #" if self.made.flat is None else f"{self.made.flat} # {self.digits} #"


def new_pass(connection: sqlite3.Connection, seal: Seal, wanted: Wanted, now: datetime, *, by: str) -> DrawnPass:
    """Draw a pass for a visitor. Raises Refusal or UsageError, and nothing is drawn, for what is none."""
    checked = passes.checked(wanted, now)
    flat, salt = flat_of(checked.unit), credentials.salt(connection)
    for _ in range(_MOST_TRIES):
        code, digits = draw_pass(), draw_pass_digits()
        finder, typed = seal([pass_digest(code), pin_digest(flat, digits, salt)])
        if credentials.is_free_but_for(connection, None, (typed,)):
            made = passes.make(connection, checked, flat, finder, typed, now, by=by)
            return DrawnPass(made, code, digits)
    raise Refusal("No number is free for this home. Take passes back that nobody uses.")


def finder_of_number(seal: Seal, number: str) -> bytes:
    """What the card with this number, as it is printed or as a reader types it, is found by. Raises Refusal where that
    is no number."""
    plain = card_number(number)
    if plain is None:
        raise Refusal(NO_NUMBER)
    (finder,) = seal([card_digest(plain)])
    return finder


def card_of_number(connection: sqlite3.Connection, seal: Seal, resident: Resident, number: str, label: str | None, *,
                   by: str) -> str:  # fmt: skip
    """Give a resident the card with this number; its id.

    Raises Refusal where that is no number, or the card is somebody's, and UsageError for a label that is none.
    """
    called = _label(label)
    return credentials.add_card(connection, resident, called, finder_of_number(seal, number), by=by)


def card_as_found(
    connection: sqlite3.Connection, resident: Resident, finder: bytes, label: str | None, *, by: str
) -> str:
    """Give a resident the card that the door finds by this; its id. Raises Refusal as above."""
    return credentials.add_card(connection, resident, _label(label), finder, by=by)


def _label(typed: str | None) -> str | None:
    """What a card is called, cleaned; None for nothing. Raises UsageError for what cannot be seen."""
    return clean_text(typed, "name of the card", MOST_OF_A_LABEL) if typed and typed.strip() else None
