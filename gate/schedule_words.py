"""Weekly hours as people type them, in English and in Chinese. Pure; standard library only.

`Mon-Fri 7am to 7pm, Sat 8-12`, `周一至周五 7:00-19:00;周六 8点到12点`, `工作日 早上八点到下午六点`. What stands
between days and times is let be; a word that is neither is refused. The door reads the narrower
words of `gate.schedule` alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gate.errors import Refusal, Sentence
from gate.schedule import DASHES, NO_WINDOW, Schedule, Window, schedule_of, window_of

_AMBIGUOUS = Sentence("Say of the end of '{window}' too whether it is before or after noon, or write it as 18:00.")
_NO_DAYS = Sentence("Say on which days: '{window}' names none.")
_NOON, _DAY = 12 * 60, 24 * 60
_CHINESE_DAYS = "一二三四五六日"
_CHINESE_DIGITS = "零一二三四五六七八九十"
_SETS = {"daily": range(7), "weekdays": range(5), "weekend": range(5, 7)}

_MORNING = r"凌晨|清晨|早上|早晨|早|上午|am|a\.m\."
_AFTERNOON = r"下午|午后|傍晚|pm|p\.m\."
_EVENING = r"晚上|晚间|夜里|夜间|半夜|晚|夜"
_NUMBER = r"\d{1,2}|[零一二两三四五六七八九十]{1,3}(?=[点时])"
_TOKEN = re.compile(
    rf"""
    (?P<daily>daily|every\s?day|每天|每日|天天)
  | (?P<weekdays>week\s?days?|work(?:ing)?\s?days?|工作日|平日)
  | (?P<weekend>weekends?|周末|双休日)
  | (?P<english>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|r|rs|rsday|urday)?s?(?![a-z])
  | (?:周|星期|礼拜)(?P<chinese>[一二三四五六日天1-7])
  | (?P<whole>全天|整天|24\s?小时|all\sday|24\s?h(?:ours?)?(?![a-z]))
  | (?P<noon>noon|正午)|(?P<midnight>midnight|午夜)
  | (?P<half>{_MORNING}|中午|{_AFTERNOON}|{_EVENING})?\s*(?P<hour>{_NUMBER})
    (?:[:.](?P<minute>\d{{2}})|[点时](?:(?P<words>半|[一三]刻|\d{{1,2}}|[零一二三四五六七八九十]{{1,3}})(?:分(?!钟))?|整)?)?
    (?:\s*(?P<after>am|pm|a\.m\.|p\.m\.)(?![a-z]))?
  | (?P<range>-|至|到|(?:to|until|till|through|thru)(?![a-z]))
  | (?P<alone>[一二三四五六日天])
  | (?P<between>[\s,;、。.:/&|()]|次日|第二天|翌日|the\snext\sday|(?:and|from|on|open|of)(?![a-z])|和|及|与|从|的|开放)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Time:
    """A time of day as it was typed: in minutes, by the half of the day that was named with it (None: none was)."""

    minute: int
    half: str | None


@dataclass(slots=True)
class _Reader:
    """What has been read so far: the windows, and what still waits for its other half."""

    text: str
    windows: list[Window]
    days: list[int]
    start: _Time | None = None
    to: bool = False
    """Whether a sign for a range was the last that counted."""
    used: bool = True
    """Whether the days already have a window: the next day begins others."""

    def day(self, days: list[int]) -> None:
        """Days, or the last of a range of them."""
        if self.to and self.days and not self.used:
            days = [(self.days[-1] + step) % 7 for step in range(1, (days[0] - self.days[-1]) % 7 + 1)]
        elif self.used:
            self.days = []
        self.days += [day for day in days if day not in self.days]
        self.to = self.used = False

    def time(self, time: _Time, piece: str) -> None:
        """The start of a window, or the end of one, which is then whole."""
        if not self.days:
            raise Refusal(_NO_DAYS, window=piece)
        if self.start is None:
            self.start, self.to = time, False
            return
        if not self.to:
            raise Refusal(NO_WINDOW, window=piece)
        self.window(self.start.minute % _DAY, _end(self.start, time, piece), piece)
        self.start = None

    def window(self, start: int, end: int, piece: str) -> None:
        """One for each of the days."""
        if not self.days:
            raise Refusal(_NO_DAYS, window=piece)
        self.windows += [window_of(day, start, end, piece) for day in self.days]
        self.to, self.used = False, True


