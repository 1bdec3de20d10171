"""What is tried against a compound by a broker that was taken over, a gate that was stolen, and whoever stands between
at the pairing; what a gate does with a wrong key, an old register, another that has its name; and a broker that forgets
or is full. Each line of the table says what was tried and what came of it; docs/many-gates.md has the table."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import nats
import pytest

from centre.secrets import secrets_of
from gate.fleet import keys, messages
from gate.fleet.connection import trusting
from gate.fleet.joined import read_joined, write_joined
from gate.fleet.messages import Head, Request, Told
from gate.fleet.names import HEAD, REGISTER, GateNames
from gate.fleet.pairing import Welcome
from gate.processes.fields import written
from gate.store.compound import outbox
from gate.store.compound.entries import RegisterKind, ResidentEntry, RevocationEntry, Version
from gate.store.database import database_of
from gate.store.people import changes, erasure, residents
from gate.vocabulary import Method
from tests.centre.test_many_gates import is_here, let_in
from tests.fleet import Process, centre_running, command, join, refused
from tests.gate.fleet.test_connection import served
from tests.running import stays, wait_for
from tests.soak.fleet import Disk, empty, enrolled

pytestmark = pytest.mark.soak

PATIENT_S = 60


@pytest.fixture(scope="module")
def place():
    with TemporaryDirectory(prefix="fg-") as folder:
        (Path(folder) / "logs").mkdir()
        yield Path(folder)


@pytest.fixture(scope="module")
def disk(place):
    """A small disk for the broker's store, which can be full."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk of its own")
    made = Disk(place, place / "c/centre/broker/store")
    yield made
    made.unmount()


@pytest.fixture(scope="module")
def centre(place, disk):
    with centre_running(place / "c", place / "logs") as running:
        yield running


@pytest.fixture(scope="module")
def two(centre, place):
    return [join(centre, place / name, name, freshness_s=5) for name in ("north", "east")]


@pytest.fixture
def gates(centre, two):
    for process in (centre.broker, centre.process, *(gate.link for gate in two)):
        if process.running is None:
            process.start()
    centre.whole_at(two, within_s=PATIENT_S)
    return two


@contextmanager
def as_user(joined_or_secrets, port, certificate, inbox="_INBOX_any"):
    """`do(work)`: an asynchronous work on a line to the broker, by somebody's key."""

    def do(work):
        async def connected():
            failed = []

            async def told(error):
                failed.append(str(error))

            broker = await nats.connect(
                f"tls://127.0.0.1:{port}", tls=trusting(certificate), nkeys_seed_str=joined_or_secrets.nkey_seed,
                inbox_prefix=inbox, error_cb=told, max_reconnect_attempts=0, allow_reconnect=False,
            )  # fmt: skip
            try:
                return await work(broker)
            finally:
                with suppress(Exception):
                    await broker.close()

        return asyncio.run(connected())

    yield do


@pytest.fixture
def broker(centre):
    """Whoever took the broker over: it may say anything to anybody there, and has no key of the centre's."""
    mine = secrets_of(centre.state)
    with as_user(mine, centre.port, mine.certificate) as do:
        yield do


def say(what, came):
    print(f"\n  | {what} | {came} |", end="")


def names_at(gate):
    with gate.store() as store:
        return {one.id: one.name for one in residents.every(store)}


def resident(identity, name):
    return ResidentEntry(identity, name, None, "2026-01-01", False, None, None, None, None, None, (), (), ())


