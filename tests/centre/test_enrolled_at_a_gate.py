"""What is enrolled at a gate reaches all of them, and a centre that lost something is given it back: a real broker,
real doors on mock pins, real links, each in a process of its own."""

import shutil
import sqlite3
from contextlib import closing
from itertools import count

import numpy as np
import pytest
from cryptography import x509

from centre.secrets import secrets_of
from gate.care.backup import make
from gate.care.backup.restore import restore
from gate.fleet.centre_status import read_status
from gate.store.compound import carried, outbox, proposals
from gate.store.compound.proposals import Because
from gate.store.database import database_of
from gate.store.people import changes, credentials, erasure, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.record import audit
from gate.vocabulary import Method
from tests.codes import card_of_number, new_pin
from tests.door import claim, until
from tests.fleet import Process, command, join, refused
from tests.running import wait_for

pytestmark = pytest.mark.whole

EVERY_GATE = Consent("face-3", "en", "", Way.TOLD, "test")
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def joined(centre, place):
    return [join(centre, place / name, name, freshness_s=5) for name in ("north", "east")]


def enrolled(store, name, seed=1):
    made = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    face = templates.Template("test", "photo", {"sharpness": 0.8}, (made / np.linalg.norm(made)).tobytes())
    return residents.enrol(store, name, f"3-1-{seed}", [face], EVERY_GATE, by="the manager")


def let_in(gate, who):
    until(gate.door, at_rest=True)
    return gate.door.ask(claim(who, next(_NUMBERS)))["granted"]


def people_of(one):
    with one.store() as store:
        return {resident.id: resident for resident in residents.every(store)}


def waiting_at(gate):
    with gate.store() as store:
        return proposals.of_residents(store)


def answered(gate):
    wait_for(lambda: None not in waiting_at(gate).values(), 30, "the centre says nothing")


def test_an_enrolment_at_a_gate_opens_it_at_once_and_all_of_them_when_the_centre_is_back(centre, gates):
    north, east = gates
    centre.process.end()
    centre.broker.end()
    with north.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
        new_pin(store, north.door, wang)
        card_of_number(store, north.door, wang, "122,9001")
    assert let_in(north, wang.id)
    assert not let_in(east, wang.id)
    assert waiting_at(north)[wang.id] is None
    # What was acknowledged outlasts the link, killed while it waits.
    north.link.end(kill=True)
    north.link.start()
    wait_for(lambda: north.status() is not None and north.status().waiting == 1, 20, "it is not said that it waits")
    centre.broker.start()
    centre.process.start()
    answered(north)
    centre.whole_at(gates)
    assert let_in(east, wang.id)
    assert wang.id not in waiting_at(north)
    with centre.store() as store:
        ways = store.execute("SELECT kind, duress FROM credentials WHERE resident_id = ? ORDER BY 1, 2", (wang.id,))
        assert ways.fetchall() == [("card", 0), ("pin", 0), ("pin", 1)]


def test_of_a_change_at_a_gate_and_one_at_the_centre_the_centres_counts_and_the_gate_says_so(centre, gates):
    north, east = gates
    with centre.store() as store:
        li = enrolled(store, "Li Na", 2)
    centre.whole_at(gates)
    north.link.end()
    with north.store() as store:
        changes.change(store, residents.get(store, li.id), changes.Changes(unit="1-1-101"), by="the manager")
        residents.add_templates(store, li, [templates.Template("test", "photo", {}, bytes(512))], by="the manager")
    with centre.store() as store:
        changes.change(store, residents.get(store, li.id), changes.Changes(unit="2-2-202"), by="the owner")
    north.link.start()
    answered(north)
    centre.whole_at(gates)
    assert waiting_at(north)[li.id] is Because.CHANGED
    assert {(one[li.id].unit, one[li.id].templates) for one in map(people_of, (centre, north, east))} == {
        ("2-2-202", 2)
    }


