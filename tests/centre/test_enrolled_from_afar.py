"""Somebody is enrolled at the centre's console at another gate's camera: a real broker, a real link, the gate's own
console in its process, and pictures in the place of its camera."""

import asyncio
import re
import time
from contextlib import ExitStack, suppress

import nats
import pytest

from api.app import create_app
from centre.secrets import secrets_of
from gate.fleet import keys, messages
from gate.fleet.cameras import Asks, Question
from gate.fleet.centre_status import read_status
from gate.fleet.connection import trusting
from gate.fleet.joined import read_joined
from gate.fleet.names import GateNames
from gate.processes.asking import door_status
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import PASSWORD, context_on, signed_in
from tests.door import claim, until
from tests.fleet import join
from tests.running import wait_for
from tests.sitting import Leader, camera_of, standing

pytestmark = pytest.mark.whole

# Beside other tests a gate with its console has a few seconds of a core.
WITHIN_S = 120
CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}
FILM = {"camera": {"source": "film.mp4"}}


@pytest.fixture(scope="module")
def gates(centre, place, models_dir):
    """North and East with consoles, North with a camera besides."""
    north, east = (join(centre, place / name, name.title(), freshness_s=5) for name in ("north", "east"))
    with ExitStack() as stack:
        north.api, east.api = north.start_api(stack, models_dir, **FILM), east.start_api(stack)
        wait_for(lambda: None not in (camera_said(centre, north), camera_said(centre, east)), WITHIN_S)
        yield north, east


def camera_said(centre, gate):
    """Whether a gate says that it has a camera; None: it has not said it yet."""
    status = read_status(centre.state)
    found = status and status.gates.get(gate.identity)
    return found.state.camera if found and found.state else None


@pytest.fixture
def camera(gates):
    with camera_of(gates[0].state) as show:
        yield show


@pytest.fixture(scope="module")
def app(centre, models_dir):
    made = create_app(context_on(centre.state, models_dir, settings=CENTRE))
    with centre.store() as store:
        hashed = made.state.context.passwords.hashed(PASSWORD)
        accounts.add_owner(store, "owner", hashed)
        accounts.add_user(store, "manager", hashed, Role.MANAGER, "test")
    return made


@pytest.fixture(scope="module")
def manager(app):
    return signed_in(app, "manager")


@pytest.fixture
def leader(manager, gates):
    one = Leader(manager, gates[0].identity)
    yield one
    one.ask("/cancelled")


def begin(leader):
    """Begin; whoever began before is left alone for a while first."""
    wait_for(lambda: "key" in leader.begin(), WITHIN_S, "it cannot be begun")


def look_until(leader, wanted):
    """Look until what is said is as wanted; on a busy machine it may be over before, and is begun anew."""

    def looked():
        said = leader.look()
        if "problem" in said:
            leader.photos, leader.have = [], 0
            begin(leader)
            return None
        return said if wanted(said) else None

    return wait_for(looked, WITHIN_S, "it does not come to that")


def seen(leader):
    """Look until there is a picture."""
    return look_until(leader, lambda said: said["jpeg"])


def looks_in(one):
    with one.store() as store:
        return [line.details for line in audit.lines(store) if line.kind == "looked_at"]


def people_of(one):
    with one.store() as store:
        return {resident.name: resident for resident in residents.every(store)}


def let_in(gate, who, number):
    until(gate.door, at_rest=True)
    return gate.door.ask(claim(who, number))["granted"]


