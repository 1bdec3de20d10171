"""What goes over the Unix-domain sockets between the processes: one JSON object a line, of limited length."""

from __future__ import annotations

import json
from typing import Any

from gate.nesting import nests_too_deep

# The longest question, bytes.
MAX_MESSAGE = 4096
# An answer may hold a picture in base64, which leaves room for little else.
MAX_PICTURE = 150_000
MAX_ANSWER = MAX_PICTURE + MAX_MESSAGE

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """A line as a message. Raises ValueError unless it is one JSON object of plain numbers and writable text."""
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
        if nests_too_deep(message):
            raise ValueError("nested too deep")
        # Half a surrogate pair is valid JSON that no database and no file takes.
        json.dumps(message, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(message, dict):
        raise ValueError("a message is one JSON object")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
