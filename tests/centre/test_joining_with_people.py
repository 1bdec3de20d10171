"""A gate that has people joins: who of them is at the centre too is found by name, home and face, and somebody says
what becomes of each. A real broker and a real centre; nothing of the gate runs until it has joined."""

import asyncio
import shutil
from contextlib import closing, suppress

import numpy as np
import pytest
from click.testing import CliRunner

from commands.cli import facegate
from gate.fleet.joined import read_joined
from gate.fleet.reading import line_of
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.compound import gates, proposals, requests
from gate.store.compound.role import Part, part
from gate.store.database import open_database
from gate.store.people import changes, consents, credentials, erasure, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.record import audit
from gate.vocabulary import Method
from tests.centre.test_many_gates import let_in
from tests.codes import new_pin
from tests.door import FAST
from tests.fleet import Gate, Process, command
from tests.running import wait_for

pytestmark = pytest.mark.whole

EVERY_GATE = Consent("face-3", "en", "", Way.TOLD, "test")
THIS_GATE = Consent("face-2", "en", "", Way.TOLD, "test")


def face_of(seed, photo):
    """A photo of a person: like the others of theirs, and like nobody else's."""
    person = np.random.default_rng(seed).standard_normal(128)
    made = (person + 0.2 * np.random.default_rng(photo).standard_normal(128)).astype(np.float32)
    return templates.Template("test", "photo", {}, (made / np.linalg.norm(made)).tobytes())


def enrolled(store, name, unit, seed, photo, consent=EVERY_GATE):
    return residents.enrol(store, name, unit, [face_of(seed, photo)], consent, by="test")


def joins(centre, state, *more, answers=None):
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--state", str(state))
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at, *more], input=answers)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_whoever_is_at_the_centre_too_is_shown_and_becomes_what_somebody_says(centre, place):
    with centre.store() as store:
        others = {one.id for one in residents.every(store)}
        wang = enrolled(store, "Wang Fang", "3-1-502", 1, 101)
        li = enrolled(store, "Li Na", "1-1-101", 2, 102)
        zhao = enrolled(store, "Zhao Min", "2-2-202", 3, 103)
    state = place / "north"
    with closing(open_database(state)) as store:
        # The same by name, home and face; by face under another name; by name alone; nobody there.
        same = enrolled(store, "WANG FANG", "3-1-502", 1, 111)
        married = enrolled(store, "Chen Na", "1-1-101", 2, 112)
        another = enrolled(store, "Zhao Min", "2-2-202", 33, 113)
        alone, brought = (enrolled(store, f"Guest {seed}", None, seed, seed) for seed in (41, 42))
        one_gate = enrolled(store, "Old Text", "9-9-901", 5, 115, THIS_GATE)
    said = joins(centre, state, "--others", "bring", answers="same\nsame\nhere\n")
    assert "WANG FANG, 3-1-502: at the centre there is Wang Fang, 3-1-502 (found by name and home and face)" in said
    assert "Chen Na, 1-1-101: at the centre there is Li Na, 1-1-101 (found by face)" in said
    assert "(found by name and home)" in said
    with closing(open_database(state)) as store:
        assert part(store) is Part.GATE
        here = {one.id: one for one in residents.every(store)}
        assert here.keys() - others == {wang.id, li.id, zhao.id, another.id, alone.id, brought.id, one_gate.id}
        # Their photos of here went to whom the centre names, with what they agreed to.
        assert (here[wang.id].templates, here[li.id].templates, here[zhao.id].templates) == (2, 2, 1)
        assert len(consents.of(store, wang.id)) == 2
        assert set(proposals.of_residents(store)) >= {wang.id, li.id, alone.id, brought.id}
        assert another.id not in proposals.of_residents(store)
        assert audit.verify(store) is None
    link = Process(state, "link", {})
    centre.stack.callback(link.end)
    north = Gate("north", state, None, link)

    def at_the_centre():
        with centre.store() as store:
            return {one.id: one.templates for one in residents.every(store) if one.id not in others}

    expected = {wang.id: 2, li.id: 2, zhao.id: 1, alone.id: 1, brought.id: 1}
    wait_for(lambda: at_the_centre() == expected, 40, at_the_centre)
    centre.whole_at([north])
    with north.store() as store:
        there = {one.id for one in residents.every(store)}
        assert {another.id, one_gate.id} <= there
        assert not {same.id, married.id} & there
        # A backup of this gate from before brings nobody back under the id of then.
        assert all(erasure.was_erased(store, one.id) for one in (same, married))
    assert not list(state.rglob(".under-way-*"))


