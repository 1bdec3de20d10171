"""What is typed at a keypad or read from a card, as the digest under which it is found. Standard library only.

A digest is not kept anywhere: the door turns it into a finder with a key that it alone has (`gate.door.code_key`), so
that whoever reads the database cannot try out PINs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
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
ROLLING_STEP_S = 30
"""For how long an authenticator shows the same digits."""
_ROLLING_KEY = 20
# What the picture of a rolling code says: 30 bits of what finds it, and 65 of what its key makes of the step.
_HANDLE, _MAC = 6, 13
_HANDLE_BYTES = 5
# What a code is found by begins with the mark of the door's key.
_MARK = 4
_ROLLING = re.compile(r"R[A-Z2-7]{19}")
_PASS_BYTES = 10
_PASS = re.compile(r"V[A-Z2-7]{16}")
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


def rolling_digests(identity: str) -> tuple[bytes, bytes]:
    """Of the rolling code with this id: what is sealed to find it by, and what is sealed to have its key."""
    finder, key = (hashlib.sha256(f"rolling {of} {identity}".encode()).digest() for of in ("finder", "key"))
    return finder, key


def rolling_key(sealed: bytes) -> bytes:
    """The key of a rolling code, of what the door sealed: 20 bytes, as many as RFC 4226 recommends."""
    return sealed[-_ROLLING_KEY:]


def rolling_code(key: bytes, step: int) -> str:
    """The digits of one step of `ROLLING_STEP_S` since 1970: RFC 6238 over RFC 4226, SHA-1, which every authenticator
    takes without being told."""
    mac = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0xF
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**PIN_DIGITS:0{PIN_DIGITS}d}"


def rolling_handle(finder: bytes) -> str:
    """Whose a rolling code is, as its picture says it, of what the door finds it by; two may have the same."""
    return base64.b32encode(finder[_MARK : _MARK + _HANDLE_BYTES]).decode("ascii")[:_HANDLE]


def handle_bounds(handle: str) -> tuple[bytes, bytes]:
    """The least and the greatest of what rolling codes with this handle are found by, behind the mark of a key."""
    least, greatest = (base64.b32decode(handle + end * (8 - _HANDLE)) for end in ("A", "7"))
    return least, greatest + b"\xff" * (hashlib.sha256().digest_size - _MARK - _HANDLE_BYTES)


def rolling_picture(handle: str, key: bytes, step: int) -> str:
    """What the picture of a rolling code says in one step: `R`, whose it is, and 65 bits of HMAC-SHA256, all of it in
    base32, which the smallest QR code holds."""
    mac = hmac.digest(key, b"R" + handle.encode("ascii") + step.to_bytes(8, "big"), "sha256")
    return f"R{handle}{base64.b32encode(mac[:10]).decode('ascii')[:_MAC]}"


def is_rolling(text: str) -> bool:
    """Whether a text is what the picture of a rolling code says, of whatever gate."""
    return _ROLLING.fullmatch(text) is not None


def handle_of(picture: str) -> str:
    """Whose it is that is held up, of what `is_rolling`."""
    return picture[1 : 1 + _HANDLE]


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


def draw_pass() -> str:
    """What the picture of a pass says: `V` and 80 random bits in base32, which the smallest QR code holds."""
    return f"V{base64.b32encode(secrets.token_bytes(_PASS_BYTES)).decode('ascii')}"


def is_pass(text: str) -> bool:
    """Whether a text is what the picture of a pass says, of whatever gate."""
    return _PASS.fullmatch(text) is not None


def pass_digest(code: str) -> bytes:
    """32 bytes for what the picture of a pass says."""
    return hashlib.sha256(f"pass {code}".encode("ascii")).digest()


def draw_pass_digits() -> str:
    """What is typed in the place of a pass's picture, behind the digits of a home or alone."""
    return f"{secrets.randbelow(10**PIN_ALONE_DIGITS):0{PIN_ALONE_DIGITS}d}"
