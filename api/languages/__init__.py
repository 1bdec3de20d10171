"""The languages of the console: one catalogue file each (gettext's .po), English in the code itself."""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from importlib import resources

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

from gate.errors import FacegateError, Sentence

DEFAULT = "en"
# In which a browser keeps the tag of the language that somebody chose.
LANGUAGE_COOKIE = "language"
_CLOCK = "HH:mm"
_MOMENT = Sentence("{day} {time}")


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its tag as in HTML, and its words."""

    tag: str
    locale: Locale
    words: gettext.NullTranslations

    def __call__(self, sentence: str, **values: object) -> str:
        """A sentence of the code in this language, its gaps filled; values that are sentences are translated too."""
        pattern = sentence
        if isinstance(sentence, Sentence):
            pattern, values = sentence.pattern, sentence.values | values
        said = self.words.gettext(pattern) if pattern else ""
        told = {name: self(value) if isinstance(value, Sentence) else value for name, value in values.items()}
        return said.format(**told) if told else said

    def many(self, one: str, more: str, count: float) -> str:
        """`one` or `more` by the language's rule for `count`; what is no whole number has `more`, as in 1.5 years."""
        whole = int(count) == count
        return self.words.ngettext(one, more, int(count) if whole else 2).format(count=int(count) if whole else count)

    def error(self, error: Exception) -> str:
        """What an error says to people, in this language where it is one of ours: no insides of the machine."""
        return self(error.plain) if isinstance(error, FacegateError) else str(error)

    @property
    def comma(self) -> str:
        """What stands between two phrases of one line."""
        return self.words.gettext(Sentence(", "))

    @property
    def colon(self) -> str:
        """What stands between a thing and what is said of it."""
        return self.words.gettext(Sentence(": "))

    @property
    def name(self) -> str:
        """What it calls itself: a catalogue says so by translating "English". No sentence any more, which another
        language would translate once more."""
        return str(self.words.gettext(Sentence("English")))

    def time(self, moment: datetime, zone: tzinfo) -> str:
        """The time of day, on the one clock of all pages: 24 hours, to the minute."""
        return format_time(moment.astimezone(zone), _CLOCK, locale=self.locale)

    def day(self, day: date) -> str:
        """A day with its weekday."""
        return format_date(day, "full", locale=self.locale)

    def weekday(self, day: date) -> str:
        """The name of its weekday."""
        return format_date(day, "EEEE", locale=self.locale)

    def short_day(self, day: date) -> str:
        """A day without its weekday."""
        return format_date(day, "medium", locale=self.locale)

    def date_time(self, moment: datetime, zone: tzinfo, now: datetime) -> str:
        """Day and time as one says them at `now`: today and yesterday by that name, a year only where it is another."""
        day, today = moment.astimezone(zone).date(), now.astimezone(zone).date()
        time = self.time(moment, zone)
        if day == today:
            return self(Sentence("today {time}", time=time))
        if day == today - timedelta(days=1):
            return self(Sentence("yesterday {time}", time=time))
        skeleton = "MMMEd" if day.year == today.year else "yMMMEd"
        return self(_MOMENT, day=format_skeleton(skeleton, moment.astimezone(zone), locale=self.locale), time=time)

    def stamp(self, moment: datetime, zone: tzinfo) -> str:
        """Day and time as they are told on paper: still true when it is read."""
        day = format_date(moment.astimezone(zone), "long", locale=self.locale)
        return self(_MOMENT, day=day, time=self.time(moment, zone))


class Languages:
    """All there are: English, and one for each catalogue."""

    def __init__(self) -> None:
        self._all = {DEFAULT: Language(DEFAULT, Locale(DEFAULT), gettext.NullTranslations())}
        for file in resources.files("api.languages").iterdir():
            if file.name.endswith(".po"):
                tag = file.name.removesuffix(".po")
                compiled = io.BytesIO()
                # With its locale: the plural forms are the locale's.
                write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=tag.replace("-", "_")))
                compiled.seek(0)
                self._all[tag] = Language(tag, Locale.parse(tag, sep="-"), gettext.GNUTranslations(compiled))

    @property
    def all(self) -> list[Language]:
        """Every language, in the order of their tags."""
        return [self._all[tag] for tag in sorted(self._all)]

    def of(self, request: Request) -> Language:
        """The language of who sends a request: see `chosen`."""
        return self.chosen(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))

    def chosen(self, cookie: str | None, accepted: str) -> Language:
        """The one a person chose, else the first their browser asks for, else English."""
        if cookie in self._all:
            return self._all[cookie]
        asked = [part.split(";")[0].strip() for part in accepted[:200].split(",")]
        short = {tag.split("-")[0]: tag for tag in self._all}
        for one in asked:
            found = negotiate_locale([one], list(self._all), sep="-") or short.get(one.split("-")[0])
            if found is not None:
                return self._all[found]
        return self._all[DEFAULT]