def test_who_stands_at_another_gate_is_enrolled_at_the_centre_and_let_in_everywhere(
    leader, camera, centre, gates, photos, manager
):
    north, _ = gates
    page = manager.get("/enrol").text
    # East has no camera: there is nothing to choose.
    assert f'id="place" value="{north.identity}"' in page
    assert "At which gate" not in page
    camera(standing(photos, "obama2.jpg"))
    begin(leader)
    assert 0 <= seen(leader)["age"] < WITHIN_S
    said = look_until(leader, lambda said: "photos are missing (2 of 3)" in said["words"])
    assert (said["over"], len(leader.photos), leader.photos[0]["warning"]) == (True, 1, "")
    typed = {"name": "Wang Fang", "unit": "3-1204", "way": "told", "agreed": "1", "seen": "1"}
    taken = {"gate": north.identity, "gate_key": leader.key, "gate_photo": str(leader.photos[0]["number"])}
    assert "Wang Fang is enrolled." in manager.send("/enrol", data=typed | taken).text
    fang = people_of(centre)["Wang Fang"]
    assert fang.templates == 1
    centre.whole_at(gates)
    assert [people_of(gate)["Wang Fang"].templates for gate in gates] == [1, 1]
    assert [let_in(gate, fang.id, number) for number, gate in enumerate(gates)] == [True, True]
    # At the gate and at the centre it is on record who looked.
    with centre.store() as store:
        (who,) = (one.id for one in accounts.users(store) if one.name == "manager")
    assert {"what": "the camera", "by": f"user {who} at the centre"} in looks_in(north)
    assert {"what": "the camera", "by": f"user {who}", "gates": "North"} in looks_in(centre)
    # And of the same face it is said whose it is.
    again = Leader(manager, north.identity)
    camera(standing(photos, "obama2.jpg"))
    begin(again)
    look_until(again, lambda _: again.photos)
    assert again.photos[0]["warning"] == "This is the face of Wang Fang, 3-1204."
    again.ask("/cancelled")


def test_a_gate_that_is_gone_in_the_middle_is_said_and_it_goes_on_or_is_over(leader, camera, gates, photos):
    north, _ = gates
    camera(standing(photos, "obama2.jpg"))
    begin(leader)
    assert seen(leader)
    north.link.end(kill=True)
    try:
        said = leader.look()
        assert said["words"] == "North does not answer. It is asked again; nothing is taken meanwhile."
        assert (said["jpeg"], said["over"], said["photos"]) == (None, False, [])
    finally:
        north.link.start()

    def answered():
        found = leader.look()
        return found.get("problem") or (found["jpeg"] and found["words"])

    # Nobody there had been asked for longer than it lasts, or it goes on.
    assert wait_for(answered, WITHIN_S)


def test_a_gate_whose_console_does_not_run_answers_nothing(manager, gates):
    north, _ = gates
    leader = Leader(manager, north.identity)
    north.api.end()
    try:
        assert leader.begin() == {"problem": "North does not answer. It is asked again; nothing is taken meanwhile."}
    finally:
        north.api.start()


async def line_of(centre, heard):
    """A broker that was taken over: whoever has the centre's own key to it reads and says what it likes there."""
    said = secrets_of(centre.state)
    broker = await nats.connect(
        f"tls://127.0.0.1:{centre.port}", tls=trusting(said.certificate), nkeys_seed_str=said.nkey_seed,
        inbox_prefix="_INBOX_thief",
    )  # fmt: skip
    await broker.subscribe("cameras.*", cb=heard)
    return broker


def test_what_is_said_again_or_is_not_the_centres_is_not_answered_and_no_picture_is_read_on_the_way(
    leader, camera, centre, gates, photos
):
    camera(standing(photos, "obama2.jpg"))
    secrets, joined = secrets_of(centre.state), {gate.name: read_joined(gate.state) for gate in gates}

    async def tried():
        caught, answers = [], []

        async def hear(message):
            caught.append(message)

        async def heard(message):
            answers.append(message.data)

        broker = await line_of(centre, hear)
        await broker.subscribe("_INBOX_centre.>", cb=heard)
        await broker.flush()
        await asyncio.to_thread(begin, leader)
        assert await asyncio.to_thread(seen, leader)
        await broker.flush()
        # One question to begin at least, and one to look.
        assert min(len(caught), len(answers)) >= 2
        # Sealed: neither who asks nor a picture is read by the broker.
        assert not any(
            mark in data for data in (*answers, *(one.data for one in caught)) for mark in (b"user", b"JFIF")
        )
        looking = messages.Looking(joined["North"].gate, 1 << 60, b"n" * 16, Question(Asks.BEGIN, "user 1", "Thief"))
        box, signer = keys.box_public(joined["North"].box_seed), keys.signer(secrets.signer_seed)
        other = keys.signer(joined["East"].signer_seed)
        tries = {
            "again": (GateNames(joined["North"].gate).camera, caught[-1].data),
            "at another gate": (GateNames(joined["East"].gate).camera, caught[-1].data),
            "another's signature": (
                GateNames(joined["North"].gate).camera, messages.LOOKING.data(looking, box, other)
            ),
            "of long ago": (
                GateNames(joined["North"].gate).camera,
                messages.LOOKING.data(messages.Looking(looking.gate, 1, b"o" * 16, looking.question), box, signer),
            ),
            "too long": (GateNames(joined["North"].gate).camera, b"x" * 100_000),
            "nothing": (GateNames(joined["North"].gate).camera, b""),
        }  # fmt: skip
        answered = {}
        for name, (subject, data) in tries.items():
            with suppress(TimeoutError):
                answered[name] = await broker.request(subject, data, timeout=1.5)
        # The centre's own goes on meanwhile.
        assert await asyncio.to_thread(seen, leader)
        await broker.close()
        return answered

    assert asyncio.run(tried()) == {}


