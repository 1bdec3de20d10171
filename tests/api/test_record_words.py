"""The record in words: who did it to whom and what is another since then, in the reader's language, without an id."""

import html
import re

import pytest

from gate.door.wiegand import Flaw
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from gate.store.site import accounts, holidays, schedules
from gate.vocabulary import AuditEvent, Kind
from tests.console import Browser

IDS = re.compile(r"\b(?:user|token) [0-9a-f]{8}-|uid \d")


def told(reader, what, language="en"):
    """What stands under "More", by the kind of its line, the newest first."""
    page = reader.get(f"/events?what={what}", headers={"accept-language": language}).text
    rows = re.findall(r'<tr class="kind-(\w+)">.*?<td>([^<]*)</td></tr>', page, re.DOTALL)
    assert not IDS.search(page), IDS.search(page)
    return [(kind, html.unescape(" ".join(more.split()))) for kind, more in rows]


@pytest.fixture
def manager(browser):
    return browser("manager")


def test_who_signed_in_and_who_tried_to_is_said(app, manager):
    other = Browser(app, address="10.0.0.9")
    assert other.sign_in("owner", "wrong").status_code == 401
    found = told(manager, "operations")
    assert ("signed_in", "manager") in found
    assert ("sign_in_failed", "owner, from 10.0.0.9") in found


@pytest.mark.parametrize("flaw", Flaw)
def test_what_was_wrong_with_what_a_reader_said_is_told_in_words(store, manager, flaw):
    noise = {"reader": "wiegand", "why": flaw.value, "frames": 12}
    audit.append(store, AuditEvent(Kind.READER_NOISE, noise))
    ((_, said),) = (one for one in told(manager, "gate") if one[0] == "reader_noise")
    assert said.startswith("at the reader wiegand, 12 times, ")
    assert flaw.value not in said
    ((_, chinese),) = (one for one in told(manager, "gate", "zh-CN") if one[0] == "reader_noise")
    assert said.rsplit(", ", 1)[1] not in chinese


def test_what_was_changed_of_a_resident_is_said(store, manager):
    li = residents.enrol(store, "Li Na", "3-1204", [])
    schedules.put(store, "Day", "Mon-Fri 07:00-19:00", "test")
    schedules.put_group(store, "cleaners", None, "test")
    for wanted, words in (
        (Changes(valid_until="2031-01-31"), "last day Jan 31, 2031"),
        (Changes(valid_until="", group="cleaners"), "group cleaners, no last day any more"),
        (Changes(schedule="Day", extended=True), "hours Day, more time for the gate"),
        (Changes(unit="3-1205", extended=False), "the usual time for the gate, home 3-1205"),
    ):
        change(store, li, wanted, by="test")
        kind, said = told(manager, "operations")[0]
        assert (kind, said) == ("resident_changed", f"{words}, test")
    assert ("resident_changed", "开门时间恢复常规，房号3-1205，test") in told(manager, "operations", "zh-CN")


def test_a_token_is_said_by_its_name_and_whoever_is_gone_by_no_id(store, staff, manager):
    lift = accounts.add_token(store, "lift", "0" * 64, ("door",), staff["owner"], "test")
    audit.append(store, AuditEvent("ordered", {"order": "lockdown", "by": f"token {lift.id} through uid 999"}))
    audit.append(store, AuditEvent("ordered", {"order": "lockdown", "by": f"user {staff['guard'].id} through uid 999"}))
    audit.append(store, AuditEvent("tidied", {"by": "uid 0"}))
    audit.append(store, AuditEvent("ordered", {"order": "open", "by": "home assistant through uid 999"}))
    assert told(manager, "gate")[0][1].endswith("Home Assistant")
    assert told(manager, "gate")[1:3] == [("ordered", "Lockdown, guard"), ("ordered", "Lockdown, the token lift")]
    assert told(manager, "gate", "zh-CN")[2] == ("ordered", "紧急锁闭，接口令牌lift")
    accounts.revoke_token(store, lift.id, f"user {staff['owner'].id}")
    accounts.remove_user(store, staff["guard"], f"user {staff['owner'].id}")
    assert [said for _, said in told(manager, "gate")[1:3]] == [
        "Lockdown, a user who is gone",
        "Lockdown, a token that is gone",
    ]
    assert ("token_revoked", "a token that is gone, by owner") in told(manager, "operations")
    assert ("tidied", "a command (user number 0)") in told(manager, "operations")


def test_what_is_done_to_hours_and_accounts_says_to_which(store, staff, manager):
    by = f"user {staff['owner'].id}"
    holidays.add(store, holidays.New("Feast", "2031-01-01"), by)
    schedules.put(store, "Day", "Mon-Fri 07:00-19:00", by)
    audit.append(store, AuditEvent("role_changed", {"user": staff["guard"].id, "role": "manager", "by": by}))
    audit.append(store, AuditEvent("resident_changed", {"valid_until": "{soon}", "group": 3, "extended": 1}))
    found = told(manager, "operations")
    assert found[:4] == [
        ("resident_changed", "last day {soon}"), ("role_changed", "Manager, guard, by owner"),
        ("schedule_changed", "hours Day, owner"), ("holiday_added", "Feast, owner"),
    ]  # fmt: skip


def test_a_look_is_called_one_and_says_at_what(manager):
    assert manager.get("/residents").status_code == 200
    assert ("looked_at", "the residents, manager") in told(manager, "operations")
    page = manager.get("/events?what=operations").text
    assert "<td>Looked at</td>" in page
    assert "Record looked at" not in page