def test_a_gate_that_joins_again_has_nobody_twice_and_unasked_everybody_stays(centre, place):
    with centre.store() as store:
        sun = enrolled(store, "Sun Li", "5-5-505", 51, 151)
    state = place / "east"
    with closing(open_database(state)) as store:
        own = enrolled(store, "Sun Li", "5-5-505", 51, 161)
    joins(centre, state, "--yes")
    command("leave", "--yes", "--state", state)
    told = joins(centre, state, "--both", "same", "--yes")
    assert "Sun Li is one with whom the centre names" in told
    with closing(open_database(state)) as store:
        ids = [one.id for one in residents.every(store)]
        assert len(ids) == len(set(ids))
        assert sun.id in ids
        assert own.id not in ids
        assert residents.get(store, sun.id).templates == 2


@pytest.mark.parametrize("becomes", ["everywhere", "back"])
def test_whoever_was_erased_at_a_gate_that_had_left_is_erased_everywhere_or_comes_back(centre, place, becomes):
    with centre.store() as store:
        ma = enrolled(store, f"Ma {becomes}", "7-7-707", ord(becomes[0]), 181)
        new_pin(store, centre.door, ma)
    state = place / f"left-{becomes}"
    with closing(open_database(state)) as store:
        enrolled(store, f"Own {becomes}", None, ord(becomes[1]), ord(becomes[1]))
    joins(centre, state, "--yes")
    command("leave", "--yes", "--state", state)
    with closing(open_database(state)) as store:
        erasure.remove(store, residents.get(store, ma.id), by="test")
    # Unasked nothing is done: one way somebody is lost everywhere, the other somebody who was erased comes back.
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--state", str(state), "--yes")
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at])
    assert f"Ma {becomes}, 7-7-707" in str(done.exception)
    with closing(open_database(state)) as store:
        assert part(store) is Part.ALONE
        assert residents.get(store, ma.id) is None
        # Who else is here may have come with a PIN of the centre's.
        asked = "y\n" if credentials.having_any(store) else ""
    joins(centre, state, "--others", "here", answers=f"{asked}{becomes}\n")
    gate = Gate("", state, None, Process(state, "link", {}))
    centre.stack.callback(gate.link.end)

    def at_the_centre():
        with centre.store() as store:
            return residents.get(store, ma.id) is not None

    wait_for(lambda: at_the_centre() == (becomes == "back"), 40, at_the_centre)
    centre.whole_at([gate])
    gate.link.end()
    with gate.store() as here:
        found = residents.get(here, ma.id)
        assert (found is not None) == (becomes == "back")
        if found is not None:
            assert found.templates == 1
            assert {one.method for one in credentials.of_resident(here, ma.id)} == {Method.PIN}


def test_a_gate_that_was_copied_from_the_centres_machine_is_told_so_and_takes_nothing(centre, place):
    state = place / "copy"
    with centre.store() as store:
        (same,) = store.execute("SELECT id FROM gate").fetchone()
        before = gates.every(store)
    with closing(open_database(state)) as store:
        store.execute("UPDATE gate SET id = ?", (same,))
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--state", str(state), "--yes")
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at])
    assert "copied from the centre's machine" in str(done.exception)
    with centre.store() as store, closing(open_database(state)) as there:
        assert gates.every(store) == before
        assert part(there) is Part.ALONE


# However far the line is when it is given up, it is given up.
@pytest.mark.parametrize("within_s", [0.01, 0.02, 0.04, 0.08])
def test_where_the_register_does_not_come_nothing_is_changed(centre, place, monkeypatch, within_s):
    from gate.fleet import reading

    monkeypatch.setattr(reading, "_ALL_WITHIN_S", within_s)
    state = place / f"south{within_s}"
    with closing(open_database(state)) as store:
        own = enrolled(store, "Qian Wei", None, 61, 171)
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--state", str(state), "--yes")
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at])
    assert "nothing was changed here" in str(done.exception)
    with closing(open_database(state)) as store:
        assert part(store) is Part.ALONE
        assert [one.id for one in residents.every(store)] == [own.id]
    assert not (state / "door" / "code.key").exists()
    assert not list(state.rglob(".under-way-*"))