def test_what_a_broker_that_was_taken_over_says_is_not_believed(centre, gates, broker):
    stranger = keys.signer(keys.new_seed())
    with centre.store() as store:
        wang, li, zhao = (enrolled(store, name, number) for number, name in enumerate(("Wang", "Li", "Zhao")))
    centre.whole_at(gates)

    async def kept(line, who):
        found = await line.jetstream().get_last_msg(REGISTER, f"register.resident.{who.id}")
        return found.data

    old, of_li, of_zhao = (broker(lambda line, who=who: kept(line, who)) for who in (wang, li, zhao))
    with centre.store() as store:
        changes.change(store, wang, changes.Changes(name="Wang the elder"), by="test")
        erasure.remove(store, zhao, by="test")
    centre.whole_at(gates)
    before = names_at(gates[0])
    forged = messages.sealed(RegisterKind.RESIDENT, Version(9, 9), resident("x1", "X"), b"k" * 32, b"n" * 12, stranger)
    lifted = messages.sealed(RegisterKind.REVOCATION, Version(9, 9), RevocationEntry(li.id), None, b"", stranger)
    altered = bytearray(of_li)
    altered[len(altered) // 2] ^= 1
    tried = {
        "somebody made up, signed by another key": ("register.resident.x1", forged),
        "a revocation signed by another key": (f"register.revocation.{li.id}", lifted),
        "a message of before, replayed": (f"register.resident.{wang.id}", old),
        "the message of whoever was erased, replayed": (f"register.resident.{zhao.id}", of_zhao),
        "somebody's message in another's place": (f"register.resident.{wang.id}", of_li),
        "one bit altered": (f"register.resident.{li.id}", bytes(altered)),
        "a kind that nobody knows": ("register.elevator.e1", b"{}"),
        "nothing": ("register.resident.x2", b""),
        "half of a message": ("register.resident.x3", of_li[: len(of_li) // 2]),
        "a megabyte of nothing": ("register.resident.x4", bytes((1 << 20) - 4096)),
    }

    async def published(line):
        for subject, data in tried.values():
            await line.jetstream().publish(subject, data)

    async def read_by(line, gate):
        names = GateNames(gate.identity)
        waits = [await line.jetstream().consumer_info(REGISTER, one) for one in names.consumers]
        return sum(one.num_pending + one.num_ack_pending for one in waits)

    broker(published)
    for gate in gates:
        wait_for(lambda gate=gate: broker(lambda line: read_by(line, gate)) == 0, PATIENT_S, "it is not read")
        assert names_at(gate) == before
        assert not let_in(gate, zhao.id, Method.FACE)
        wait_for(lambda gate=gate: "is not the centre's" in (gate.status().problem or ""), 30, gate.status)
    for what in tried:
        say(what, "passed over")
    say("the gate after that", f"says: {gates[0].status().problem}")
    with centre.store() as store:
        enrolled(store, "Chen")
        began = time.monotonic()
    centre.whole_at(gates, within_s=PATIENT_S)
    say("somebody is enrolled after that", f"at both gates after {time.monotonic() - began:.1f} s, as a later epoch")


def test_heads_that_are_forged_or_said_again_and_keys_that_are_false_change_nothing(centre, gates, broker):
    stranger = keys.signer(keys.new_seed())
    with centre.store() as store:
        (epoch,) = store.execute("SELECT epoch FROM compound").fetchone()

    async def said(line):
        heard = asyncio.Queue()

        async def hear(one):
            await heard.put(one.data)

        await line.subscribe(HEAD, cb=hear)
        first = await asyncio.wait_for(heard.get(), 30)
        await line.publish(HEAD, messages.HEAD.data(Head(99, 1, None), stranger))
        for _ in range(3):
            await line.publish(HEAD, first)
        await asyncio.wait_for(heard.get(), 30)
        second = await asyncio.wait_for(heard.get(), 30)
        await line.publish(HEAD, second)
        await line.flush()

    broker(said)
    for gate in gates:
        with gate.store() as store:
            assert store.execute("SELECT epoch FROM compound").fetchone() == (epoch,)
        # An epoch may have begun just before, by what somebody else put there.
        wait_for(lambda gate=gate: not gate.status().behind, PATIENT_S, gate.status)
    say("a head of epoch 99 signed by another key; heads of before said again", "passed over")

    async def false_keys(line):
        """It answers before the centre does, with keys of its own, sealed to nobody."""

        async def answer(asked):
            await asked.respond(b"x" * 80)

        for gate in gates:
            await line.subscribe(f"keys.{gate.identity}", cb=answer)
        await line.flush()
        with centre.store() as store:
            who = enrolled(store, "Zhou")
        for _ in range(200):
            if all(is_here(gate, who) for gate in gates):
                return True
            await asyncio.sleep(0.1)
        return False

    came = broker(false_keys)
    centre.whole_at(gates, within_s=PATIENT_S)
    say("false answers to who asks for keys", "came all the same" if came else "came once it answered no more")


def test_what_is_said_in_a_gates_name_is_not_done(centre, gates, broker):
    north, east = gates
    stranger = keys.signer(keys.new_seed())
    with centre.store() as store:
        wang = enrolled(store, "Wang")
    centre.whole_at(gates)
    mine = read_joined(north.state)
    asked = Request(north.identity, 1, wang.id)
    other = keys.signer(mine.signer_seed)

    async def said(line):
        stream = line.jetstream()
        await stream.publish(f"requests.{north.identity}", messages.REQUEST.data(asked, stranger))
        # By a gate's own key in the name of another.
        await stream.publish(f"requests.{east.identity}", messages.REQUEST.data(asked, other))
        await stream.publish(f"requests.{north.identity}", messages.REQUEST.data(replace(asked, gate="x"), other))
        await stream.publish(f"requests.{north.identity}", messages.REQUEST.data(replace(asked, id="*"), other))
        for data in (b"", b"{}", bytes(4096)):
            await stream.publish(f"requests.{north.identity}", data)
            await line.publish(f"record.{north.identity}", data)
            await line.publish(f"keys.{north.identity}", data)
            await line.publish(f"reports.{north.identity}", data)
        await line.publish(f"record.{north.identity}", messages.TOLD.data(Told(), mine.box, stranger))
        await line.publish(f"keys.{north.identity}", json.dumps([1, None, {}, "x" * 10**5]).encode())
        await line.flush()

    broker(said)
    centre.whole_at(gates)
    with centre.store() as store:
        assert residents.get(store, wang.id) is not None
        enrolled(store, "Li")
    centre.whole_at(gates)
    say("requests, lines, reports in a gate's name, by another key, for another gate, of nonsense", "not done")


def test_a_stolen_gates_key_reads_what_it_read_and_is_cut_off(centre, gates, place):
    thief = join(centre, place / "stolen", "stolen", freshness_s=5)
    centre.whole_at([*gates, thief], within_s=PATIENT_S)
    mine = read_joined(thief.state)
    names = GateNames(mine.gate)

    async def takes_all(line):
        """It reads in the place of the gate, and acknowledges."""
        subscription = await line.jetstream().pull_subscribe_bind(consumer=names.people, stream=REGISTER)
        with centre.store() as store:
            for number in range(20):
                enrolled(store, f"Resident {number}", number)
        took = 0
        for _ in range(10):
            with suppress(TimeoutError):
                for one in await subscription.fetch(20, timeout=1):
                    await one.ack()
                    took += 1
        return took

    with as_user(mine, mine.port, mine.certificate, names.inbox) as do:
        took = do(takes_all)
        began = time.monotonic()
        centre.whole_at([*gates, thief], within_s=120)
        say(
            f"a copy of the gate's key takes {took} of 20 messages away from the gate",
            f"the gate has all {time.monotonic() - began:.0f} s after the thief is gone",
        )
        with centre.store() as store:
            wang = enrolled(store, "Wang")
        centre.whole_at(gates)

        async def until_cut_off(line):
            began = time.monotonic()
            command("centre", "remove", mine.gate, "--yes", "--state", centre.state)
            while line.is_connected:
                await asyncio.sleep(0.02)
            return time.monotonic() - began

        cut = do(until_cut_off)
        with pytest.raises(Exception, match="(?i)authorization"):
            do(until_cut_off)
    say("the gate is taken away at the centre", f"cut off {cut:.1f} s later, and not let in again")
    with centre.store() as store:
        li = enrolled(store, "Li")
    centre.whole_at(gates)
    assert not is_here(thief, li)
    say("somebody is enrolled after that", "not at the stolen gate")
    with thief.store() as store:
        if residents.get(store, wang.id) is not None:
            erasure.remove(store, residents.get(store, wang.id), by="the thief")
    stays(lambda: is_here(gates[0], wang), 2, "the thief revoked somebody")
    say("it revokes somebody after that", "nobody is")
    for process in (thief.link, thief.opener):
        process.end()


@contextmanager
def in_between(place, port, own):
    """Somebody who speaks TLS to both sides with a certificate of their own; `own(line)` gives what to answer the gate
    without asking the centre, or None to pass all on."""
    now = datetime.now(UTC)
    _, serves = served(place, now - timedelta(days=1), now + timedelta(days=1))
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        with suppress(OSError), listening.accept()[0] as plain, serves.wrap_socket(plain, server_side=True) as gate:
            believes = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            believes.check_hostname, believes.verify_mode = False, ssl.CERT_NONE
            with believes.wrap_socket(socket.create_connection(("127.0.0.1", port))) as there:
                reads, answers = gate.makefile("rb"), there.makefile("rb")
                for line in reads:
                    answer = own(line)
                    if answer is None:
                        there.sendall(line)
                        answer = answers.readline()
                    gate.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        thread.join(10)


def test_whoever_stands_between_at_the_pairing_gets_nothing(centre, gates, place):
    mine = keys.new_seed()

    def passes_on(_):
        return None

    def answers_itself(line):
        if "proof" not in json.loads(line):
            return None
        welcome = Welcome(1, keys.signer_public(mine), keys.box_public(mine), b"s" * 16, b"w" * 48, b"p" * 32)
        return json.dumps(written(welcome)).encode() + b"\n"

    code = command("centre", "invite", "--state", centre.state)["code"]
    pairing_port = centre.centre["pairing_port"]
    for number, (what, own) in enumerate({"passes all on": passes_on, "answers itself": answers_itself}.items()):
        new = place / f"new{number}"
        with in_between(place, pairing_port, own) as port:
            why = refused("join", "127.0.0.1", code, "--port", port, "--state", new, "--yes")
        assert read_joined(new) is None
        say(f"whoever stands between at the pairing {what}", f"nothing is joined: {why}")
    with centre.store() as store:
        assert store.execute("SELECT count(*) FROM gates WHERE removed_at IS NULL").fetchone() == (2,)
    command("join", "127.0.0.1", code, "--port", pairing_port, "--state", place / "new2", "--yes")
    command("centre", "remove", read_joined(place / "new2").gate, "--yes", "--state", centre.state)
    say("the same code, straight at the centre, after that", "joins")


def test_a_gate_with_anothers_key_gets_nothing_and_says_that_it_is_behind(centre, gates):
    north, east = gates
    mine = read_joined(north.state)
    north.link.end()
    try:
        write_joined(north.state, replace(mine, nkey_seed=read_joined(east.state).nkey_seed))
        north.link.start()
        with centre.store() as store:
            wang = enrolled(store, "Wang")
        centre.whole_at([east])
        wait_for(lambda: north.status().behind, PATIENT_S, north.status)
        assert not is_here(north, wang)
        assert let_in(east, wang.id, Method.FACE)
    finally:
        north.link.end()
        write_joined(north.state, mine)
        north.link.start()
    say("a gate with another's key at the broker", "gets nothing, and says that it is behind; the other goes on")
    centre.whole_at(gates, within_s=PATIENT_S)


def test_two_machines_with_one_gates_state_are_told(centre, gates, place):
    north = gates[0]
    north.link.end()
    shutil.copytree(north.state, place / "twin", ignore=shutil.ignore_patterns("run", "*.sock", "notify*"))
    twin = Process(place / "twin", "link", {}, place / "logs")
    north.link.start()
    try:
        # Each has lines of its own from here on.
        assert not let_in(north, "nobody", Method.FACE)
        with centre.store() as store:
            for number in range(10):
                enrolled(store, f"Twin {number}", number)

        def problem():
            found = command("centre", "gates", "--state", centre.state)["gates"]
            (one,) = [one for one in found if one["id"] == north.identity]
            return one["problem"]

        said = wait_for(lambda: time.sleep(0.2) or problem(), 90, "nobody says so")
    finally:
        twin.end()
    say("a copy of a gate's whole state runs beside it", f"told at the centre: {said}")
    centre.whole_at(gates, within_s=PATIENT_S)


def test_a_broker_that_forgets_one_message_is_found_out_by_the_next_gate(centre, gates, place, broker):
    with centre.store() as store:
        wang = enrolled(store, "Wang")
    centre.whole_at(gates)

    async def forget(line):
        found = await line.jetstream().get_last_msg(REGISTER, f"register.resident.{wang.id}")
        await line.jetstream().delete_msg(REGISTER, found.seq)

    broker(forget)
    new = join(centre, place / "forgot", "forgot", freshness_s=5)
    try:
        began = time.monotonic()
        wait_for(lambda: (status := new.status()) is not None and status.behind, PATIENT_S, "it does not say so")
        told = time.monotonic() - began
        with suppress(AssertionError):
            centre.whole_at([*gates, new], within_s=60)
        healed = is_here(new, wang)
        say(
            "the broker forgets one message; a new gate joins",
            f"that gate says that it is behind after {told:.0f} s; "
            + (f"whole after {time.monotonic() - began:.0f} s" if healed else "not mended"),
        )
        assert healed
    finally:
        for process in (new.link, new.opener):
            process.end()
        command("centre", "remove", new.identity, "--yes", "--state", centre.state)


def test_a_broker_whose_disk_is_full_takes_nothing_and_goes_on_when_there_is_room(centre, gates):
    with centre.store() as store:
        wang = enrolled(store, "Wang")
    centre.whole_at(gates)
    store_folder = centre.state / "centre/broker/store"
    filling = store_folder / "filling"
    with filling.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(os.urandom(size))
    with centre.store() as store:
        people = [enrolled(store, f"Full {number}", number) for number in range(400)]
        wait_for(lambda: outbox.are_due(store), 5)
        stays(lambda: outbox.are_due(store), 10, "it was published on a full disk")
    assert all(let_in(gate, wang.id, Method.FACE) for gate in gates)
    filling.unlink()
    began = time.monotonic()
    # The broker takes nothing more after that; the centre ends it, and whoever started it does so anew.
    wait_for(lambda: time.sleep(0.1) or centre.broker.running.poll() is not None, 120, "the broker is not ended")
    centre.broker.end()
    centre.broker.start()
    centre.whole_at(gates, within_s=120)
    assert all(is_here(gate, people[-1]) for gate in gates)
    say(
        "the broker's disk is full",
        f"doors go on; the broker started anew and all whole {time.monotonic() - began:.0f} s after there was room",
    )


def epoch_of(centre):
    with centre.store() as store:
        return store.execute("SELECT epoch FROM compound").fetchone()[0]


def test_a_centre_put_back_whose_broker_lost_its_store_too_takes_nobody_back(centre, gates, place):
    centre.process.end()
    copy = place / "copy.db"
    early = epoch_of(centre)
    with centre.store() as store:
        store.execute("VACUUM INTO ?", (str(copy),))
    centre.process.start()
    with centre.store() as store:
        li = enrolled(store, "Li")
    centre.whole_at(gates)
    for further in (1, 2):
        centre.broker.end(kill=True)
        empty(centre.state / "centre/broker/store")
        centre.broker.start()
        wait_for(lambda later=early + further: epoch_of(centre) == later, PATIENT_S, "no later epoch")
        centre.whole_at(gates, within_s=PATIENT_S)
    centre.process.end()
    centre.broker.end()
    empty(centre.state / "centre/broker/store")
    database = database_of(centre.state)
    for one in database.parent.glob(f"{database.name}*"):
        one.unlink()
    shutil.copy(copy, database)
    centre.broker.start()
    centre.process.start()
    # Heads of an earlier epoch are what somebody says again, for as long as the link remembers a later one.
    wait_for(lambda: gates[0].status().cut_off, PATIENT_S, "it does not say that it hears nobody")
    gates[0].link.end()
    gates[0].link.start()
    wait_for(lambda: "older epoch" in (gates[0].status().problem or ""), PATIENT_S, "it does not say why")
    assert all(let_in(gate, li.id, Method.FACE) for gate in gates)
    said = gates[0].status().problem
    say("the centre is put back from an old copy, and the broker's store lost", f"cut off, then: {said}")
