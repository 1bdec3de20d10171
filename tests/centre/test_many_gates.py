"""One register, three gates: a real broker, real doors on mock pins, real links, each in a process of its own."""

import asyncio
import re
import shutil
import time
from contextlib import ExitStack, closing, suppress
from itertools import count

import nats
import numpy as np
import pytest

from gate.fleet.connection import trusting
from gate.fleet.joined import read_joined
from gate.fleet.names import GateNames
from gate.processes.asking import present
from gate.store.compound import carried, forgotten, outbox, requests
from gate.store.database import open_read_only, transaction
from gate.store.people import changes, credentials, erasure, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.record import audit
from gate.store.site import schedules
from gate.vocabulary import Method, Presented
from tests.codes import card_of_number, new_pin
from tests.door import claim, events, until
from tests.fleet import command, join, refused
from tests.running import wait_for

pytestmark = pytest.mark.whole

EVERY_GATE = Consent("face-3", "en", "", Way.TOLD, "test")
THIS_GATE = Consent("face-2", "en", "", Way.TOLD, "test")
# Beside other tests; the soak holds a quiet machine to a second.
WITHIN_S = 15.0
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def joined(centre, place):
    return [join(centre, place / name, name, freshness_s=5) for name in ("north", "east", "south")]


def enrolled(store, name, seed=1, consent=EVERY_GATE):
    made = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    face = templates.Template("test", "photo", {"sharpness": 0.8}, (made / np.linalg.norm(made)).tobytes())
    return residents.enrol(store, name, "3-1-502", [face], consent, by="test")


def shown(method, code, reader):
    return Presented(f"p{next(_NUMBERS)}", method, reader, time.monotonic(), code)


def granted(gate, who):
    """How often, by which methods, the record of a gate says that somebody was let in."""
    lines = [line for line in events(gate.state) if line.kind == "granted" and line.personal.get("resident") == who]
    return [line.details["method"] for line in lines]


def let_in(gate, who, method, code=None):
    """Whether a gate lets somebody in who shows this now; waits until the gate is at rest before."""
    until(gate.door, at_rest=True)
    before = len([line for line in events(gate.state) if line.kind in ("granted", "denied")])
    if method is Method.FACE:
        return gate.door.ask(claim(who, next(_NUMBERS)))["granted"]
    for key in code.replace(" ", "") if method is Method.PIN else [code]:
        assert present(gate.door, shown(method, key, method.value)).taken
    asked = lambda: [line for line in events(gate.state) if line.kind in ("granted", "denied")][before:]  # noqa: E731
    (answer,) = wait_for(asked, 5, "the door says nothing")
    return answer.kind == "granted" and answer.personal.get("resident") == who


def is_here(gate, resident):
    with gate.store() as store:
        return residents.get(store, resident.id) is not None


def faces_of(gate, resident):
    with gate.store() as store:
        return [bytes(one) for _, _, one in templates.enrolled_vectors(store, "test", resident.id)]


def revoked_everywhere_after(centre, gates, resident):
    """How long it takes, seconds, until they are at no gate any more."""
    with ExitStack() as stack, centre.store() as store:
        # To look must cost the gates nothing.
        looked = [stack.enter_context(closing(open_read_only(gate.state))) for gate in gates]
        query = "SELECT 1 FROM residents WHERE id = ?"
        erasure.remove(store, resident, by="test")
        began = time.monotonic()
        here = lambda: any(one.execute(query, (resident.id,)).fetchone() for one in looked)  # noqa: E731
        wait_for(lambda: not here(), 60, "somebody is still let in")
        return time.monotonic() - began


def test_one_enrolment_opens_all_gates_and_one_revocation_closes_them_within_a_second(centre, gates):
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang")
        pin = new_pin(store, centre.door, wang)
        card_of_number(store, centre.door, wang, "122,5678")
        face = [bytes(one) for _, _, one in templates.enrolled_vectors(store, "test", wang.id)]
    centre.whole_at(gates)
    for gate in gates:
        assert faces_of(gate, wang) == face
        assert let_in(gate, wang.id, Method.FACE)
        assert let_in(gate, wang.id, Method.PIN, pin.typed)
        assert let_in(gate, wang.id, Method.CARD, "122,5678")
    took = revoked_everywhere_after(centre, gates, wang)
    print(f"\nrevoked at three gates after {took * 1000:.0f} ms")
    assert took < WITHIN_S
    for gate in gates:
        assert not let_in(gate, wang.id, Method.FACE)
        assert not let_in(gate, wang.id, Method.PIN, pin.typed)
        assert not let_in(gate, wang.id, Method.CARD, "122,5678")
    centre.whole_at(gates)


