"""What a broker is told, without one."""

import json
import subprocess
import sys
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from centre import secrets
from centre.broker import (
    Change,
    Where,
    broker_folder,
    configuration,
    configuration_file,
    forget_other_stores,
    is_clustered,
    write_configuration,
)
from centre.cluster import pin_of
from gate.errors import UsageError
from gate.store.compound import role
from gate.store.compound.gates import Gate
from gate.store.database import open_database
from tests.conftest import REPOSITORY

AT = "2026-11-27T08:00:00+00:00"
PLAIN = Gate("s", "south", "US", b"b" * 32, b"s" * 32, AT)


@pytest.fixture
def centre(tmp_path):
    return secrets.broker_keys(secrets.first_secrets(tmp_path))


def with_broker(state, gate, host):
    """A gate that was handed over a broker, and what it was given."""
    given = secrets.hand_over_broker(state, f"{host}:7422").broker
    pin = pin_of(given.route_certificate)
    return Gate(gate, gate, "U" + gate, b"b" * 32, b"s" * 32, AT, broker_at=f"{host}:7422", broker_pin=pin), given


def test_one_broker_alone_is_told_of_no_cluster(tmp_path, centre):
    where = Where.of({"listen": "::1", "port": 7422, "pairing_port": 7423})
    told = configuration(tmp_path, where, centre, [PLAIN], clustered=False)
    assert "cluster" not in told
    assert (told["listen"], where.cluster_port) == ("[::1]:7422", 7424)
    assert told["jetstream"]["store_dir"].endswith("/store")


def test_each_of_three_is_told_where_the_others_are_and_takes_them_alone(tmp_path, centre):
    (north, _), (east, given) = with_broker(tmp_path, "n", "10.0.0.3"), with_broker(tmp_path, "e", "10.0.0.4")
    gates, where = [PLAIN, north, east], Where("10.0.0.2", 7422, 7424)
    told = configuration(tmp_path, where, centre, gates, clustered=True)
    assert told["cluster"]["routes"] == ["nats-route://10.0.0.3:7424", "nats-route://10.0.0.4:7424"]
    pins = told["cluster"]["tls"]["pinned_certs"]
    assert sorted(pins) == sorted([pin_of(centre.route_certificate), north.broker_pin, east.broker_pin])
    assert len(set(pins)) == 3
    there = replace(given, gate="e", centre_at="10.0.0.2")
    other = configuration(tmp_path, Where("10.0.0.4", 7422, 7424), there, gates, clustered=True)
    assert other["cluster"]["routes"] == ["nats-route://10.0.0.2:7424", "nats-route://10.0.0.3:7424"]
    assert other["cluster"]["tls"]["pinned_certs"] == pins
    assert other["authorization"]["users"] == told["authorization"]["users"]
    assert len({told["server_name"], other["server_name"]}) == 2


def test_a_broker_is_started_anew_for_a_cluster_and_not_for_a_gate(tmp_path, centre):
    where = Where("127.0.0.1", 7422, 7424)
    brokers = [with_broker(tmp_path, "n", "10.0.0.3")[0], with_broker(tmp_path, "e", "10.0.0.4")[0]]
    changes = [
        write_configuration(tmp_path, where, centre, gates, clustered=clustered)
        for gates, clustered in (([], False), ([], False), (brokers, False), (brokers, True), (brokers, False))
    ]
    assert changes == [Change.GATES, Change.NOTHING, Change.GATES, Change.CLUSTER, Change.CLUSTER]
    assert not is_clustered(tmp_path)
    configuration_file(tmp_path).write_text("{")
    assert not is_clustered(tmp_path)


def test_no_machine_with_a_broker_has_what_another_shows_to_the_others(tmp_path, centre):
    (north, has), (east, _) = with_broker(tmp_path, "n", "10.0.0.3"), with_broker(tmp_path, "e", "10.0.0.4")
    told = configuration(tmp_path, Where("10.0.0.2", 7422, 7424), centre, [north, east], clustered=True)
    theirs = [pin for pin in told["cluster"]["tls"]["pinned_certs"] if pin != north.broker_pin]
    assert not {pin_of(has.certificate), pin_of(has.route_certificate)} & set(theirs)
    assert centre.route_key not in (has.key, has.route_key)
    # Whoever leads with the same secrets is known by the same.
    assert secrets.broker_keys(secrets.secrets_of(tmp_path)).centre_pin == has.centre_pin == centre.centre_pin


def test_brokers_that_are_others_keep_nothing_in_common(tmp_path, centre):
    where = Where("127.0.0.1", 7422, 7424)
    north, east, west = (with_broker(tmp_path, name, f"10.0.0.{at}")[0] for at, name in enumerate(("n", "e", "w"), 3))
    kept = []
    for gates, clustered in (([], False), ([north, east], True), ([east, north], True), ([north, west], True)):
        write_configuration(tmp_path, where, centre, gates, clustered=clustered)
        store = configuration(tmp_path, where, centre, gates, clustered=clustered)["jetstream"]["store_dir"]
        Path(store).mkdir(exist_ok=True)
        forget_other_stores(tmp_path)
        assert [str(one) for one in broker_folder(tmp_path).iterdir() if one.is_dir()] == [store]
        kept.append(store)
    assert kept[1] == kept[2]
    assert len(set(kept)) == 3


def test_a_gate_with_a_broker_restored_from_before_it_joined_is_no_centre(tmp_path):
    first, state = tmp_path / "first", tmp_path / "north"
    secrets.first_secrets(first)
    open_database(state).close()
    secrets.take_over(state, secrets.hand_over_broker(first, "10.0.0.3:7422"))
    told = json.dumps({"state": str(state), "centre": {"listen": "127.0.0.1", "port": 1, "pairing_port": 1}})
    done = subprocess.run(
        [sys.executable, "-m", "centre.service"], input=f"{told}\n", cwd=REPOSITORY, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "restored from a time before it joined" in done.stderr) == (2, True)
    with closing(open_database(state)) as store:
        assert role.part(store) is role.Part.ALONE
    assert not secrets.has_secrets(state)


def test_what_is_handed_over_for_a_broker_signs_nothing_and_what_makes_no_sense_is_refused(tmp_path, centre):
    given = secrets.hand_over_broker(tmp_path, "10.0.0.3:7422")
    ours = secrets.secrets_of(tmp_path)
    assert secrets.handed_over(given.data) == given
    said = given.data.decode()
    signs = [b64encode(one).decode() for one in (ours.signer_seed, ours.box_seed)]
    assert all(one not in said for one in (ours.nkey_seed, *signs))
    assert signs[0] in secrets.hand_over(tmp_path, "10.0.0.3:7422").data.decode()
    for wrong in (b"", b"{}", b'{"place": "10.0.0.3:7422"}'):
        with pytest.raises(UsageError, match="Upgrade both"):
            secrets.handed_over(wrong)
