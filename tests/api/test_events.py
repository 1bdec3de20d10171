"""The record over HTTP: found, paged, exported; scores for the owner alone."""

import csv
import io
import json
import re

import pytest

from api.app import create_app
from api.wording import LOOKED
from gate.store.people import residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.record.search import Search, page
from gate.vocabulary import AuditEvent
from tests.console import Browser, context_on

NINE = 1_780_300_800.0  # 2026-06-01T08:00:00Z


@pytest.fixture
def people(store):
    return [residents.enrol(store, name, unit, []) for name, unit in (("Wang Fang", "3-1204"), ("Li Lei", "5-101"))]


@pytest.fixture
def lived(store, people):
    """Sixty entries a minute apart, every third of the second person, every fifth a refusal."""
    for number in range(60):
        one = people[number % 3 == 0]
        refused = number % 5 == 0
        details = {"method": "face", "similarity": 0.7001} | ({"reason": "unknown"} if refused else {})
        personal = {} if refused else {"resident": one.id, "name": one.name}
        event = AuditEvent("denied" if refused else "granted", details, personal, None if refused else one.id)
        audit.append(store, event, Moment(number, NINE + 60 * number, True))
    return people


def items(browser, query=""):
    answer = browser.get(f"/api/v1/events?{query}")
    assert answer.status_code == 200
    return answer.json()["items"]


def test_who_came_in_at_nine(browser, lived):
    found = items(browser("auditor"), "kind=granted&since=2026-06-01T08:10:00Z&until=2026-06-01T08:15:00Z")
    assert [one["name"] for one in found] == ["Wang Fang", "Wang Fang", "Li Lei", "Wang Fang"]
    assert [one["at"][11:16] for one in found] == ["08:14", "08:13", "08:12", "08:11"]


@pytest.mark.parametrize("said", ["[]", "5", "null", '{"seconds":1e999}', r'{"why":"\ud800"}'])
def test_a_line_whose_details_are_none_is_shown_and_exported_with_the_others(browser, store, lived, said):
    store.execute("UPDATE audit SET details = ? WHERE sequence = 30", (said,))
    asker = browser("owner")
    assert next(one for one in items(asker, "limit=200") if one["sequence"] == 30)["details"] == {}
    assert asker.get("/events").status_code == 200
    exported = asker.get("/api/v1/events/export").text
    assert exported.splitlines()[-1].startswith('"1",')


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("person=wang", 32), ("person=5-101", 16), ("person=nobody", 0), ("reason=unknown", 12),
        ("kind=denied&reason=unknown", 12), ("kind=denied&kind=granted", 60), ("reason=busy", 0),
        ("person=li&until=2026-06-01T08:30:00Z", 8),
    ],
)  # fmt: skip
def test_each_filter_finds_what_it_says(browser, lived, query, count):
    found = [one for one in items(browser("auditor"), f"count=500&{query}") if one["kind"] in ("granted", "denied")]
    assert len(found) == count


def test_pages_join_without_gap_or_overlap(browser, lived):
    auditor, seen, before = browser("auditor"), [], ""
    while True:
        answer = auditor.get(f"/api/v1/events?kind=granted&count=7{before}").json()
        seen += [one["sequence"] for one in answer["items"]]
        if answer["next"] is None:
            break
        before = f"&before={answer['next']}"
    assert len(seen) == 48
    assert seen == sorted(set(seen), reverse=True)


def test_a_long_span_is_found_like_a_short_one(store, lived, monkeypatch):
    monkeypatch.setattr("gate.store.record.search._SHORT_SPAN", 3)
    span = Search(kinds=("granted",), since="2026-06-01T08:10:00", until="2026-06-01T08:15:00")
    long_way = [line.sequence for line in page(store, span)]
    monkeypatch.undo()
    assert long_way == [line.sequence for line in page(store, span)]
    assert len(long_way) == 4


@pytest.mark.parametrize("jumped", [False, True])
def test_lines_from_before_a_time_are_found_though_they_were_written_late(store, lived, monkeypatch, jumped):
    if jumped:
        monkeypatch.setattr("gate.store.record.search._WRITTEN_LATE", 0)
        audit.append(store, AuditEvent("clock_jumped", {"seconds": -900.0}), Moment(70, NINE + 3600, True))
    audit.append(store, AuditEvent("granted", {"late": True}), Moment(71, NINE + 60, True))
    monkeypatch.setattr("gate.store.record.search._SHORT_SPAN", 0)
    found = page(store, Search(kinds=("granted",), until="2026-06-01T08:30:00"), count=500)
    assert found[0].details == {"late": True}
    assert len(found) == 25


def test_many_people_are_found_like_few(store, lived, monkeypatch):
    asked = Search(residents=tuple(one.id for one in lived), kinds=("granted",))
    few = [line.sequence for line in page(store, asked, count=500)]
    monkeypatch.setattr("gate.store.record.search._FEW_PEOPLE", 1)
    assert [line.sequence for line in page(store, asked, count=500)] == few
    assert len(few) == 48