def test_a_gate_that_is_cut_off_goes_on_by_itself_and_catches_up(centre, gates):
    north, *others = gates
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
        li = enrolled(store, "Li Na", 2)
        card_of_number(store, centre.door, wang, "8001")
    centre.whole_at(gates)
    north.link.end(kill=True)
    with centre.store() as store:
        erasure.remove(store, wang, by="test")
        zhao = enrolled(store, "Zhao Min", 3)
        schedules.put(store, "Cleaners", "Mon-Sun 00:00-24:00", "test")
        changes.change(store, li, changes.Changes(schedule="Cleaners", valid_until="2999-01-01"), by="test")
    centre.whole_at(others)
    # What it does not know of yet it cannot do, and what it knows it does.
    assert let_in(north, wang.id, Method.CARD, "8001")
    assert let_in(north, li.id, Method.FACE)
    north.link.start()
    centre.whole_at(gates)
    assert not is_here(north, wang)
    assert let_in(north, zhao.id, Method.FACE)
    with north.store() as store:
        assert (residents.get(store, li.id).schedule, residents.get(store, li.id).valid_until) == (
            "Cleaners", "2999-01-01",
        )  # fmt: skip


def test_a_broker_that_lost_its_store_is_given_the_register_anew_as_a_later_epoch(centre, gates):
    with centre.store() as store:
        wang, li = enrolled(store, "Wang Fang", 1), enrolled(store, "Li Na", 2)
    centre.whole_at(gates)
    with centre.store() as store:
        (before,) = store.execute("SELECT epoch FROM compound").fetchone()
    centre.broker.end(kill=True)
    shutil.rmtree(centre.state / "centre" / "broker" / "store")
    with centre.store() as store:
        erasure.remove(store, wang, by="test")
        zhao = enrolled(store, "Zhao Min", 3)
    assert all(let_in(gate, li.id, Method.FACE) for gate in gates)
    centre.broker.start()
    centre.whole_at(gates, within_s=40)
    for gate in gates:
        with gate.store() as store:
            assert store.execute("SELECT epoch FROM compound").fetchone() == (before + 1,)
            there = {one.id for one in residents.every(store)}
        assert ({li.id, zhao.id} <= there, wang.id in there) == (True, False)


def test_what_a_gate_revokes_while_the_centre_is_away_is_revoked_everywhere_whatever_was_changed_meanwhile(
    centre, gates
):
    north = gates[0]
    with centre.store() as store:
        wang, li = enrolled(store, "Wang Fang", 1), enrolled(store, "Li Na", 2)
        pin = new_pin(store, centre.door, li)
        card_of_number(store, centre.door, li, "4711")
    centre.whole_at(gates)
    centre.process.end()
    centre.broker.end()
    with north.store() as store:
        erasure.remove(store, wang, by="the guard")
        credentials.remove_pin(store, li, by="the guard")
        (card,) = [one for one in credentials.of_resident(store, li.id) if one.method is Method.CARD]
        credentials.suspend_card(store, li, card.id, by="the guard")
    assert not let_in(north, wang.id, Method.FACE)
    # At the centre, which does not know, they get another name and home.
    with centre.store() as store:
        changes.change(store, wang, changes.Changes(name="Wang Fang the elder", unit="3-1-601"), by="test")
    centre.broker.start()
    centre.process.start()
    wait_for(lambda: not any(is_here(gate, wang) for gate in gates), 20, "somebody is still let in")
    centre.whole_at(gates)
    with centre.store() as store:
        assert residents.get(store, wang.id) is None
    for gate in gates:
        assert not let_in(gate, li.id, Method.PIN, pin.typed)
        assert not let_in(gate, li.id, Method.CARD, "4711")
        assert let_in(gate, li.id, Method.FACE)


def test_what_a_gate_revoked_is_not_lost_with_the_brokers_store(centre, gates):
    north = gates[0]
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at(gates)
    centre.process.end()
    with north.store() as store:
        erasure.remove(store, wang, by="the guard")

    def kept():
        files = (centre.state / "centre" / "broker" / "store").rglob("REQ/msgs/*.blk")
        return any(wang.id.encode() in file.read_bytes() for file in files)

    wait_for(kept, 20, "the gate does not ask")
    centre.broker.end(kill=True)
    shutil.rmtree(centre.state / "centre" / "broker" / "store")
    centre.broker.start()
    centre.process.start()
    wait_for(lambda: not any(is_here(gate, wang) for gate in gates), 40, "somebody is still let in")
    centre.whole_at(gates)
    with north.store() as store:
        assert requests.waiting(store) == []