def test_a_line_that_is_given_up_ends_though_what_is_done_on_it_does_not_hear_of_that(centre, place):
    """As where the library takes the word to end for an answer that did not come."""
    state = place / "deaf"
    joins(centre, state, "--yes")

    async def given_up():
        lines = []

        async def deaf(broker):
            while not broker.is_closed:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.05)

        async def work(broker):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(deaf(broker))
                lines.append(broker)

        line = asyncio.ensure_future(line_of(read_joined(state)).for_ever(work))
        async with asyncio.timeout(30):
            while not lines:
                await asyncio.sleep(0.05)
        line.cancel()
        done, _ = await asyncio.wait([line], timeout=10)
        await lines[0].close()
        return done

    assert asyncio.run(given_up())


def has_the_register(centre, state):
    """The link of this gate, which ran until that was there."""
    link = Process(state, "link", {})
    centre.stack.callback(link.end)
    centre.whole_at([Gate("", state, None, link)])
    link.end()
    return link


def test_a_gate_that_joins_a_second_time_tells_what_its_centre_had_still_to_hear(centre, place):
    with centre.store() as store:
        he = enrolled(store, "He Lan", "6-6-601", 61, 171)
        gone = enrolled(store, "Gao Jun", "6-6-602", 62, 172)
    state = place / "south"
    joins(centre, state, "--yes")
    door = Process(state, "door", {"door": FAST | {"freshness_s": 5}})
    centre.stack.callback(door.end)
    link = has_the_register(centre, state)
    # No link runs: all of it waits.
    with closing(open_database(state)) as store:
        new = enrolled(store, "Tang Wei", "6-6-603", 63, 173)
        pin = new_pin(store, Client(socket_of(state, "door")), he)
        assert changes.change(store, he, changes.Changes(name="He Lan the elder"), by="test")
        erasure.remove(store, gone, by="test")
    joins(centre, state, "--yes")
    link.start()

    def at_the_centre():
        with centre.store() as store:
            return {one.id: one.name for one in residents.every(store) if one.id in (he.id, gone.id, new.id)}

    wait_for(lambda: at_the_centre() == {he.id: "He Lan the elder", new.id: "Tang Wei"}, 40, at_the_centre)
    with centre.store() as store:
        assert [one.method for one in credentials.of_resident(store, he.id)] == [Method.PIN]
    assert let_in(Gate("south", state, Client(socket_of(state, "door")), link), he.id, Method.PIN, pin.typed)


def test_what_another_compound_does_not_hear_is_told_before_it_is_dropped(centre, place):
    with centre.store() as store:
        he = enrolled(store, "Bai Lin", "7-7-701", 71, 181)
    state = place / "west"
    joins(centre, state, "--yes")
    has_the_register(centre, state)
    with closing(open_database(state)) as store:
        enrolled(store, "Tao Wei", "7-7-703", 73, 183)
        erasure.remove(store, residents.get(store, he.id), by="test")
        # As where it was another compound's until now.
        store.execute("UPDATE code_salt SET salt = ?", (b"another".ljust(16),))
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--state", str(state))
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at], input="n\n")
    assert "1 change made here and still to be sent there are not sent; 1 revocation" in done.output
    assert done.exit_code != 0
    with closing(open_database(state)) as store:
        assert (proposals.count(store), requests.count(store)) == (1, 1)


def test_of_two_copies_of_a_card_the_second_does_not_take_the_place_of_the_first(centre, place):
    first, second = place / "copied", place / "copied again"
    with closing(open_database(first)) as store:
        enrolled(store, "Luo Bin", "8-8-801", 81, 191)
    shutil.copytree(first, second)
    joins(centre, first, "--yes")
    link = Process(first, "link", {})
    centre.stack.callback(link.end)
    gate = Gate("copied", first, None, link)
    centre.whole_at([gate])

    def is_heard():
        told = command("centre", "gates", "--state", centre.state)["gates"]
        return any(one["id"] == gate.identity and one["heard_at"] for one in told)

    wait_for(is_heard, 20, "it is not heard")
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", str(centre.centre["pairing_port"]), "--yes", "--state")
    done = CliRunner().invoke(facegate, ["join", "127.0.0.1", code, *at, str(second)])
    assert "which runs and is heard now" in str(done.exception), done.output
    with closing(open_database(second)) as store:
        assert part(store) is Part.ALONE
    # It goes on, and may itself join again while it runs.
    with centre.store() as store:
        enrolled(store, "Ning Bo", "8-8-802", 82, 192)
    centre.whole_at([gate])
    joins(centre, first, "--yes")
