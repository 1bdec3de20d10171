"""Every sentence of the console in every language, with the same gaps."""

import re

import pytest
from babel.messages.pofile import read_po

from api.languages import Languages
from api.languages.update import sentences
from gate.errors import Refusal, Sentence
from tests.conftest import REPOSITORY


@pytest.mark.parametrize("tag", sorted({one.tag for one in Languages().all} - {"en"}))
def test_a_catalogue_is_complete(tag):
    catalogue = {
        (one.id[0] if isinstance(one.id, tuple) else one.id): one.string
        for one in read_po((REPOSITORY / "api" / "languages" / f"{tag}.po").open("rb"))
        if one.id
    }
    known = {one.id[0] if isinstance(one.id, tuple) else one.id for one in sentences() if one.id}
    assert len(known) > 250
    assert sorted(known - set(catalogue)) == [], "run: make messages, and translate what is new"
    for sentence, said in catalogue.items():
        for form in said if isinstance(said, tuple) else (said,):
            assert form, f"{sentence!r} is not translated"
            assert set(re.findall(r"{\w*}", form)) == set(re.findall(r"{\w*}", sentence)), sentence


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