def test_whoever_agreed_to_the_old_text_stays_at_their_gate_until_they_agree(centre, gates):
    with centre.store() as store:
        old = enrolled(store, "Wang Fang", 1, THIS_GATE)
        faceless = residents.enrol(store, "Li Na", "3-1-503", (), by="test")
    centre.whole_at(gates)
    assert all(is_here(gate, faceless) and not is_here(gate, old) for gate in gates)
    with centre.store() as store:
        residents.add_templates(store, residents.get(store, old.id), (), EVERY_GATE, by="test")
    centre.whole_at(gates)
    assert all(len(faces_of(gate, old)) == 1 for gate in gates)


def test_what_happens_at_every_gate_is_in_the_centres_records_once_each_also_after_the_link_was_killed(centre, gates):
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at(gates)
    for gate in gates:
        assert let_in(gate, wang.id, Method.FACE)
    gates[0].link.end(kill=True)
    assert let_in(gates[0], wang.id, Method.FACE)
    gates[0].link.start()

    def told(gate):
        with centre.store() as store, gate.store() as there:
            here, end = carried.held(store, gate.identity), audit.anchor(there)
            lines = carried.last(store, 10_000, gate.identity)
        # They come by their clock, and of two in the same moment the later may have been written first.
        numbers = sorted(one.sequence for one in lines)
        assert len(numbers) == len(set(numbers))
        return here == end and numbers == list(range(numbers[0], end.sequence + 1))

    for gate in gates:
        wait_for(lambda gate=gate: told(gate), 20, "the centre has not all")
    entered = [one for one in command("centre", "events", "--last", "10000", "--state", centre.state)["lines"]
               if one["kind"] == "granted" and one["personal"].get("resident") == wang.id]  # fmt: skip
    assert len(entered) == 4
    assert {one["gate_id"] for one in entered} == {gate.identity for gate in gates}
    with centre.store() as store:
        erasure.remove(store, wang, by="test")
        assert wang.id not in {line.personal.get("resident") for line in carried.last(store, 10_000)}


def test_that_somebody_is_forgotten_is_proved_by_each_gates_own_record_and_told_where_it_is_not(centre, gates):
    north, *others = gates
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at(gates)
    north.link.end()
    with centre.store() as store:
        erasure.remove(store, wang, by="test")

    def proved():
        with centre.store() as store:
            (found,) = [one for one in forgotten.standing(store, 100) if one.id == wang.id]
        return [{one.id for one in some} for some in (found.proved, found.said, found.missing)]

    # Beside them there may be one that only joined.
    ours = {one.identity for one in gates}
    known = lambda: [some & ours for some in proved()]  # noqa: E731
    wait_for(lambda: known() == [{one.identity for one in others}, set(), {north.identity}], 20, proved)
    north.link.start()
    wait_for(lambda: known() == [ours, set(), set()], 20, proved)
    with centre.store() as store:
        lines = {(line.gate_id, line.sequence): line.kind for line in carried.last(store, 10_000)}
        rows = store.execute("SELECT gate_id, sequence FROM forgotten_at WHERE id = ?", (wang.id,)).fetchall()
    assert {lines[row] for row in rows} == {"erased"}
    told = command("centre", "forgotten", "--state", centre.state)["residents"]
    assert {len(one["proved"]) for one in told if one["id"] == wang.id} == {3}


def test_the_broker_erases_the_message_of_whoever_is_erased(centre, gates):
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at(gates)
    messages = re.compile(rb'"id":"%s","version":\d+,"kind":"resident"' % wang.id.encode())

    def kept():
        files = (centre.state / "centre" / "broker" / "store").rglob("*.blk")
        return sum(len(messages.findall(file.read_bytes())) for file in files)

    before = wait_for(kept, 5, "it is not at the broker")
    with centre.store() as store:
        erasure.remove(store, wang, by="test")
    wait_for(lambda: kept() == before - 1, 20, "it is still there")
    with centre.store() as store:
        wait_for(lambda: outbox.erasures(store) == [], 5, "it is not known to be erased")


