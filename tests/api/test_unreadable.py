"""What of a request cannot be read is told to programs in the house's words, in the language they ask for."""

import json

import pytest

from tests.api.test_residents import AGREED, upload

CHINESE = {"accept-language": "zh-CN"}
TOGETHER = {"deed": "group", "residents": ["x"]}
# Where, what is sent, and what is wrong with it, as it is told in both languages.
WRONG = (
    ("residents", {}, "name: It is missing.", "name：缺少该项。"),
    ("residents", {"name": "A", "surname": "B"}, "surname: There is no such field.", "surname：没有该字段。"),
    ("residents", {"name": 7}, "name: It must be a text.", "name：须为文本。"),
    (
        "residents", {"name": "A" * 401}, "name: It is too long: 400 characters are the most.",
        "name：过长，最多400个字符。",
    ),
    ("residents", "none", "It must be an object with fields.", "须为带字段的对象。"),
    ("residents/together", TOGETHER | {"residents": []}, "residents: It holds too few: it needs at least 1.",
        "residents：数量过少，至少须有1项。"),
    ("residents/together", TOGETHER | {"count": "x"}, "count: It must be a whole number.", "count：须为整数。"),
    (
        "residents/together", TOGETHER | {"deed": "x"},
        "deed: It must be one of these: group, hours, last_day, withdraw, moved_out.",
        "deed：只能是以下之一：group，hours，last_day，withdraw，moved_out。",
    ),
)  # fmt: skip


@pytest.fixture
def manager(browser):
    return browser("manager")


def told(answer):
    assert answer.status_code == 422
    return answer.json()["detail"]


@pytest.mark.parametrize(("where", "body", "english", "chinese"), WRONG, ids=[english for _, _, english, _ in WRONG])
def test_a_field_that_is_wrong_is_told_by_its_name_in_either_language(manager, where, body, english, chinese):
    asked = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
    assert told(manager.post(f"/api/v1/{where}", **asked)) == english
    asked["headers"] |= CHINESE
    assert told(manager.post(f"/api/v1/{where}", **asked)) == chinese


def test_the_words_that_may_be_sent_are_told_and_not_how_the_program_calls_them(manager, photos):
    form = {"data": AGREED | {"name": "A", "way": "phone"}, "files": upload(photos, "obama.jpg")}
    assert told(manager.post("/api/v1/enrolments", **form)) == "way: It must be one of these: told, paper, screen."
    assert (
        told(manager.post("/api/v1/enrolments", **form, headers=CHINESE))
        == "way：只能是以下之一：told，paper，screen。"
    )


def test_what_is_no_json_and_numbers_out_of_their_span_are_told(manager):
    no_json = {"content": b"{", "headers": {"content-type": "application/json"} | CHINESE}
    assert told(manager.post("/api/v1/residents", **no_json)).endswith("不是可识别的JSON。")
    assert told(manager.get("/api/v1/events?before=-1", headers=CHINESE)).startswith("query.before：不能小于")
