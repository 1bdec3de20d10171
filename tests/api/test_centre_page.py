"""The page by which a gate follows a centre and leaves it: what is asked of whoever does it, by an owner alone, and how
what is told of it is shown."""

import json
import os
import time
from dataclasses import replace

import pytest

from gate.fleet import errands
from gate.fleet.errands import Becomes, Deed, Known, Phase, Told
from gate.processes.fields import written
from gate.store.record import audit
from gate.vocabulary import Kind
from tests.console import PASSWORD, problem_of

PAGE = "/settings/centre"
CODE = "abcd efgh jklm"
KNOWN = Known("0198-a", "Wang Fang", "3-1", "Fang Wang", "3-1", True, True)


@pytest.fixture
def owner(browser):
    owner = browser("owner")
    owner.post("/confirm", data={"password": PASSWORD})
    return owner


@pytest.fixture
def told(state):
    """Tells what whoever does it would tell of what was asked last."""

    def tell(phase, **said):
        asked = errands.asked_last(state)
        errands.tell(state, Told(asked.id, asked.deed, phase, time.monotonic(), asked.address, **said))

    return tell


def asks(owner, address="10.0.0.2", code=CODE):
    return owner.post(PAGE, data={"address": address, "code": code})


@pytest.mark.parametrize(
    ("typed", "address", "port"),
    [
        ("10.0.0.2", "10.0.0.2", 7423), (" centre.local ", "centre.local", 7423), ("10.0.0.2:7500", "10.0.0.2", 7500),
        ("fd00::3", "fd00::3", 7423), ("[fd00::3]", "fd00::3", 7423), ("[fd00::3]:7500", "fd00::3", 7500),
    ],
)  # fmt: skip
def test_what_is_typed_is_asked_as_a_link_could_read_it_again(owner, state, typed, address, port):
    assert asks(owner, typed).headers["location"] == PAGE
    asked = errands.asked_last(state)
    assert (asked.deed, asked.address, asked.port, asked.code) == (Deed.JOIN, address, port, "ABCDEFGHJKLM")
    assert asked.by.startswith("user ")
    # The code is in a file of the console's own.
    assert errands.errand_file(state).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("typed", ["", "http://10.0.0.2/", "10.0.0.2:99999", "a b", "10.0.0.2/24"])
def test_what_is_no_address_is_said_to_be_none_and_stays_in_the_form(owner, state, typed):
    answer = asks(owner, typed)
    assert "no address of a centre" in problem_of(answer)
    assert errands.asked_last(state) is None
    if typed and '"' not in typed:
        assert f'value="{typed}"' in answer.text


@pytest.mark.parametrize("typed", ["", "ABCD", "ABCD-EFGH-JKL1", "ABCD-EFGH-JKLMN"])
def test_what_is_no_code_is_said_to_be_none(owner, state, typed):
    assert "twelve letters" in problem_of(asks(owner, code=typed))
    assert errands.asked_last(state) is None


def test_pressed_twice_it_is_asked_once(owner, state, told):
    asks(owner)
    first = errands.asked_last(state)
    asks(owner)
    assert errands.asked_last(state) == first
    told(Phase.READING)
    asks(owner, "10.0.0.9")
    assert errands.asked_last(state) == first
    page = owner.get(PAGE).text
    assert "residents are being read" in page
    assert 'name="address"' not in page


def test_who_is_asked_about_is_shown_and_what_is_said_of_each_is_kept(owner, state, told, store):
    asks(owner)
    told(Phase.ASKS, known=(KNOWN, replace(KNOWN, id="0198-b", by_name=False)), others=3)
    page = owner.get(PAGE).text
    for said in ("Wang Fang, 3-1", "Fang Wang, 3-1", "found by name, home and face", "found by face", "3 residents"):
        assert said in page
    # Names are told: that somebody looked is on record, once while it goes on.
    owner.get(f"{PAGE}?part=live")
    looks = [line for line in audit.lines(store) if line.kind == Kind.LOOKED_AT]
    assert [line.details["what"] for line in looks] == ["who is at the centre too"]
    becomes = ["same 0198-a", "another 0198-b", "nonsense"]
    answer = owner.post(f"{PAGE}/decision", data={"both": "here", "others": "bring", "becomes": becomes})
    assert answer.headers["location"] == PAGE
    decided = errands.decided_last(state)
    assert (decided.errand, decided.both, decided.bring) == (errands.asked_last(state).id, Becomes.HERE, True)
    assert decided.each == {"0198-a": Becomes.SAME, "0198-b": Becomes.ANOTHER}
    told(Phase.FOLLOWING)
    assert "Wang Fang" not in owner.get(PAGE).text
    assert "nothing to decide any more" in problem_of(owner.post(f"{PAGE}/decision", data={}))


