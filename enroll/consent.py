"""The texts people agree to, and a consent to one of them. A used text is never changed: the next has a new number."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from gate.errors import UsageError
from gate.store.people.consents import Consent, Way

CURRENT = "face-2"
LANGUAGES = ("en", "zh-CN")


@cache
def text(language: str, name: str = CURRENT) -> str:
    """The words of a text. Raises UsageError where it does not exist in `language`."""
    file = resources.files("enroll") / "consents" / f"{name}.{language}.txt"
    if language not in LANGUAGES or not file.is_file():
        raise UsageError(f"There is no consent text {name} in {language!r}; there are {' and '.join(LANGUAGES)}.")
    return file.read_text("utf-8")


def given(way: Way, recorded_by: str, language: str = "en", guardian: str | None = None) -> Consent:
    """Consent to the current text. `recorded_by` is who writes it down, `guardian` who agreed for a child."""
    words = text(language)
    return Consent(CURRENT, language, hashlib.sha256(words.encode()).hexdigest(), way, recorded_by, guardian)
