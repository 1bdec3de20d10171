"""Every sentence of the console in every language, with the same gaps."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from api.languages import Languages
from api.languages.update import sentences
from gate.errors import Refusal, Sentence
from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def said():
    """Every sentence of the console, as babel finds them in its files."""
    return list(sentences())


@pytest.mark.parametrize("tag", sorted({one.tag for one in Languages().all} - {"en"}))
def test_a_catalogue_is_complete(tag, said):
    catalogue = {
        (one.id[0] if isinstance(one.id, tuple) else one.id): one.string
        for one in read_po((REPOSITORY / "api" / "languages" / f"{tag}.po").open("rb"))
        if one.id
    }
    known = {one.id[0] if isinstance(one.id, tuple) else one.id for one in said if one.id}
    assert len(known) > 250
    assert sorted(known - set(catalogue)) == [], "run: make messages, and translate what is new"
    for sentence, translated in catalogue.items():
        for form in translated if isinstance(translated, tuple) else (translated,):
            assert form, f"{sentence!r} is not translated"
            assert set(re.findall(r"{\w*}", form)) == set(re.findall(r"{\w*}", sentence)), sentence


# What is counted on pages; and the sentences in which so many are never one.
COUNTED = (
    "attempts|days|events|frames|holes|hours|lines|minutes|people|photos|pictures|pixels|places|residents|rows|seconds|"
    "strangers|templates|times|tries|users|years"
)
NEVER_ONE = (
    "Photos wait {minutes} minutes", "The photos wait for {minutes} minutes", "{photo} shows too small a face",
    "A face is recognised from {pixels}", "It takes at least {frames} clear pictures", "{name} would have {count}",
    "{retried} of {openings} times", "There are {count} residents called", "{count} events wait to be written",
    "A holiday lasts {most} days", "{table} has more than {most} lines", "Give between 1 and {most} photos",
    "Each holds for one person: whoever has it", "It holds for one person, until {when}. For {minutes} minutes",
    "Links for many are shown for {minutes} minutes", "The picture is {width}x{height}",
    "The camera gives {width} x {height} pixels", "The people enrolled here look alike", "{found} of {pairs} pairs",
    "A pass lasts at most {days} days", "A pass begins within {days} days", "A pass opens between 1 and {most} times",
    "{count} residents or more",
    "From its first use a pass lasts between a minute and {days} days", "The map has {rows} rows",
)  # fmt: skip


def test_what_is_counted_has_a_form_for_one(said):
    """A number beside what it counts goes by the rule of the language: `many`."""
    alone = [one.id for one in said if isinstance(one.id, str)]
    counting = [one for one in alone if re.search(rf"{{\w+}} (\w+ )?({COUNTED})\b", one)]
    assert [one for one in counting if not one.startswith(NEVER_ONE)] == []
    english = Languages().chosen("en", "")
    told = [english.many("{count} year", "{count} years", count) for count in (0, 0.5, 1, 1.0, 1.5, 2)]
    assert told == ["0 years", "0.5 years", "1 year", "1 year", "1.5 years", "2 years"]


def test_a_reader_gets_the_language_they_chose_or_their_browser_asks_for():
    languages = Languages()
    assert languages.chosen("zh-CN", "en").tag == "zh-CN"
    assert languages.chosen(None, "zh-CN,zh;q=0.9,en;q=0.8").tag == "zh-CN"
    assert languages.chosen(None, "zh-TW").tag == "zh-CN"
    assert languages.chosen(None, "fr,de;q=0.5").tag == "en"
    assert languages.chosen("../../etc/passwd", "\x00;;,,").tag == "en"


def test_an_error_is_told_in_the_language_with_its_values():
    chinese = Languages().chosen("zh-CN", "")
    refusal = Refusal("The {what} must have between 1 and {most} characters.", what=Sentence("name"), most=100)
    assert str(refusal) == "The name must have between 1 and 100 characters."
    assert chinese.error(refusal) == "姓名须为1至100个字符。"
    assert chinese.error(Refusal("no such sentence {in} any catalogue")) == "no such sentence {in} any catalogue"


def test_a_name_is_never_taken_for_a_sentence_of_ours():
    chinese = Languages().chosen("zh-CN", "")
    assert chinese("{name} is enrolled.", name="Fire") == "Fire已登记。"


@pytest.mark.parametrize("count", [0, 1, 2, 21])
def test_what_is_counted_is_told_in_the_language(count):
    one, more = "{count} event waits to be written", "{count} events wait to be written"
    assert Languages().chosen("zh-CN", "").many(one, more, count) == f"{count}条事件待写入"
    assert Languages().chosen("en", "").many(one, more, count) == (one if count == 1 else more).format(count=count)


def test_all_pages_have_one_clock_and_days_are_told_as_people_say_them():
    zone, now = ZoneInfo("Asia/Shanghai"), datetime(2026, 3, 5, 16, 30, tzinfo=UTC)
    english, chinese = (Languages().chosen(tag, "") for tag in ("en", "zh-CN"))
    # In Shanghai it is half past midnight on the sixth.
    for hours, said, in_chinese in (
        (0, "today 00:30", "今日00:30"), (1, "yesterday 23:30", "昨日23:30"),
        (50, "Tue, Mar 3 22:30", "3月3日周二22:30"), (24 * 100, "Wed, Nov 26, 2025 00:30", "2025年11月26日周三00:30"),
    ):  # fmt: skip
        moment = now - timedelta(hours=hours)
        assert (english.date_time(moment, zone, now), chinese.date_time(moment, zone, now)) == (said, in_chinese)
    assert (english.time(now, zone), chinese.time(now, zone)) == ("00:30", "00:30")
    assert (english.stamp(now, zone), chinese.stamp(now, zone)) == ("March 6, 2026 00:30", "2026年3月6日00:30")


def test_the_name_of_a_language_is_its_own_in_every_other():
    english, chinese = (Languages().chosen(tag, "") for tag in ("en", "zh-CN"))
    assert chinese(Sentence("{language}", language=english.name)) == "English"
    assert english(Sentence("{language}", language=chinese.name)) == chinese.name != "English"
