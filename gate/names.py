"""Names as people type and paste them, made one before anything is kept or compared.

Composed (NFC), every run of blanks one space, none around. Joiners stay where a script is written with them; whatever
else nobody sees is refused.
"""

from __future__ import annotations

import re
import unicodedata

from gate.errors import Sentence, UsageError

_LONGEST_NAME = 100
# Zero-width non-joiner and joiner: they change how letters are drawn, and not whose name it is.
_JOINERS = "\u200c\u200d"
# By the first word of a letter's name in Unicode: scripts whose letters change shape beside one another.
_JOINING_SCRIPTS = frozenset({
    "ARABIC", "SYRIAC", "NKO", "MANDAIC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA",
    "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN", "MYANMAR", "KHMER", "BALINESE", "JAVANESE",
})  # fmt: skip
# The combining class of a sign that takes a letter's vowel away, after which a joiner says how the next is joined.
_VIRAMA = 9
# Letters, marks and symbols that are blank: Hangul fillers, a joiner of graphemes, two Khmer vowels, a Braille cell.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def normalised(text: str) -> str:
    """A text as it is kept: composed, each run of blanks one space, none around.

    >>> normalised("  Jose\u0301\u3000\u00a0Li ")
    'José Li'
    """
    composed = unicodedata.normalize("NFC", text).strip()
    spaced = (" " if unicodedata.category(one).startswith("Z") else one for one in composed)
    return re.sub(" {2,}", " ", "".join(spaced))


def name_key(text: str) -> str:
    """What two spellings of one name have in common: `normalised`, without joiners."""
    return normalised(text).translate(dict.fromkeys(map(ord, _JOINERS)))


def folded_name(text: str) -> str:
    """What all writings of one name have in common, also in other capitals and of another width.

    The store keeps it beside each name: whoever changes this lets a migration fold all names anew.

    >>> folded_name("ＬＩ  Wei") == folded_name("li wei"), folded_name("Lí") == folded_name("Li")
    (True, False)
    """
    composed = unicodedata.normalize("NFKC", text)
    for joiner in _JOINERS:
        composed = composed.replace(joiner, "")
    return " ".join(composed.split()).casefold()


def clean_text(text: str, what: str, most: int = _LONGEST_NAME) -> str:
    """A text as typed, normalised. Raises UsageError for what cannot be one."""
    cleaned = normalised(text)
    if not 0 < len(cleaned) <= most:
        raise UsageError("The {what} must have between 1 and {most} characters.", what=Sentence(what), most=most)
    if any(_unseen(cleaned, at) for at in range(len(cleaned))):
        raise UsageError("The {what} holds invisible or control characters; type it again.", what=Sentence(what))
    return cleaned


def clean_name(text: str, what: str = "name", most: int = _LONGEST_NAME) -> str:
    """A name as typed, normalised. Raises UsageError as `clean_text`, and where there is nothing in it to call by."""
    cleaned = clean_text(text, what, most)
    if all(unicodedata.category(one)[0] in "PZ" for one in cleaned):
        raise UsageError(
            "The {what} is punctuation alone; type it again, with a letter or a digit.", what=Sentence(what)
        )
    return cleaned


def clean_home(text: str, theirs: str | None = None) -> str:
    """A home as typed, as `clean_name`; but for the one that is `theirs` already, however it was written once."""
    cleaned = normalised(text)
    return cleaned if theirs is not None and cleaned == theirs else clean_name(text, "unit")


def _unseen(text: str, at: int) -> bool:
    """Whether a character is invisible and not where its script needs it."""
    one = text[at]
    if one in _JOINERS:
        return not _joins(text[at - 1 : at], text[at + 1 : at + 2])
    # Cc, Cf, Cs, Co, Cn: control, direction-changing, surrogate, private and unassigned characters.
    return one in _BLANK or unicodedata.category(one).startswith("C")


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between two characters (empty at an end) says anything."""
    if before and unicodedata.combining(before) == _VIRAMA:
        return True
    return all(one and unicodedata.name(one, "").split(" ")[0] in _JOINING_SCRIPTS for one in (before, after))
