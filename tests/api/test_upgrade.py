"""The page of upgrades: what root tells of a stick is shown, and two things can be asked, by an owner alone."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.conftest import REPOSITORY
from tests.console import PASSWORD, problem_of

PAGE = "/settings/upgrade"
SHOWN = {"installed": "0.1.0", "version": "0.1.1", "packages": ["facegate (0 MB)"], "changes": "- New.", "digest": "d"}


@pytest.fixture
def root(state):
    """The hands that root has in it: tells, and sees what was asked."""
    (state / "run/upgrade").mkdir(parents=True)

    def tell(phase, **values):
        told = state / "run/upgrade/told.json"
        told.write_text(json.dumps({"phase": phase, "at": time.time(), **values}))

    return tell


@pytest.fixture
def asked(state):
    """What was asked since this was last called."""

    def since():
        files = sorted((state / "run/api").glob("upgrade-*"))
        names = [file.name for file in files]
        for file in files:
            file.unlink()
        return names

    return since


@pytest.fixture
def owner(browser):
    owner = browser("owner")
    owner.post("/confirm", data={"password": PASSWORD})
    return owner


def test_where_nobody_can_do_it_the_page_says_so_and_asks_nothing(owner, asked):
    page = owner.get(PAGE)
    assert "was not installed from packages" in page.text
    assert "Look at the stick" not in page.text
    for what in ("look", "installation"):
        assert owner.post(f"{PAGE}/{what}").status_code == 422
    assert asked() == []


def test_what_is_on_a_stick_is_shown_before_it_is_installed(owner, root, asked, store):
    assert "Look at the stick" in owner.get(PAGE).text
    assert owner.post(f"{PAGE}/look").headers["location"] == PAGE
    assert asked() == ["upgrade-look"]
    root("looking")
    assert "is being looked at" in owner.get(f"{PAGE}?part=live").text
    root("shown", **SHOWN)
    page = owner.get(PAGE).text
    for said in ("From version 0.1.0 to 0.1.1", "facegate (0 MB)", "- New.", "Yes, upgrade"):
        assert said in page
    assert owner.post(f"{PAGE}/installation").headers["location"] == PAGE
    assert asked() == ["upgrade-install"]
    (line,) = (line for line in audit.lines(store) if line.kind == Kind.UPGRADE_ASKED)
    assert (line.details["from"], line.details["to"]) == ("0.1.0", "0.1.1")
    assert line.details["by"].startswith("user ")
    root("fetching", **SHOWN)
    assert "Leave the stick where it is" in owner.get(f"{PAGE}?part=live").text
    root("installing", **SHOWN)
    assert "can be pulled out" in owner.get(f"{PAGE}?part=live").text
    root("installed", **SHOWN)
    assert "Version 0.1.1 is in use." in owner.get(f"{PAGE}?part=live").text


def test_what_was_not_shown_is_not_installed(owner, root, asked, store):
    for phase in (None, "looking", "installed", "refused"):
        if phase:
            root(phase, **SHOWN)
        assert problem_of(owner.post(f"{PAGE}/installation")) == "Look at the stick first."
    assert asked() == []
    assert [line for line in audit.lines(store) if line.kind == Kind.UPGRADE_ASKED] == []


def test_while_something_is_done_nothing_else_is_asked(owner, root, asked):
    root("installing", **SHOWN)
    assert "<form" not in owner.get(f"{PAGE}?part=live").text
    owner.post(f"{PAGE}/look")
    assert asked() == []


def test_only_an_owner_who_gave_their_password_asks(browser, root, asked, store):
    root("shown", **SHOWN)
    for name in ("manager", "guard", "auditor"):
        assert browser(name).get(PAGE).status_code == 403
        assert browser(name).post(f"{PAGE}/installation").status_code == 403
    unconfirmed = browser("owner")
    store.execute("UPDATE sessions SET confirmed_at = 0")
    page = unconfirmed.get(PAGE).text
    assert "From version 0.1.0 to 0.1.1" in page
    assert f'action="{PAGE}/installation"' not in page
    for what in ("look", "installation"):
        assert "Enter your password again" in unconfirmed.send(f"{PAGE}/{what}").text
    assert asked() == []


def whys():
    """Every reason that the program at the gate has."""
    says = "from deploy.refused import Why; print(*(one.name for one in Why))"
    environment = {"PYTHONPATH": str(REPOSITORY / "systemd"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-c", says], env=environment, capture_output=True, text=True, check=True)


def test_every_reason_is_told_in_both_languages(owner, root):
    values = dict.fromkeys(
        ("there", "suite", "architecture", "version", "installed", "needed", "free", "what", "folder", "current"), "7"
    )
    # By its fingerprint a key is trusted at the gate alone.
    for why in set(whys().stdout.split()) - {"OTHER_FINGERPRINT"}:
        root("refused", why=why, values=values)
        told = {}
        for tag in ("en", "zh-CN"):
            page = owner.get(f"{PAGE}?part=live", headers={"accept-language": tag}).text
            told[tag] = re.search(r'<p class="warning">(.*?)</p>', page)[1]
        assert told["en"] != told["zh-CN"], why
        assert "not possible" not in told["en"], why
        assert "{" not in told["en"] + told["zh-CN"], why


def test_a_reason_of_a_later_version_and_one_without_its_values_are_borne(owner, root):
    for told in ({"why": "LATER", "values": {}}, {"why": "OLDER", "values": {}}, {}):
        root("refused", **told)
        assert "This upgrade is not possible." in owner.get(f"{PAGE}?part=live").text


@pytest.mark.parametrize(
    "told", ["", "{", "[]", '{"phase": "x", "at": 1}', '{"phase": "shown"}', "x" * (1 << 20), "[" * 9999]
)
def test_what_is_no_message_is_as_if_nothing_was_told(owner, state, told):
    (state / "run/upgrade").mkdir(parents=True)
    (state / "run/upgrade/told.json").write_text(told)
    assert "Plug the stick into the gate." in owner.get(PAGE).text


def test_that_nobody_answers_and_that_nothing_came_to_its_end_are_said(owner, root, state):
    owner.post(f"{PAGE}/look")
    os.utime(state / "run/api/upgrade-look", (time.time() - 20,) * 2)
    assert "Nothing answers at the gate." in owner.get(PAGE).text
    told = state / "run/upgrade/told.json"
    told.write_text(json.dumps({"phase": "installing", "at": time.time() - 1801, **SHOWN}))
    assert "did not come to its end" in owner.get(PAGE).text


def test_what_came_of_the_last_upgrade_is_on_the_page(owner, root, store):
    versions = {"from": "0.1.0", "to": "0.1.1"}
    audit.append(store, AuditEvent(Kind.VERSION_CHANGED, versions))
    assert "version 0.1.1 took over from 0.1.0" in owner.get(PAGE).text
    audit.append(store, AuditEvent(Kind.UPGRADE_FAILED, versions | {"why": "facegate-api: not up after 40 s."}))
    page = owner.get(PAGE).text
    assert "version 0.1.1 did not start, and 0.1.0 runs on" in page
    assert "not up after 40 s" in page
