"""What commands print, as a terminal may be given it: names and details can hold orders to the terminal itself.

Whoever writes the database chooses what root reads of it. A title, a cleared screen or an answer typed in root's place
is shown as the characters that would ask for it.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, Any

# Our own colours pass; all other control characters, and what turns the direction of writing, are spelt out.
_ORDERS = re.compile(r"(\x1b\[(?:0|1|3[1-3])m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def spelt(text: str) -> str:
    """A text without orders to a terminal: each is spelt as JSON spells it.

    >>> print(spelt("Ann\\x1b]0;root\\x07"))
    Ann\\u001b]0;root\\u0007
    """
    return _ORDERS.sub(lambda found: found[1] or f"\\u{ord(found[0]):04x}", text)


def in_one_line(text: str) -> str:
    """A text that begins no line of its own.

    >>> print(in_one_line("Ann\\nThe record verifies."))
    Ann\\u000aThe record verifies.
    """
    return text.replace("\n", "\\u000a")


def _unwritable(error: UnicodeError) -> tuple[str, int]:
    """What an encoding has no letter for, spelt likewise: what is JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


class Spelling:
    """A stream of text that spells out every order to a terminal, and every letter that its encoding does not have, as
    of a terminal that is set to GBK or a file's name that is no text; it is the one it was made from in all else."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            codecs.register_error("facegate.spelt", _unwritable)
            stream.reconfigure(errors="facegate.spelt")

    def write(self, text: str) -> int:
        """Write a text as `spelt`."""
        self._stream.write(spelt(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