def test_given_up_it_is_told_so(owner, state, told):
    assert "nothing to decide" in problem_of(owner.post(f"{PAGE}/decision/removal"))
    asks(owner)
    told(Phase.ASKS, known=(KNOWN,))
    owner.post(f"{PAGE}/decision/removal")
    assert errands.decided_last(state).given_up
    told(Phase.REFUSED, why="It was given up.")
    page = owner.get(PAGE).text
    assert "It was given up." in page
    assert "Nothing was changed here." in page
    assert 'name="address"' in page


def test_where_nobody_does_it_the_page_says_by_which_command(owner, state):
    asks(owner)
    asked = errands.asked_last(state)
    errands.errand_file(state).write_text(json.dumps(written(replace(asked, at_mono=asked.at_mono - 20))))
    assert "sudo facegate join ADDRESS CODE" in owner.get(PAGE).text
    # And it may be asked once more.
    asks(owner)
    assert errands.asked_last(state).id != asked.id


def test_what_an_earlier_start_of_the_machine_left_is_of_no_more_account(owner, state, told):
    asks(owner)
    told(Phase.ASKS, known=(KNOWN,))
    for path in (errands.errand_file(state), errands.errand_file(state).with_name("errand-told.json")):
        said = json.loads(path.read_text())
        path.write_text(json.dumps(said | {"at_mono": time.monotonic() + 1e6}))
    page = owner.get(PAGE).text
    assert "Wang Fang" not in page
    assert 'name="address"' in page


def test_one_that_was_ended_in_its_middle_is_said_to_be_over(owner, state, told):
    asks(owner)
    told(Phase.READING)
    path = errands.errand_file(state).with_name("errand-told.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"at_mono": time.monotonic() - 300}))
    page = owner.get(PAGE).text
    assert "did not come to its end" in page
    assert 'name="address"' in page


def test_a_gate_that_follows_leaves_and_follows_no_second_one(owner, state, told):
    assert "follows no centre" in problem_of(owner.post(f"{PAGE}/removal"))
    (state / "link").mkdir()
    (state / "link/centre.json").write_text("{}")
    assert "follows a centre already" in problem_of(asks(owner))
    page = owner.get(PAGE).text
    assert 'name="address"' not in page
    assert "Leave, and keep its residents" in page
    for forget, wanted in (("", False), ("yes", True)):
        owner.post(f"{PAGE}/removal", data={"forget": forget})
        asked = errands.asked_last(state)
        assert (asked.deed, asked.forget) == (Deed.LEAVE, wanted)
        told(Phase.LEFT, people=2, erased=3 if wanted else 0)
    (state / "link/centre.json").unlink()
    assert "3 residents were erased here." in owner.get(PAGE).text


def test_only_an_owner_who_gave_their_password_asks(browser, state, store):
    for name in ("manager", "guard", "auditor"):
        assert browser(name).get(PAGE).status_code == 403
        for path in (PAGE, f"{PAGE}/decision", f"{PAGE}/decision/removal", f"{PAGE}/removal"):
            assert browser(name).post(path).status_code == 403
    owner = browser("owner")
    store.execute("UPDATE sessions SET confirmed_at = 0")
    assert 'name="address"' not in owner.get(PAGE).text
    for path in (PAGE, f"{PAGE}/decision", f"{PAGE}/decision/removal", f"{PAGE}/removal"):
        assert "Enter your password again" in owner.send(path).text
    assert errands.asked_last(state) is None


@pytest.mark.parametrize(
    "said",
    [
        "", "[]", "{", '{"id": 1}', '{"id": "a", "deed": "join", "by": "x", "at_mono": 1, "port": 0}',
        '{"id": "a", "deed": "shell", "by": "x", "at_mono": 1}',
        '{"id": "a", "deed": "join", "by": "\\n", "at_mono": 1}',
        json.dumps({"id": "a", "deed": "join", "by": "x" * 201, "at_mono": 1}),
        json.dumps({"id": "a", "deed": "join", "by": "x", "at_mono": 1, "more": "x" * 5000}), "[" * 4000,
    ],
)  # fmt: skip
def test_nothing_is_read_of_an_errand_that_is_none(state, said):
    path = errands.errand_file(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(said)
    assert errands.asked_last(state) is None


def test_nothing_is_read_of_an_errand_that_is_no_plain_file_of_the_consoles(state):
    path = errands.errand_file(state)
    errands.ask(state, errands.errand(Deed.INVITE, "user 1"))
    assert errands.asked_last(state) is not None
    elsewhere = state / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert errands.asked_last(state) is None
    path.unlink()
    os.mkfifo(path)
    assert errands.asked_last(state) is None
    path.unlink()
    if os.geteuid() == 0:
        elsewhere.rename(path)
        os.chown(path, 12345, -1)
        assert errands.asked_last(state) is None