def read(words: str) -> Schedule:
    """The schedule in what somebody typed. Raises Refusal, with the part that is none."""
    text = unicodedata.normalize("NFKC", words).translate(DASHES).strip()
    reader, at = _Reader(text, [], []), 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise Refusal(NO_WINDOW, window=_piece(text, at))
        _take(reader, token, _piece(text, at))
        at = token.end()
    if reader.start is not None or not reader.used:
        raise Refusal(NO_WINDOW, window=_piece(text, len(text) - 1))
    return schedule_of(reader.windows)


def _take(reader: _Reader, token: re.Match[str], piece: str) -> None:
    said = {name: value.lower() for name, value in token.groupdict().items() if value}
    if "hour" in said and _is_last_day(reader, token):
        reader.day([int(said["hour"]) - 1])
    elif "hour" in said or "noon" in said or "midnight" in said:
        reader.time(_time(said, piece), piece)
    elif "whole" in said:
        reader.window(0, _DAY, piece)
    elif "range" in said:
        if reader.to or (reader.start is None and reader.used):
            raise Refusal(NO_WINDOW, window=piece)
        reader.to = True
    elif "between" not in said:
        if reader.start is not None or ("alone" in said and reader.used):
            raise Refusal(NO_WINDOW, window=piece)
        reader.day(_days(said))


def _is_last_day(reader: _Reader, token: re.Match[str]) -> bool:
    """Whether a number is the last day of a range such as 周1-5."""
    before = reader.text[: token.start()]
    return bool(
        reader.to and re.search(r"(?:周|星期|礼拜)[1-7]\s*(?:-|至|到)\s*$", before) and re.fullmatch("[1-7]", token[0])
    )


def _days(said: dict[str, str]) -> list[int]:
    for name, days in _SETS.items():
        if name in said:
            return list(days)
    if "english" in said:
        return [("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(said["english"])]
    sign = (said.get("chinese") or said["alone"]).replace("天", "日")
    return [_CHINESE_DAYS.index(sign) if sign in _CHINESE_DAYS else int(sign) - 1]


def _time(said: dict[str, str], piece: str) -> _Time:
    """Raises Refusal for what is no time of day."""
    if "noon" in said or "midnight" in said:
        return _Time(_NOON if "noon" in said else _DAY, "named")
    half = _half(said.get("after") or said.get("half"))
    hour, minute = _number(said["hour"]), _minutes(said)
    if (half in ("pm", "evening") and 5 <= hour < 12) or (half in ("pm", "noon") and hour < 5):
        hour += 12
    elif hour == 12 and said.get("after", said.get("half", ""))[:1] in ("a", "凌"):
        hour = 0
    elif hour == 12 and half == "evening":
        hour = 24
    if minute > 59 or hour * 60 + minute > _DAY:
        raise Refusal(NO_WINDOW, window=piece)
    return _Time(hour * 60 + minute, half)


def _half(word: str | None) -> str | None:
    if word is None:
        return None
    kinds = (("am", _MORNING), ("pm", _AFTERNOON), ("evening", _EVENING))
    return next((kind for kind, words in kinds if re.fullmatch(words, word)), "noon")


def _end(start: _Time, end: _Time, piece: str) -> int:
    """The minute at which a window ends: after noon where its start is, unless something else was said."""
    if end.half is not None:
        return end.minute or _DAY
    if start.half in ("pm", "evening", "noon") and end.minute < _NOON and end.minute + _NOON > start.minute:
        return end.minute + _NOON
    if start.half == "am" and end.minute <= start.minute:
        raise Refusal(_AMBIGUOUS, window=piece)
    return end.minute


def _minutes(said: dict[str, str]) -> int:
    words = said.get("words", "")
    if words in ("半", "一刻", "三刻"):
        return {"半": 30, "一刻": 15, "三刻": 45}[words]
    return int(said["minute"]) if "minute" in said else _number(words) if words else 0


def _number(word: str) -> int:
    """A number below a hundred, in digits or in Chinese."""
    if word.isdecimal():
        return int(word)
    tens, ten, ones = word.replace("两", "二").rpartition("十")
    value = _CHINESE_DIGITS.index
    return (value(tens) if tens else 1) * 10 * bool(ten) + (value(ones[-1]) if ones else 0)


def _piece(text: str, at: int) -> str:
    """The part of the text, between two semicolons, in which a place lies."""
    start, end = text.rfind(";", 0, at) + 1, text.find(";", at)
    return text[start : end if end >= 0 else len(text)].strip()
