"""A copy of what is held of a resident, for themselves: whole, in the reader's language, and on record as a look."""

import html
from datetime import UTC, datetime, timedelta

import pytest

from gate.store.ids import new_id
from gate.store.people import credentials, own_pages, passes, residents
from gate.store.people.changes import Changes, change
from gate.store.people.consents import Consent, Way
from gate.store.people.passes import Wanted
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import schedules
from gate.vocabulary import AuditEvent


@pytest.fixture
def li(store):
    """Somebody of whom there is something of each kind."""
    schedules.put(store, "Day", "Mon-Fri 07:00-19:00", "test")
    schedules.put_group(store, "cleaners", None, "test")
    made = [Template("model-1", "photo front.jpg", {}, b"")]
    one = residents.enrol(store, "Li Na", "3-1204", made, Consent("face-2", "zh-CN", "", Way.PAPER, "test", "Li Wei"))
    wanted = Changes(group="cleaners", schedule="Day", extended=True, valid_from="2026-01-02", valid_until="2099-03-04")
    change(store, one, wanted, by="test")
    details = {"method": "face", "reason": "out_of_hours"}
    audit.append(store, AuditEvent("denied", details, {"resident": one.id, "name": one.name}, one.id))
    return one


HELD = (
    "Li Na", "3-1204", "cleaners", "Mon to Fri 07:00–19:00", "Jan 2, 2026", "Mar 4, 2099", "front.jpg", "model-1",
    "face-2", "on paper", "Li Wei for them", "Refused", "outside their hours", "90 days",
)  # fmt: skip


def test_a_page_has_all_of_it_in_both_languages_and_is_a_look(browser, store, li):
    manager = browser("manager")
    shown = html.unescape(manager.get(f"/residents/{li.id}").text)
    assert f'href="/residents/{li.id}/held"' in shown
    before = audit.anchor(store).sequence
    held = html.unescape(manager.get(f"/residents/{li.id}/held").text)
    assert [one for one in HELD if one not in held] == []
    (look,) = [line for line in audit.lines(store) if line.sequence > before]
    assert (look.kind, look.details["what"]) == ("looked_at", "a resident")
    chinese = manager.get(f"/residents/{li.id}/held", headers={"accept-language": "zh-CN"}).text
    assert [
        one for one in ("Li Na的资料留存情况", "2099年3月4日", "未通过", "事件记录保存90天") if one not in chinese
    ] == []
    assert manager.get("/residents/nobody/held").status_code == 404
    assert browser("guard").get(f"/residents/{li.id}/held").status_code == 403


def test_the_command_leaves_nothing_out(facegate, store, li):
    told = facegate("residents", "show", "Li Na").out
    for one in ("group: cleaners", "hours: Mon-Fri 07:00-19:00 (their own: Day)", "first day: 2026-01-02"):
        assert one in told
    assert "last day: 2099-03-04; more time at the gate: yes" in told
    residents.enrol(store, "Ann", None, [])
    nothing = "group: none; hours: at any time; first day: none; last day: none; more time at the gate: no"
    assert nothing in facegate("residents", "show", "Ann").out


def test_the_code_on_the_phone_passes_and_links_are_held_too(facegate, browser, store, li):
    credentials.give_rolling(store, li, new_id(), "31204", b"3" * 32, by="test")
    wanted = Wanted("Aunt Mei", datetime.now(UTC), datetime.now(UTC) + timedelta(days=1), 1, host=li)
    passes.make(store, wanted, None, b"1" * 32, b"2" * 32, datetime.now(UTC), by="test")
    own_pages.draw(store, li, "of a secret", datetime.now(UTC), 3, by="test")
    held = html.unescape(browser("manager").get(f"/residents/{li.id}/held").text)
    assert "Code on the phone" in held
    assert "Aunt Mei" in held
    told = facegate("residents", "show", "Li Na").out
    for one in ("pass of Aunt Mei: from", "a link to their own page was drawn", "denied", "out_of_hours"):
        assert one in told
    answer = facegate("residents", "show", "Li Na", "--json").answer
    assert [one["name"] for one in answer["passes"]] == ["Aunt Mei"]
    assert [one["method"] for one in answer["credentials"]] == ["rolling"]
    assert "denied" in [one["kind"] for one in answer["lines"]]
    assert "of a secret" not in str(answer)