def test_an_answer_in_a_gates_name_is_not_believed(leader, camera, centre, gates, photos):
    camera(standing(photos, "obama2.jpg"))
    begin(leader)
    before = asyncio.run(answers_of(leader, centre))
    assert len(before) > 1000

    async def tried():
        async def lie(message):
            # Sooner than the gate: its own answer of a moment ago, to another question.
            await message.respond(before)

        broker = await line_of(centre, lie)
        await broker.flush()
        said = [await asyncio.to_thread(leader.look) for _ in range(8)]
        await broker.close()
        return said

    said = asyncio.run(tried())
    # Whichever came first, what was seen before is not shown again.
    assert any(one.get("words", "").startswith("North does not answer") for one in said)


async def answers_of(leader, centre):
    """What the gate answers to one look, as the broker has it."""
    caught = []

    async def hear(_):
        return

    async def heard(message):
        caught.append(message.data)

    broker = await line_of(centre, hear)
    await broker.subscribe("_INBOX_centre.>", cb=heard)
    await broker.flush()
    await asyncio.to_thread(seen, leader)
    await broker.flush()
    await broker.close()
    return caught[-1]


def test_a_gate_may_neither_ask_of_a_camera_nor_hear_what_another_is_asked(centre, gates):
    north, east = (read_joined(gate.state) for gate in gates)

    async def tried():
        refused, done = [], asyncio.Event()

        async def failed(error):
            refused.append(str(error).lower())
            if len(refused) >= 4:
                done.set()

        broker = await nats.connect(
            f"tls://127.0.0.1:{north.port}", tls=trusting(north.certificate), nkeys_seed_str=north.nkey_seed,
            inbox_prefix=GateNames(north.gate).inbox, error_cb=failed,
        )  # fmt: skip
        await broker.subscribe(GateNames(east.gate).camera)
        await broker.subscribe("cameras.*")
        await broker.publish(GateNames(east.gate).camera, b"x")
        # Nor may it answer what it was not asked.
        await broker.publish("_INBOX_centre.abc.def", b"x")
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), 20)
        await broker.close()
        return refused

    refused = asyncio.run(tried())
    assert len(refused) == 4, refused
    assert all("permissions violation" in one for one in refused)


def test_no_stream_of_the_broker_has_anything_of_it_and_no_file_either(leader, camera, centre, gates, photos, place):
    camera(standing(photos, "obama2.jpg"))
    begin(leader)
    assert seen(leader)
    north, _ = gates
    assert door_status(north.door) is not None

    async def tried():
        said = secrets_of(centre.state)
        broker = await nats.connect(
            f"tls://127.0.0.1:{centre.port}", tls=trusting(said.certificate), nkeys_seed_str=said.nkey_seed,
            inbox_prefix="_INBOX_look",
        )  # fmt: skip
        streams = await broker.jetstream().streams_info()
        await broker.close()
        return [subject for one in streams for subject in one.config.subjects]

    subjects = asyncio.run(tried())
    assert not [one for one in subjects if one.startswith(("cameras", "_INBOX", ">", "*"))], subjects
    # A picture on a disk would be found by how a JPEG begins.
    began = time.time() - 60
    files = [one for one in place.rglob("*") if one.is_file() and one.stat().st_mtime > began]
    assert files
    assert [
        one for one in files if re.search(rb"\xff\xd8\xff[\xe0\xe1\xdb].{2}JFIF", one.read_bytes(), re.DOTALL)
    ] == []