def test_a_centre_that_came_back_from_yesterday_brings_nobody_back_and_loses_nobody(centre, gates, place):
    north, east = gates
    with centre.store() as store:
        staying, erased, moved = (enrolled(store, f"Resident {seed}", seed) for seed in (11, 12, 13))
    west = join(centre, place / "west", "west", freshness_s=5)
    centre.whole_at([*gates, west])
    yesterday = make(centre.state, place / "backups", None)
    # Since then: one is erased, one moves, one is enrolled at a gate, and a gate is taken away.
    with centre.store() as store:
        erasure.remove(store, erased, by="the owner")
        changes.change(store, moved, changes.Changes(unit="9-9-909"), by="the owner")
    with east.store() as store:
        new = enrolled(store, "Chen Jie", 14)
    answered(east)
    command("centre", "remove", west.identity, "--yes", "--state", centre.state)
    centre.whole_at(gates)
    centre.process.end()
    centre.broker.end()
    north.link.end()
    # The machine is another: neither the database nor the broker's store is left.
    for gone in (centre.state / "db", centre.state / "centre" / "broker" / "store"):
        shutil.rmtree(gone)
    restore(yesterday.path, centre.state, unsealed=True)
    assert erased.id in people_of(centre)
    centre.broker.start()
    centre.process.start()
    # It says for whom it waits, and publishes nobody until then.
    wait_for(lambda: new.id in people_of(centre) and erased.id not in people_of(centre), 60, "it is not given back")
    assert people_of(centre)[moved.id].unit == "9-9-909"
    wait_for(lambda: read_status(centre.state).missing == ("north",), 20, "it does not say for whom it waits")
    north.link.start()
    centre.whole_at(gates, within_s=90)
    for one in (centre, *gates):
        found = people_of(one)
        assert {staying.id, moved.id, new.id} <= found.keys()
        assert erased.id not in found
    following = command("centre", "gates", "--state", centre.state)["gates"]
    ids = {one["id"] for one in following}
    assert {one.identity for one in gates} <= ids
    assert west.identity not in ids
    assert not let_in(north, erased.id)


def test_a_gate_that_comes_back_from_an_old_backup_lets_in_whom_the_centre_says_now_and_nobody_who_was_revoked(
    centre, gates, place
):
    # A gate of its own: its door keeps the database open that goes.
    north = join(centre, place / "old", "old", freshness_s=5)
    with centre.store() as store:
        erased, moved = enrolled(store, "Yang Mei", 21), enrolled(store, "Hu Bo", 22)
    with north.store() as store:
        at_the_gate = enrolled(store, "Lin Tao", 23)
    answered(north)
    centre.whole_at([north])
    old = make(north.state, place / "backups-north", None)
    with centre.store() as store:
        erasure.remove(store, erased, by="the owner")
        changes.change(store, moved, changes.Changes(unit="8-8-808"), by="the owner")
        new = enrolled(store, "He Jun", 24)
    centre.whole_at([north])

    def told():
        with centre.store() as store:
            return carried.held(store, north.identity).sequence

    wait_for(lambda: told() > old.events, 20, "the record of the gate is not at the centre")
    north.link.end()
    shutil.rmtree(north.state / "db")
    restore(old.path, north.state, unsealed=True)
    assert erased.id in people_of(north)
    north.link.start()
    centre.whole_at([north], within_s=90)
    found = people_of(north)
    assert {moved.id, new.id, at_the_gate.id} <= found.keys()
    assert erased.id not in found
    assert found[moved.id].unit == "8-8-808"
    # Its record goes on from where it was put back, beside what the centre has of the one before it.
    wait_for(lambda: record_is_whole(centre, north), 30, "what happens since is not told")
    with centre.store() as store:
        sequences = [one.sequence for one in carried.last(store, 10_000, north.identity)]
        assert len(sequences) > len(set(sequences))
        assert carried.verify(store, north.identity, None, 10_000).is_whole
    assert north.status().problem is None


def record_is_whole(centre, gate):
    """Whether the centre has the record of a gate up to its last line."""
    with centre.store() as store, gate.store() as there:
        return carried.held(store, gate.identity) == audit.anchor(there)