def test_a_gates_key_at_the_broker_is_good_for_what_is_its_own_alone(centre, gates):
    north, east, _ = (read_joined(gate.state) for gate in gates)
    others = GateNames(east.gate)
    asked = [
        "register.resident.x", "register.revocation.x", "head", others.requests, others.keys, others.record,
        others.report, "$JS.API.STREAM.DELETE.REG", "$JS.API.STREAM.PURGE.REG", "$JS.API.STREAM.INFO.REG",
        f"$JS.API.CONSUMER.MSG.NEXT.REG.{others.people}", f"$JS.API.CONSUMER.CREATE.REG.{others.people}",
        f"$JS.API.CONSUMER.DELETE.REG.{GateNames(north.gate).people}", "$JS.API.STREAM.MSG.GET.REG",
        f"$JS.ACK.REG.{others.people}.1.1.1.1.1",
    ]  # fmt: skip
    heard = ["register.>", "requests.>", "keys.>", "record.>", f"{others.inbox}.>", "_INBOX.>", ">"]

    async def tried():
        refused, answered = [], asyncio.Event()

        async def failed(error):
            refused.append(str(error))
            if len(refused) >= len(asked) + len(heard):
                answered.set()

        broker = await nats.connect(
            f"tls://127.0.0.1:{north.port}", tls=trusting(north.certificate), nkeys_seed_str=north.nkey_seed,
            inbox_prefix=GateNames(north.gate).inbox, error_cb=failed,
        )  # fmt: skip
        for subject in asked:
            await broker.publish(subject, b"{}")
        for subject in heard:
            await broker.subscribe(subject)
        # A refusal may come after the answer to what was asked behind it.
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), 20)
        await broker.close()
        return refused

    refused = "\n".join(asyncio.run(tried())).lower()
    assert [one for one in asked if f'publish to "{one.lower()}"' not in refused] == []
    assert [one for one in heard if f'subscription to "{one.lower()}"' not in refused] == []


def test_a_gate_that_is_taken_away_hears_nothing_more_and_goes_on_with_whom_it_knows(centre, gates, place):
    west = join(centre, place / "west", "west", freshness_s=5)
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at([*gates, west])
    assert west.identity in {one["id"] for one in command("centre", "gates", "--state", centre.state)["gates"]}
    command("centre", "remove", west.identity, "--yes", "--state", centre.state)
    with centre.store() as store:
        li = enrolled(store, "Li Na", 2)
    centre.whole_at(gates)
    assert (is_here(west, wang), is_here(west, li)) == (True, False)
    assert west.identity not in {one["id"] for one in command("centre", "gates", "--state", centre.state)["gates"]}
    west.link.end()
    command("leave", "--yes", "--state", west.state)
    assert let_in(west, wang.id, Method.FACE)


def test_a_wrong_code_and_a_second_use_are_refused(centre, gates, place):
    code = command("centre", "invite", "--state", centre.state)["code"]
    at = ("--port", centre.centre["pairing_port"], "--state", place / "new", "--yes")
    assert "not the code" in refused("join", "127.0.0.1", "ABCD-EFGH-JKLM", *at)
    command("join", "127.0.0.1", code, *at)
    assert "No gate is invited" in refused("join", "127.0.0.1", code, *at)
    for _ in range(5):
        command("centre", "invite", "--state", centre.state)
    for _ in range(5):
        refused("join", "127.0.0.1", "ABCD-EFGH-JKLM", *at)
    assert "No gate is invited" in refused("join", "127.0.0.1", "ABCD-EFGH-JKLM", *at)


@pytest.mark.soak
def test_on_a_quiet_machine_a_revocation_is_everywhere_within_a_second(centre, gates):
    with centre.store() as store:
        first = [enrolled(store, f"Resident {number}", number) for number in range(20)]
    centre.whole_at(gates)
    quiet = sorted(revoked_everywhere_after(centre, gates, one) for one in first[:10])
    with centre.store() as store:
        for _ in range(20):
            with transaction(store):
                for number in range(50):
                    enrolled(store, f"Import {number}", number)
    busy = sorted(revoked_everywhere_after(centre, gates, one) for one in first[10:])
    print(f"\nrevoked at three gates, ms: quiet median {quiet[5] * 1000:.0f}, worst {quiet[-1] * 1000:.0f};"
          f" while 1,000 others are taken median {busy[5] * 1000:.0f}, worst {busy[-1] * 1000:.0f}")  # fmt: skip
    centre.whole_at(gates, within_s=120)
    assert max(*quiet, *busy) < 1.0
