"""What is typed at a keypad or read from a card, as the digest under which it is found. Standard library only.

A digest is not kept anywhere: the door turns it into a finder with a key that it alone has (`gate.door.code_key`), so
that whoever reads the database cannot try out PINs.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

# RFC 7914's scrypt with 2^14 blocks of 1 kB: some 30 ms and 16 MiB for each try.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
PIN_DIGITS = 6
"""Of a PIN that is typed after the digits of a home."""
PIN_ALONE_DIGITS = 8
"""Of a PIN that is typed by itself; whoever types fewer types a home's digits."""
MOST_DIGITS = 12
"""Of what is typed at once: more is no code."""
_CARD = re.compile(r"[0-9A-Za-z:]{4,64}")
# A facility and a number, as they are printed on cards and told by Wiegand readers.
_PAIR = re.compile(r"([0-9]{1,6})[,/-]([0-9]{1,12})")


def flat_of(unit: str | None) -> str | None:
    """What is typed for a home: its digits ("3-2-502" is 32502). None where it has none, or more than may be typed
    without being taken for a PIN alone."""
    digits = "".join(str(unicodedata.digit(sign)) for sign in unit or "" if sign.isdigit())
    return digits if 0 < len(digits) < PIN_ALONE_DIGITS else None


def draw_pin(flat: str | None) -> str:
    """A PIN for somebody of a home with these digits, or None; drawn evenly among all of its length."""
    digits = PIN_DIGITS if flat is not None else PIN_ALONE_DIGITS
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def duress_of(pin: str) -> str:
    """What is typed for this PIN by somebody who is forced to: its last digit is one more, 9 becomes 0."""
    return f"{pin[:-1]}{(int(pin[-1]) + 1) % 10}"


def pin_digest(flat: str | None, pin: str, salt: bytes) -> bytes:
    """32 bytes for a PIN behind a home's digits, or for one alone; `salt` is the gate's own. Takes tens of
    milliseconds, on purpose."""
    return hashlib.scrypt(f"{flat or ''}#{pin}".encode("ascii"), salt=salt, **_SCRYPT)


def card_number(text: str) -> str | None:
    """The number of a card as it is looked up, of what a reader or a person types; None where it is none.

    Letters are capitals, blanks and leading zeros do not count: readers differ in them.

    >>> card_number("122,05678"), card_number("122 - 5678"), card_number("00 4711"), card_number("47")
    ('122,5678', '122,5678', '4711', None)
    """
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if pair := _PAIR.fullmatch(number):
        return ",".join(str(int(part)) for part in pair.groups())
    if not _CARD.fullmatch(number):
        return None
    return number.lstrip("0") or None


def card_digest(number: str) -> bytes:
    """32 bytes for a card's number, as `card_number` gives it."""
    return hashlib.sha256(f"card {number}".encode("ascii")).digest()