def test_a_gate_on_whose_disk_an_old_copy_was_put_back_says_so_and_is_told_again_once_it_joined_again(centre, place):
    north = join(centre, place / "copied", "copied", freshness_s=5)
    wait_for(lambda: record_is_whole(centre, north), 30)
    north.link.end()
    shutil.copytree(north.state / "db", place / "old-copy")
    with north.store() as store:
        enrolled(store, "Ma Rui", 31)
    north.link.start()
    answered(north)
    wait_for(lambda: record_is_whole(centre, north), 30)
    north.link.end()
    shutil.rmtree(north.state / "db")
    shutil.copytree(place / "old-copy", north.state / "db")
    with north.store() as store:
        enrolled(store, "Gao Yi", 32)
    north.link.start()
    wait_for(lambda: north.status().problem is not None, 30, "it is not said")
    assert "until the gate joins again" in north.status().problem
    north.link.end()
    code, port = command("centre", "invite", "--state", centre.state)["code"], centre.centre["pairing_port"]
    command("join", "127.0.0.1", code, "--port", port, "--state", north.state, "--yes", FACEGATE_GATE="copied")
    north.link.start()
    wait_for(lambda: record_is_whole(centre, north), 30, "what happens since is not told")


def test_two_machines_with_one_gates_keys_are_told_by_the_centre(centre, gates, place):
    _, east = gates
    with closing(sqlite3.connect(database_of(east.state))) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(
        east.state, place / "copy", ignore=lambda _, names: [one for one in names if "notify" in one or one == "run"]
    )
    second = Process(place / "copy", "link", {})
    try:

        def problem():
            status = read_status(centre.state)
            told = None if status is None else status.gates.get(east.identity)
            return told is not None and told.problem

        told = wait_for(problem, 40, "nobody says that there are two")
        assert "Two machines say that they are this gate" in told
    finally:
        second.end()


def test_a_board_without_a_clock_finds_its_broker_genuine(centre):
    found = x509.load_pem_x509_certificate(secrets_of(centre.state).certificate.encode())
    assert found.not_valid_before_utc.year == 1970
    assert found.not_valid_after_utc.year == 9999


def test_after_a_gate_was_stolen_the_others_go_on_with_new_keys_and_its_pins_are_ended_where_that_is_asked_for(
    centre, gates, place
):
    with centre.store() as store:
        gao = enrolled(store, "Gao Yan", 31)
        pin = new_pin(store, centre.door, gao)
        card_of_number(store, centre.door, gao, "122,9031")
    stolen = join(centre, place / "stolen", "stolen", freshness_s=5)
    centre.whole_at([*gates, stolen])
    with stolen.store() as store:
        thief = enrolled(store, "Nobody Known", 32)
    answered(stolen)
    with stolen.store() as store, centre.store() as there:
        before = outbox.keys(store, [gao.id])
        assert before == outbox.keys(there, [gao.id])
    assert "--stolen" in refused("centre", "remove", stolen.identity, "--end-pins", "--yes", "--state", centre.state)
    told = command("centre", "remove", stolen.identity, "--stolen", "--end-pins", "--yes", "--state", centre.state)
    assert (told["pins"] >= 1, told["cards"] >= 1, told["ended"]) == (True, True, True)
    # Until it was taken away it could enrol, as any gate.
    assert told["enrolled"] == [{"id": thief.id, "name": "Nobody Known"}]
    # All of it goes out under other keys, and the gates that stay have them.
    centre.whole_at(gates)
    for one in (centre, *gates):
        with one.store() as store:
            assert outbox.keys(store, [gao.id])[gao.id] != before[gao.id]
            assert {held.method for held in credentials.of_resident(store, gao.id)} == {Method.CARD}
    # What is given afterwards works as ever, everywhere.
    with centre.store() as store:
        again = new_pin(store, centre.door, gao)
    centre.whole_at(gates)
    assert again.typed != pin.typed
    for gate in gates:
        assert let_in(gate, gao.id)
        with gate.store() as store:
            assert {held.method for held in credentials.of_resident(store, gao.id)} == {Method.CARD, Method.PIN}
    with stolen.store() as store:
        assert outbox.keys(store, [gao.id]) == before
        assert residents.get(store, gao.id) is not None
