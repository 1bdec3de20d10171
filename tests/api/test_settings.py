"""The settings page, and the API behind it: hours, groups, users, tokens."""

from gate.store.record import audit
from gate.store.site import accounts, schedules
from tests.console import PASSWORD, problem_of


def test_hours_are_a_managers_and_users_an_owners(browser, store, staff):
    manager = browser("manager")
    assert "Tokens for machines" not in manager.get("/settings").text
    saved = manager.post("/settings/schedules", data={"name": "day", "windows": "Mon-Fri 07:00-19:00"})
    assert "Saved." in saved.text
    assert "Saved." in manager.post("/settings/groups", data={"name": "cleaners", "schedule": "day"}).text
    assert [(one.name, one.windows) for one in schedules.groups(store)] == [("cleaners", "Mon-Fri 07:00-19:00")]
    assert (
        manager.post("/settings/users", data={"name": "Eve", "role": "owner", "password": PASSWORD}).status_code == 403
    )
    assert "Tokens for machines" in browser("owner").get("/settings").text
    by = f"user {staff['manager'].id}"
    assert [(line.kind, line.details["by"]) for line in audit.lines(store) if "changed" in line.kind] == [
        ("schedule_changed", by), ("group_changed", by)
    ]  # fmt: skip


def test_what_is_no_schedule_is_told_in_the_readers_language_and_changes_nothing(browser, store):
    manager = browser("manager")
    chinese = {"accept-language": "zh-CN"}
    wrong = manager.post("/settings/schedules", data={"name": "day", "windows": "Mon 9-10"}, headers=chinese)
    assert (wrong.status_code, problem_of(wrong)) == (422, "“Mon 9-10”不是有效时段，请写成“Mon-Fri 07:00-19:00”。")
    wrong = manager.ask("PUT", "/api/v1/schedules/day", json={"windows": "Mon 09:00-09:00"})
    assert (wrong.status_code, wrong.json()["detail"].split(":")[0]) == (409, "The window 'Mon 09")
    wrong = manager.post("/settings/groups", data={"name": "cleaners", "schedule": "none such"})
    assert problem_of(wrong).startswith("There is no schedule none such.")
    assert (schedules.every(store), schedules.groups(store)) == ([], [])


def test_a_schedule_goes_when_nobody_has_it(browser, store):
    manager = browser("manager")
    assert manager.ask("PUT", "/api/v1/schedules/day", json={"windows": "daily 07:00-19:00"}).status_code == 204
    assert manager.ask("PUT", "/api/v1/free-access", json={"schedule": "day"}).status_code == 204
    used = manager.post("/settings/schedules/removal", data={"name": "day"})
    assert "in use 1 times" in problem_of(used)
    assert manager.ask("PUT", "/api/v1/free-access", json={}).status_code == 204
    assert "Removed." in manager.post("/settings/schedules/removal", data={"name": "day"}).text
    assert schedules.every(store) == []


def test_a_name_that_is_too_long_is_refused_and_not_cut(browser, store):
    owner = browser("owner")
    form = {"name": "A" * 61, "role": "guard", "password": PASSWORD}
    assert "between 1 and 60" in problem_of(owner.post("/settings/users", data=form))
    assert "between 1 and 60" in problem_of(
        owner.post("/settings/tokens", data={"name": "A" * 61, "permissions": "live"})
    )
    assert len(accounts.users(store)) == 4
    assert accounts.tokens(store) == []
