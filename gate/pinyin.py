"""Chinese names by their sound, as people type them on a keyboard without Chinese: whole syllables, or initials.

The readings are `pypinyin`'s, all of a character: 单, 曾 and 解 are read otherwise as surnames. It is loaded where
somebody first searches by letters, and by nobody else: neither door nor vision has it.
"""

from __future__ import annotations

import os
from functools import cache

# One letter would find half of a compound.
_LEAST_LETTERS = 2
_TWO_LETTERS = ("zh", "ch", "sh")


def spelt(letters: str, name: str) -> bool:
    """Whether small letters without blanks spell a name from one of its characters on: by its sound, the last syllable
    perhaps begun only, or by initials.

    >>> [spelt(one, "单晓明") for one in ("shanxiaoming", "danxiaom", "xiao", "sxm", "shxm", "xm", "x", "ia", "an")]
    [True, True, True, True, True, True, False, False, False]
    """
    if len(letters) < _LEAST_LETTERS:
        return False
    read = [readings(one) for one in name]
    return any(_sounds(letters, read[at:]) or _begins(letters, read[at:], 0) for at in range(len(read)) if read[at])


@cache
def readings(character: str) -> frozenset[str]:
    """All sounds of a Chinese character without tones, also as ü is typed (lv, lu, lyu); none of any other character.

    >>> sorted(readings("曾")), sorted(readings("吕")), readings("a")
    (['ceng', 'zeng'], ['lu', 'lv', 'lyu'], frozenset())
    """
    if character.isascii():
        return frozenset()
    # Its dictionary of phrases takes 45 MB and 0.2 s, and a name is none; it is left out by its own word.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    import pypinyin

    found = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True, errors="ignore")
    sounds = {one for each in found for one in each if one.isascii()}
    return frozenset(sounds | {one.replace("v", typed) for one in sounds for typed in ("u", "yu") if "v" in one})


def _sounds(letters: str, read: list[frozenset[str]]) -> bool:
    """Whether the letters are the sounds of the first characters, the last of them perhaps begun only."""
    if not letters:
        return True
    if not read:
        return False
    return any(
        one.startswith(letters) or (letters.startswith(one) and _sounds(letters[len(one) :], read[1:]))
        for one in read[0]
    ) or (not read[0] and _sounds(letters, read[1:]))


def _begins(letters: str, read: list[frozenset[str]], so_far: int) -> bool:
    """Whether the letters are the initials of the first characters, two of them at least."""
    if not letters:
        return so_far >= _LEAST_LETTERS
    if not read:
        return False
    initials = {one[: 1 + (one[:2] in _TWO_LETTERS and long)] for one in read[0] for long in (False, True)}
    return any(letters.startswith(one) and _begins(letters[len(one) :], read[1:], so_far + 1) for one in initials) or (
        not read[0] and _begins(letters, read[1:], so_far)
    )
