"""A broker that has no room for one of the gates: the others hear everything all the same."""

import asyncio
import json
import subprocess
from types import SimpleNamespace

import pytest

from centre.broker import Where, broker_folder, configuration, write_configuration
from centre.broker_service import program
from centre.secrets import broker_keys, first_secrets
from centre.service import Centre
from gate.store.compound import gates, outbox, role
from tests.fleet import free_ports
from tests.soak.fleet import enrolled, joined_without_pairing
from tests.soak.links import light

pytestmark = pytest.mark.whole


def test_a_gate_that_the_broker_has_no_room_for_keeps_no_other_waiting(state, store, caplog):
    port, pairing_port = free_ports(2)
    secrets = first_secrets(state)
    role.become_centre(store)
    at = SimpleNamespace(state=state, port=port)
    joined = [joined_without_pairing(at, store, None, name) for name in ("one", "two")]
    where, keys = Where("127.0.0.1", port, port + 1), broker_keys(secrets)
    write_configuration(state, where, keys, gates.every(store), clustered=False)
    asked = configuration(state, where, keys, gates.every(store), clustered=False)
    assert asked["jetstream"]["limits"] == {"default_max_consumers": -1}
    # The centre finds no broker to have read its configuration anew.
    asked["jetstream"]["limits"]["default_max_consumers"] = 3
    del asked["pid_file"]
    narrow = broker_folder(state) / "narrow.conf"
    narrow.write_text(json.dumps(asked))
    broker = subprocess.Popen([program(), "--config", narrow], stderr=subprocess.DEVNULL)
    try:
        person = enrolled(store, "Wang Fang")
        centre = Centre(state, store, secrets, where, pairing_port)
        asyncio.run(asyncio.wait_for(until_all_else_is_published(centre, joined, store, caplog), 30))
        assert outbox.count_published(store) == 2, person
    finally:
        broker.kill()
        broker.wait(10)
    assert all("maximum consumers" in one for one in said_of_room(caplog))


def said_of_room(caplog):
    return [one.message for one in caplog.records if "no place in the register" in one.message]


async def until_all_else_is_published(centre, joined, store, caplog):
    running = [asyncio.create_task(one) for one in (centre.run(), light(joined, telling=False))]

    async def until(holds):
        while not holds():
            await asyncio.sleep(0.05)
            assert not any(one.done() for one in running)

    await until(lambda: said_of_room(caplog))
    enrolled(store, "Li Na")
    await until(lambda: not outbox.are_due(store))
    for one in running:
        one.cancel()
    await asyncio.wait(running, timeout=5)
