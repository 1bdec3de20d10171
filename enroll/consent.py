"""The texts people agree to, and what they say of their consent. A used text is never changed: the next has a new
number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from gate.errors import UsageError
from gate.names import clean_name
from gate.store.people.consents import Consent, Way

CURRENT = "face-3"
LANGUAGES = ("en", "zh-CN")
WAYS = (Way.TOLD, Way.PAPER, Way.SCREEN)
"""The ways in which a person can agree."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How somebody agreed to the current text, in which language, and who did for a child. Made by `agreed`."""

    way: Way
    language: str
    guardian: str | None

    def recorded(self, by: str) -> Consent:
        """The consent as it is kept, written down `by` somebody."""
        words = text(self.language)
        sha256 = hashlib.sha256(words.encode()).hexdigest()
        return Consent(CURRENT, self.language, sha256, self.way, by, self.guardian)


def agreed(way: Way, language: str = "en", guardian: str | None = None) -> Agreed:
    """What somebody says of a consent, cleaned and checked.

    Raises UsageError for a language that has no text, and for a guardian whose name can be none.
    """
    refuse_unknown_language(language)
    return Agreed(way, language, clean_name(guardian, "guardian's name") if guardian is not None else None)


def refuse_unknown_language(language: str) -> None:
    """Raises UsageError where nobody can have read the text in it."""
    if language not in LANGUAGES:
        raise UsageError("There is no consent text in this language.")


def text(language: str, name: str = CURRENT) -> str:
    """The words of a text. Raises UsageError where it does not exist in `language`."""
    file = resources.files("enroll") / "consents" / f"{name}.{language}.txt"
    if language not in LANGUAGES or not file.is_file():
        raise UsageError(f"There is no consent text {name} in {language!r}; there are {' and '.join(LANGUAGES)}.")
    return file.read_text("utf-8")
