"""The keypads and card readers: whether their devices are there, and whether what is typed there can open anything."""

from __future__ import annotations

import grp
import os
import re
import stat
from contextlib import closing
from pathlib import Path

from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import Site
from gate.door.settings import DoorSettings
from gate.state_folder import reader_keys
from gate.store.database import open_read_only
from gate.store.people import credentials
from gate.vocabulary import Method

_USER, _GROUP = "facegate-readers", "facegate-input"
# Of linux/major.h.
_INPUT_MAJOR = 13
_RESTART = "Then: sudo systemctl restart facegate.target"


def readers(site: Site) -> Seen:
    """What the settings name, one after the other. Raises StoreError and sqlite3.Error where PINs cannot be read."""
    if (lost := _lost_key(site)) is not None:
        return lost
    named = {"keypad": site.settings.readers.keypad, "card_reader": site.settings.readers.card_reader}
    paths = {name: path for name, path in named.items() if path is not None}
    line, door = site.settings.readers.osdp_port, site.settings.door
    wiegand = _wiegand_of(door)
    if not paths and line is None and wiegand is None:
        if not site.settings.camera.wanted:
            seen = "None, and there is no camera: no resident comes in by themselves."
            return worth_a_look(seen, "Name a keypad or a card reader in the settings: docs/readers.md.")
        return well("None: nobody is let in by PIN or card.")
    if (paths or line is not None) and site.units is not None and door.readers_user is None:
        seen = "The door takes PINs and cards from its own user alone, and readers run as another."
        return to_mend(seen, f'Add to the section [door]: readers_user = "{_USER}". {_RESTART}')
    for name, path in paths.items():
        if (trouble := _trouble(name, path, installed=site.units is not None)) is not None:
            return trouble
    if line is not None and (trouble := _trouble_of_line(site, line)) is not None:
        return trouble
    if ("keypad" in paths or door.wiegand_keypad is not None) and not _somebody_has_a_pin(site):
        return worth_a_look("A keypad is there, and nobody has a PIN.", "Give residents a PIN each, in the console.")
    there = [*paths.values(), *([line] if line else [])]
    told = [f"{' and '.join(there)}: there."] if there else []
    return well(" ".join([*told, *([wiegand] if wiegand else [])]))


def _wiegand_of(door: DoorSettings) -> str | None:
    """What the door reads by itself; None where it reads nothing."""
    if door.wiegand_d0_pin is None:
        return None
    keypad = f", keys of {door.wiegand_keypad} bits" if door.wiegand_keypad is not None else ""
    lines = f"pins {door.wiegand_d0_pin} and {door.wiegand_d1_pin}"
    return f"Wiegand on {lines} (format {door.wiegand_format}{keypad}), which can be heard and copied at its cable."


def _lost_key(site: Site) -> Seen | None:
    """What is wrong with the door's key for codes, where it says so."""
    door = site.health.door
    if door is None or door.code_fault is None:
        return None
    return to_mend(
        f"PINs or cards are refused: the door's key for them {door.code_fault}.",
        "Bring door/code.key of the state back from where this gate ran before, or begin anew: facegate readers"
        " new-key",
    )


def _trouble_of_line(site: Site, path: str) -> Seen | None:
    """What is wrong with the line of OSDP readers; None where nothing is."""
    try:
        is_there = stat.S_ISCHR(os.stat(path).st_mode)
    except OSError as error:
        return to_mend(f"{path} is not there ({error.strerror}).", "Plug it in, or correct readers.osdp_port.")
    if not is_there:
        return to_mend(f"{path} is no serial port.", "Name one of those in /dev/serial/by-id in readers.osdp_port.")
    keys = reader_keys(site.state)
    # On an installed gate root alone sees them; one that could not be paired leaves an empty file.
    if site.units is None and not (keys.exists() and keys.stat().st_size):
        return to_mend("No OSDP reader has a key yet, so none is heard.", "Pair each: facegate readers pair ADDRESS")
    return None


def _trouble(name: str, path: str, *, installed: bool) -> Seen | None:
    """What is wrong with a device; None where nothing is."""
    try:
        found = os.stat(path)
    except OSError as error:
        return to_mend(f"{path} is not there ({error.strerror}).", f"Plug it in, or correct readers.{name}.")
    if not stat.S_ISCHR(found.st_mode) or os.major(found.st_rdev) != _INPUT_MAJOR:
        return to_mend(f"{path} is no input device.", f"Name one of those in /dev/input/by-id in readers.{name}.")
    if installed and not (found.st_mode & stat.S_IRGRP and _group_of(found.st_gid) == _GROUP):
        do = "Plug it in anew. One that is no keyboard at a USB port takes a rule of its own: docs/readers.md."
        return to_mend(f"{path} may not be read by the group {_GROUP}.", do)
    if re.fullmatch(r"event\d+", Path(path).name):
        return worth_a_look(f"{path} is there now.", f"Numbers change: name it by /dev/input/by-id in readers.{name}.")
    return None


def _group_of(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _somebody_has_a_pin(site: Site) -> bool:
    with closing(open_read_only(site.state)) as connection:
        return any(held & {Method.PIN, Method.ROLLING} for held in credentials.having(connection).values())
