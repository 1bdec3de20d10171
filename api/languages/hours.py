"""Weekly hours in the reader's words; typed into a form they are understood again (`gate.schedule_words`)."""

from __future__ import annotations

from api.languages import Language
from gate.errors import Refusal
from gate.schedule import Window, clock, grouped, parse, runs

_DAY = 24 * 60


def hours_in(language: Language, words: str) -> str:
    """The hours that are kept as `words`; the words themselves where they are none."""
    try:
        schedule = parse(words)
    except Refusal:
        return words
    told = (
        f"{_days(language, days)} {language(', ').join(_window(language, one) for one in windows)}"
        for days, windows in grouped(schedule)
    )
    return language("; ").join(told)


def day_names(language: Language) -> list[str]:
    """The days of the week in short, Monday first."""
    names = language.locale.days["format"]["abbreviated"]
    return [str(names[day]) for day in range(7)]


def _days(language: Language, days: list[int]) -> str:
    if len(days) == 7:
        return language("every day")
    names = day_names(language)
    told = [
        names[first] if first == last else language("{first} to {last}", first=names[first], last=names[last])
        for first, last in runs(days)
    ]
    return language(", ").join(told)


def _window(language: Language, window: Window) -> str:
    start, end = clock(window.start), clock(window.end)
    if window.end > _DAY:
        return language("{start}–{end} the next day", start=start, end=end)
    return f"{start}–{end}"
