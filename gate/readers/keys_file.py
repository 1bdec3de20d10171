"""The keys of OSDP readers, a line each: its address, and 32 hexadecimal digits.

On a gate they are root's alone, and handed over by systemd (LoadCredential=).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gate.errors import UsageError
from gate.places import write_whole

CREDENTIAL = "osdp-keys"
_LINE = re.compile(r"(\d{1,3}) ([0-9a-f]{32})")
_HIGHEST = 126


def name_of(address: int) -> str:
    """What the record calls the reader at an address."""
    return f"osdp {address}"


def keys_of(text: str) -> dict[int, bytes]:
    """The keys by address. Raises UsageError for what is none; its words tell no key."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip().lower())
        if found is None or int(found[1]) > _HIGHEST or int(found[1]) in keys:
            raise UsageError(
                f"Line {number} of the readers' keys is none: an address and 32 hexadecimal digits, each address once."
                " Pair the reader again: sudo facegate readers pair ADDRESS"
            )
        keys[int(found[1])] = bytes.fromhex(found[2])
    return keys


def read_keys(file: Path) -> dict[int, bytes]:
    """What a file holds; nothing where there is none. Raises UsageError."""
    try:
        return keys_of(file.read_text("ascii"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text. Take it away and pair the readers again.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}). Say it with sudo.") from error


def write_keys(file: Path, keys: Mapping[int, bytes]) -> None:
    """Write the keys, for the file's owner alone, whole or not at all. Raises UsageError."""
    text = "".join(f"{address} {key.hex()}\n" for address, key in sorted(keys.items()))
    try:
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_whole(file, text.encode("ascii"))
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}). Say it with sudo.") from error