def test_how_alike_a_face_was_is_for_the_owner_alone(browser, lived):
    assert items(browser("owner"), "kind=granted&count=1")[0]["details"]["similarity"] == 0.7001
    for who in ("manager", "auditor"):
        assert "similarity" not in json.dumps(items(browser(who), "count=500"))
        for kind in ("csv", "jsonl"):
            assert "similarity" not in browser(who).get(f"/api/v1/events/export?format={kind}").text


def test_an_export_is_whole_on_record_and_safe_in_a_spreadsheet(browser, store, lived):
    residents.enrol(store, "=HYPERLINK(1)", None, [], by="test")
    auditor = browser("auditor")
    answer = auditor.get("/api/v1/events/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == audit.anchor(store).sequence
    assert [row["name"] for row in rows if "HYPER" in row["name"]] == ["'=HYPERLINK(1)"]
    assert answer.headers["content-disposition"].startswith('attachment; filename="facegate-events-')
    lines = [
        json.loads(line) for line in auditor.get("/api/v1/events/export?format=jsonl&kind=granted").text.splitlines()
    ]
    assert len(lines) == 48
    assert {line.kind for line in audit.lines(store)} >= {"exported"}


def test_an_auditor_sees_the_record_and_nothing_else_and_each_look_is_recorded(browser, store, lived, staff):
    auditor = browser("auditor")
    assert auditor.get("/events").status_code == 200
    items(auditor)
    looks = [line for line in audit.lines(store) if line.kind == "looked_at"]
    assert [line.details["by"] for line in looks] == [f"user {staff['auditor'].id}"] * 2
    assert auditor.get("/").headers["location"] == "/events"


def test_the_page_takes_local_times_and_says_what_is_no_time(state, store, lived, staff, models_dir):
    browser = Browser(create_app(context_on(state, models_dir, settings={"door": {"zone": "Asia/Shanghai"}})))
    browser.sign_in("auditor")
    found = browser.get("/events?what=entries&since=2026-06-01T16:10&until=2026-06-01T16:15")
    assert found.text.count('class="kind-granted"') == 4
    assert re.search(r">\w+, Jun 1(, 2026)? 16:14</time>", found.text)
    wrong = browser.get("/events?since=yesterday")
    assert wrong.status_code == 422
    assert "yesterday is not a time" in wrong.text


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "-1", "nan"])
@pytest.mark.parametrize("which", ["since", "until"])
def test_a_time_that_no_calendar_holds_is_said_to_be_none(state, staff, when, which):
    for zone in ("Asia/Shanghai", "America/New_York"):
        auditor = Browser(create_app(context_on(state, settings={"door": {"zone": zone}})))
        auditor.sign_in("auditor")
        for path in ("/api/v1/events", "/api/v1/events/export"):
            assert auditor.get(f"{path}?{which}={when}").status_code == 422
    assert auditor.get("/events?until=9999-12-31T23:59").status_code == 422


def test_who_looked_at_what_is_told_in_the_readers_language(browser, store, lived):
    auditor, chinese = browser("auditor"), {"accept-language": "zh-CN"}
    auditor.get("/services")
    auditor.get("/events")
    told = auditor.get("/events?what=looks", headers=chinese).text
    assert "运行统计" in told
    assert not re.search(r"services, |events, |today, ", told)


def test_a_page_that_is_none_is_told_in_the_readers_language(browser):
    answer = browser("auditor").get("/nowhere", headers={"accept-language": "zh-CN"})
    assert (answer.status_code, "该页面不存在。" in answer.text, "Not Found" in answer.text) == (404, True, False)
    assert browser().post("/api/v1/nowhere").json()["detail"] == "There is no such page."


def test_a_field_that_is_missing_is_told_on_a_page_in_the_readers_language(browser):
    owner = browser("owner")
    given = {"data": {"name": ""}, "headers": {"accept-language": "zh-CN"}}
    said = owner.send("/settings/groups", **given).text
    assert ("有一栏未填写或无法识别（name）" in said, "Field required" in said) == (True, False)
    assert "无法识别（before）" in owner.get("/events?before=-1", headers=given["headers"]).text
    assert owner.get("/api/v1/events?before=x").json()["detail"].startswith("query.before: ")


def test_what_people_look_at_has_words(browser, store, lived, staff):
    """Each look that the pages record is one that the pages can name."""
    owner = browser("owner")
    for path in ("/", "/events", "/residents", "/services"):
        assert owner.get(path).status_code == 200
    looks = {line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"}
    assert looks
    assert looks <= set(LOOKED)


def test_a_kind_that_is_asked_for_twice_ends_no_list_early(browser, store):
    for _ in range(10):
        audit.append(store, AuditEvent("denied", {"reason": "unknown"}))
    found = browser("auditor").get("/api/v1/events?kind=denied&kind=denied&count=6").json()
    assert (len(found["items"]), found["next"] is None) == (6, False)
