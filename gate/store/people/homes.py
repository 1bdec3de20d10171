"""Homes, however people write them: 3栋1204, 3号楼1204室, ３－１２０４, 3/1204 and 3-1204 are one. Pure.

A home is told by its *key*: its numbers and names in their order, without the words for what they number.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gate.store.people.residents import Resident

_BUILDING = "号楼|號樓|号院|栋|棟|幢|座|楼|樓|期|区|區"
_ROOM = "室|号房|房|户|戶"
_DESIGNATORS = f"{_BUILDING}|{_ROOM}|单元|單元|号|號|层|層|门|門"
# What a number or a letter numbers; and Chinese numerals, where such a word follows.
_AFTER_NUMBER = re.compile(rf"(?<=[0-9a-z])\s*(?:{_DESIGNATORS})")
_NUMERAL = re.compile(rf"[〇零一二三四五六七八九十百两]+(?=\s*(?:{_DESIGNATORS}))")
_ENDS_WITH_BUILDING = re.compile(rf"[0-9a-z]\s*(?:{_BUILDING})\W*\Z")
_ENDS_WITH_ROOM = re.compile(rf"[0-9a-z]\s*(?:{_ROOM})\W*\Z")
_ENGLISH = frozenset({
    "building", "bldg", "block", "blk", "tower", "house", "floor", "fl", "unit", "no", "room", "rm", "apartment", "apt",
    "flat", "suite", "ste",
})  # fmt: skip
_PARTS = re.compile(r"[0-9]+|[^\W0-9_]+")
_DIGITS = {one: value for value, one in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


@dataclass(frozen=True, slots=True)
class Home:
    """Everyone of one home. `name` is how most of them write it; None: they have none."""

    key: str
    name: str | None
    people: tuple[Resident, ...]


def home_key(written: str) -> str:
    """What all writings of one home have in common.

    >>> [home_key(one) for one in ("3栋1204", "3号楼1204室", "３－１２０４", "三幢 1204", "A座08", "Bldg 3, Room 9")]
    ['3-1204', '3-1204', '3-1204', '3-1204', 'a-8', '3-9']
    """
    text = _folded(written)
    parts = [one.lstrip("0") or "0" if one.isdigit() else one for one in _PARTS.findall(_AFTER_NUMBER.sub(" ", text))]
    if any(one.isdigit() for one in parts):
        parts = [one for one in parts if one not in _ENGLISH]
    return "-".join(parts) or text.encode().hex()


def are_one(unit: str | None, other: str | None) -> bool:
    """Whether two homes are the same, however each is written; no home is no other's.

    >>> are_one("3-1204", "3栋1204室"), are_one("3-1204", "3-1205"), are_one("3-1204", None)
    (True, False, False)
    """
    return unit is not None and other is not None and home_key(unit) == home_key(other)


def meant(written: str, keys: Collection[str]) -> frozenset[str]:
    """The homes among `keys` that somebody may mean by what they wrote.

    The one of that key; all of a building, or all rooms of that number, where nothing but this is named ("3栋",
    "1204室"); and without any sign in between ("31204") the one that is read so, where there is only one.
    """
    key, text = home_key(written), _folded(written)
    if not any(one.isdigit() for one in key):
        return frozenset()
    found = {key} & set(keys)
    if _ENDS_WITH_BUILDING.search(text):
        found |= {one for one in keys if one.startswith(f"{key}-")}
    elif _ENDS_WITH_ROOM.search(text):
        found |= {one for one in keys if one.endswith(f"-{key}")}
    elif not found and key.isdigit():
        undivided = [one for one in keys if _is_undivided(text, one)]
        found |= set(undivided if len(undivided) == 1 else ())
    return frozenset(found)


def _is_undivided(text: str, key: str) -> bool:
    """Whether a text is the key of a home without what divides it, and with zeros before each part or without."""
    # A pattern for each of thousands of homes would take longer to make than all the rest.
    alike = text.replace("0", "") == key.replace("-", "").replace("0", "")
    return alike and re.fullmatch("0*" + key.replace("-", "0*"), text) is not None


def grouped(people: Iterable[Resident]) -> list[Home]:
    """Their homes in the order of their numbers, those without one last; in each its people by name."""
    by_key: dict[str, list[Resident]] = defaultdict(list)
    for one in people:
        by_key[home_key(one.unit) if one.unit else ""].append(one)
    homes = [
        Home(key, _commonest(found), tuple(sorted(found, key=lambda one: (one.name, one.id))))
        for key, found in by_key.items()
    ]
    return sorted(homes, key=lambda home: in_order(home.key))


def in_order(key: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """What keys are sorted by: numbers as numbers, before names; none at all comes last."""
    parts = key.split("-") if key else []
    return not key, [(not _is_number(one), int(one) if _is_number(one) else 0, one) for one in parts]


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit()


def _commonest(people: Collection[Resident]) -> str | None:
    """How most of them write their home; of several as common the shortest."""
    written = Counter(one.unit for one in people if one.unit)
    return min(written, key=lambda one: (-written[one], len(one), one), default=None)


def _folded(written: str) -> str:
    """In small, plain letters, with European digits."""
    if written.isascii():
        return written.casefold().strip()
    plain = unicodedata.normalize("NFKC", written).casefold()
    # Also those in a circle that have no plain form, and of scripts that count otherwise than by tens.
    digits = "".join(str(unicodedata.digit(one)) if one.isdigit() else one for one in plain)
    return _NUMERAL.sub(lambda found: str(_number(found[0])), digits).strip()


def _number(numeral: str) -> int:
    """A Chinese numeral below a thousand; without a sign for ten or hundred its digits stand side by side.

    >>> _number("十二"), _number("三十"), _number("一百零三"), _number("一二〇四")
    (12, 30, 103, 1204)
    """
    if not set(numeral) & set("十百"):
        return int("".join(str(_DIGITS[one]) for one in numeral))
    hundreds, _, rest = numeral.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    value = 100 * _number(hundreds or "一") if "百" in numeral else 0
    value += 10 * _number(tens.lstrip("零") or "一") if ten else 0
    return value + (_number(ones.lstrip("零") or "零") if ones else 0)
