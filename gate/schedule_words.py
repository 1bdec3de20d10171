"""Weekly hours as people type them, in English and in Chinese. Pure; standard library only.

`Mon-Fri 7am to 7pm, Sat 8-12`, `周一至周五 7:00-19:00;周六 8点到12点`, `工作日 早上八点到下午六点`. What stands
between days and times is let be; a word that is neither is refused, and so is a time that may be meant in two ways: no
window is read longer than somebody may have meant it. The door reads the narrower words of `gate.schedule` alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gate.errors import Refusal, Sentence
from gate.schedule import DASHES, NO_WINDOW, Schedule, Window, schedule_of, window_of

_AMBIGUOUS = Sentence("Say of the end of '{window}' too whether it is before or after noon, or write it as 18:00.")
_UNSURE = Sentence("Say in '{window}' what is before noon and what is after it, or write it as 09:00-18:00.")
_WHICH_NIGHT = Sentence(
    "Of which day the night in '{window}' is meant is not sure; write it as 00:30, of the day that has begun then."
)
_OVER_A_DAY = Sentence("'{window}' is no window that ends on the next day; one lasts for 24 hours at most.")
_NAMES_DAYS = Sentence(
    "'{window}' names days; a holiday's hours hold on each of its days. Write them alone: 09:00-12:00."
)
_NO_DAYS = Sentence("Say on which days: '{window}' names none.")
_NOON, _DAY = 12 * 60, 24 * 60
# From this hour on a time can only be of a clock of 24 hours.
_PLAIN = 13 * 60
_CHINESE_DAYS = "一二三四五六日"
_CHINESE_DIGITS = "零一二三四五六七八九十"
_SETS = {"daily": range(7), "weekdays": range(5), "weekend": range(5, 7)}

_MORNING = r"凌晨|清晨|早上|早晨|早|上午|am|a\.m\."
_AFTERNOON = r"下午|午后|傍晚|pm|p\.m\."
_EVENING = r"晚上|晚间|晚"
_NIGHT = r"夜里|夜间|半夜|夜"
_DIGIT = "[一二三四五六七八九]"
_NUMBER = rf"\d{{1,2}}|(?:[一二]?十{_DIGIT}?|[零两]|{_DIGIT})(?=[点时])"
_TOKEN = re.compile(
    rf"""
    (?P<daily>daily|every\s?day|每天|每日|天天)
  | (?P<weekdays>week\s?days?|work(?:ing)?\s?days?|每?个?工作日|平日)
  | (?P<weekend>weekends?|每?周末|双休日)
  | (?P<english>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|r|rs|rsday|urday)?s?(?![a-z])
  | (?:每逢?)?(?:周|星期|礼拜)(?P<chinese>[一二三四五六日天1-7])
  | (?P<whole>全天|整天|24\s?小时|all\sday|24\s?h(?:ours?)?(?![a-z]))
  | (?P<noon>noon|正午)|(?P<midnight>midnight|午夜)
  | (?:(?P<half>{_MORNING}|中午|{_AFTERNOON}|{_EVENING}|{_NIGHT})\s*)?(?P<hour>{_NUMBER})
    (?:[:.](?P<minute>\d{{2}})|[点时](?:(?P<words>半|[一三]刻|\d{{1,2}}|[一二三四五]?十{_DIGIT}?|零?{_DIGIT})(?:分(?!钟))?|整)?)?
    (?:\s*(?P<after>am|pm|a\.m\.|p\.m\.)(?![a-z]))?
  | (?P<range>-|至|到|(?:to|until|till|through|thru)(?![a-z]))
  | (?P<alone>[一二三四五六日天])(?![零一二两三四五六七八九十]+[点时])
  | (?P<next>次日|第二天|翌日|the\snext\sday)
  | (?P<between>[\s,;、。.:/&|()]|(?:and|from|on|open|of)(?![a-z])|和|及|与|从|的|开放)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Time:
    """A time of day as it was typed: in minutes, by the half of the day that was named with it (None: none was)."""

    minute: int
    half: str | None
    padded: bool = False
    """Whether it was typed as clocks of 24 hours show it: 09:00, not 9 and not 9:00."""
    after: bool = False
    """Whether the half came after it, as in 6pm."""


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
    next_day: bool = False
    """Whether the end that comes was said to be on the next day."""
    every_day: bool = False
    """Whether the windows are of every day, and none of the week is to be named."""

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
        start, end = _span(self.start, time, piece, next_day=self.next_day)
        self.check_order(self.start, start, time, piece)
        self.window(start, end, piece)
        self.start, self.next_day = None, False

    def check_order(self, said: _Time, start: int, end: _Time, piece: str) -> None:
        """Raises Refusal where 2-6 after 8-12 may be of the afternoon, or a night of either of two days."""
        last = max((one.start for one in self.windows if one.day in self.days), default=0)
        if said.half is end.half is None and not said.padded and start < last < _PLAIN:
            raise Refusal(_UNSURE, window=piece)
        if said.half in ("evening", "night") and start < _NOON and len(self.days) < len(_CHINESE_DAYS):
            raise Refusal(_WHICH_NIGHT, window=piece)

    def on_the_next_day(self, piece: str) -> None:
        """Said of an end that comes, or of one that was just read."""
        if self.start is not None and self.to:
            self.next_day = True
        elif self.start is not None or self.to or not self.used or not self.windows or self.windows[-1].end <= _DAY:
            raise Refusal(_OVER_A_DAY, window=piece)

    def window(self, start: int, end: int, piece: str) -> None:
        """One for each of the days."""
        if not self.days:
            raise Refusal(_NO_DAYS, window=piece)
        self.windows += [window_of(day, start, end, piece) for day in self.days]
        self.to, self.used = False, True


