"""Finding residents, and visitors by their passes, by what people type: a part of a name in any writing or by its
sound, a home in any writing."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gate.names import name_key
from gate.pinyin import spelt
from gate.store.people import passes, residents
from gate.store.people.homes import home_key, meant
from gate.store.people.passes import Pass
from gate.store.people.residents import Resident

# Dots between the parts of a name, and what people type for them.
_DOTS = "·•・‧∙⋅･.'’`"
_DASHES = "‐‑‒–—−－"
_LEFT_OUT = str.maketrans(dict.fromkeys(_DOTS) | dict.fromkeys(_DASHES, "-"))


_Somebody = TypeVar("_Somebody", Resident, Pass)


def search(
    connection: sqlite3.Connection, words: str, unit: str | None = None, group: str | None = None
) -> list[Resident]:
    """Everyone whom all the words fit, by name; of one home or group where one is given.

    A word fits a part of the name or the home, in large or small letters, with accents and middle dots or without;
    the sound or the initials of a Chinese name; and any writing of the home, which may also be all the words together.
    A word that names a home which is there, or a building, is no part of another's: 5-101 is not 15-101.
    """
    found = _fitting(residents.every(connection), words, unit)
    return [one for one in found if group is None or one.group == group]


def passes_of(connection: sqlite3.Connection, words: str, unit: str | None = None) -> list[Pass]:
    """The passes of every visitor whom the words fit in the same way, by their name or the home that they visit."""
    return _fitting(passes.every(connection), words, unit)


def _fitting(people: Sequence[_Somebody], words: str, unit: str | None) -> list[_Somebody]:
    keys = {one.id: home_key(one.unit) for one in people if one.unit}
    asked, wanted = _Asked.of(words, set(keys.values())), home_key(unit) if unit else unit

    def matches(one: _Somebody) -> bool:
        key = keys.get(one.id)
        at_home = wanted is None or (key == wanted if wanted else one.unit == wanted)
        return at_home and asked.fits(one, key)

    return [one for one in people if matches(one)]


@dataclass(frozen=True, slots=True)
class _Word:
    """One word as it is compared, and the homes it may mean."""

    text: str
    homes: Collection[str]
    letters: bool

    def fits(self, one: Resident | Pass, name: str, home: str, key: str | None) -> bool:
        return (
            self.text in name
            or self.text in name.replace(" ", "")
            or (key in self.homes if self.homes else self.text in home)
            or (self.letters and spelt(self.text, one.name))
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that was typed: its words, and the homes that it may mean as a whole."""

    words: tuple[_Word, ...]
    homes: Collection[str]

    @classmethod
    def of(cls, typed: str, keys: Collection[str]) -> _Asked:
        words = folded(typed).split()
        # A sign alone between two blanks says nothing.
        said = [one for one in words if any(sign.isalnum() for sign in one)] or words
        return cls(
            tuple(_Word(one, meant(one, keys), one.isascii() and one.isalpha()) for one in said), meant(typed, keys)
        )

    def fits(self, one: Resident | Pass, key: str | None) -> bool:
        if key in self.homes:
            return True
        name, home = folded(one.name), folded(one.unit or "")
        return all(word.fits(one, name, home, key) for word in self.words)


def says_nothing(words: str) -> bool:
    """Whether there is nothing in what was typed that anybody could be found by: it finds everyone."""
    return not any(sign.isalnum() for sign in folded(words))


def folded(text: str) -> str:
    """What writings of a name have in common that differ in width, case, accents, joiners and dots.

    >>> folded("José\u3000Müller"), folded("阿依古丽·买买提"), folded("ＬＩ－３")
    ('jose muller', '阿依古丽买买提', 'li-3')
    """
    if text.isascii():
        return text.casefold().translate(_LEFT_OUT)
    parts = unicodedata.normalize("NFKD", name_key(text)).translate(_LEFT_OUT)
    return unicodedata.normalize("NFC", "".join(one for one in parts if not unicodedata.combining(one))).casefold()