def read(words: str) -> Schedule:
    """The schedule in what somebody typed. Raises Refusal, with the part that is none."""
    return _read(words, [])


def read_hours(words: str) -> Schedule:
    """The hours that somebody typed, on every day. Raises Refusal as `read`, and where some days are named."""
    return _read(words, list(range(7)))


def _read(words: str, every_day: list[int]) -> Schedule:
    text = unicodedata.normalize("NFKC", words).translate(DASHES).strip()
    reader, at = _Reader(text, [], every_day, every_day=bool(every_day)), 0
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
    elif "next" in said:
        reader.on_the_next_day(piece)
    elif "range" in said:
        if reader.to or (reader.start is None and reader.used):
            raise Refusal(NO_WINDOW, window=piece)
        reader.to = True
    elif "between" not in said:
        if reader.every_day and "daily" not in said:
            raise Refusal(_NAMES_DAYS, window=piece)
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
    if hour in _NEVER.get(half or "", ()):
        raise Refusal(_UNSURE, window=piece)
    if (half in ("pm", "evening", "night") and 5 <= hour < 12) or (half in ("pm", "noon") and hour < 5):
        hour += 12
    elif hour == 12 and said.get("after", said.get("half", ""))[:1] in ("a", "凌"):
        hour = 0
    elif hour == 12 and half in ("evening", "night"):
        hour = 0 if minute else 24
    if minute > 59 or hour * 60 + minute > _DAY:
        raise Refusal(NO_WINDOW, window=piece)
    padded = len(said["hour"]) == 2 and "minute" in said
    return _Time(hour * 60 + minute, half, padded, "after" in said)


# The hours that nobody names so, or of which two may be meant.
_NEVER = {"am": range(13, 25), "noon": (0, *range(4, 10)), "pm": (0,), "evening": (3, 4), "night": (5, 6)}


def _half(word: str | None) -> str | None:
    if word is None:
        return None
    kinds = (("am", _MORNING), ("pm", _AFTERNOON), ("evening", _EVENING), ("night", _NIGHT))
    return next((kind for kind, words in kinds if re.fullmatch(words, word)), "noon")


def _span(start: _Time, end: _Time, piece: str, *, next_day: bool) -> tuple[int, int]:
    """The minutes from which to which a window lasts, of which an end that is no later is the next day's.

    Raises Refusal where they may be meant in two ways.
    """
    first, last = start.minute % _DAY, end.minute
    if start.half is None:
        first = _plain_start(start, end, piece)
    elif end.half is None and not next_day:
        last = _plain_end(start, last, piece)
    elif end.half is None and last == _NOON:
        raise Refusal(_AMBIGUOUS, window=piece)
    if next_day and last > first:
        raise Refusal(_OVER_A_DAY, window=piece)
    return first, last if end.half is None else last or _DAY


def _plain_start(start: _Time, end: _Time, piece: str) -> int:
    """The start of which no half of the day was said: after noon with an end such as 6pm, if it can be.

    Raises Refusal where it may be before noon and after it.
    """
    first, last = start.minute % _DAY, end.minute
    if first >= _PLAIN or (start.padded and end.padded and end.half is None):
        return first
    if end.half is not None and 60 <= first < _NOON and first + _NOON < (last or _DAY):
        # 8-10pm is of the evening; 08:00, by its zero, to ten in the evening is a day; of 10:00 it is not sure.
        if start.padded if end.after else not (start.padded and first < 10 * 60):
            raise Refusal(_UNSURE, window=piece)
        return first + _NOON * end.after
    if last < first and (end.half is not None or last >= 60):  # A clock of 12 hours shows no 0:00.
        raise Refusal(_UNSURE, window=piece)
    return first


def _plain_end(start: _Time, last: int, piece: str) -> int:
    """The end of which no half of the day was said: the next time at which clocks show it so.

    Raises Refusal where it may be meant otherwise.
    """
    first = start.minute % _DAY
    if (start.half == "am" or last >= _PLAIN) and last <= first:
        raise Refusal(_AMBIGUOUS, window=piece)
    if start.half == "am" or last >= _PLAIN or last < 60:
        return last or _DAY
    until = first + ((last - first) % _NOON or _NOON)
    return until if until <= _DAY else until - _DAY


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
