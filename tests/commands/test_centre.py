"""`facegate centre run` beside `facegate run` of a gate that joined it, as somebody starts them by hand."""

import signal
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from gate.store.database import open_database
from gate.store.people import residents
from tests.conftest import command_environment
from tests.fleet import free_ports
from tests.running import wait_for

pytestmark = pytest.mark.whole

READY_WITHIN_S = 120


@contextmanager
def running(models_dir, state, *what, wanted, **environment):
    """A program that runs until the end of the block; entered once it has said that all of `wanted` are ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.cli", *what, "--source", ""],
        env=command_environment(models_dir, state) | {"FACEGATE_API__PORT": "0"} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        missing = {f"{one} ready" for one in wanted}
        for line in process.stdout:
            missing.discard(line.strip())
            if not missing:
                break
        assert not missing
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


@pytest.fixture
def ports():
    port, pairing_port = free_ports(2)
    return {
        "FACEGATE_CENTRE__PORT": str(port), "FACEGATE_CENTRE__PAIRING_PORT": str(pairing_port),
        "FACEGATE_CENTRE__LISTEN": "127.0.0.1",
    }  # fmt: skip


def test_a_gate_joins_a_centre_and_follows_it_under_their_own_supervisors(models_dir, facegate, state, ports):
    north = state.parent / "north"
    with running(models_dir, state, "centre", "run", wanted=("door", "api", "broker", "centre"), **ports) as centre:
        code = facegate("centre", "invite", "--json").answer["code"]
        pairing = ("--port", ports["FACEGATE_CENTRE__PAIRING_PORT"])
        joined = facegate("join", "127.0.0.1", code, *pairing, "--state", north, "--yes", "--json")
        assert (joined.code, joined.answer["centre"]) == (0, "127.0.0.1")
        with running(models_dir, north, "run", wanted=("door", "api", "link"), FACEGATE_GATE="North"):
            with closing(open_database(state)) as store:
                wang = residents.enrol(store, "Wang Fang", None, (), by="test")

            def here():
                with closing(open_database(north)) as store:
                    return residents.get(store, wang.id)

            assert wait_for(here, 30, "nobody came").name == "Wang Fang"
            heard = lambda: facegate("centre", "gates", "--json").answer["gates"][0]["heard_at"]  # noqa: E731
            wait_for(heard, 30, "the gate is not heard")
        assert centre.poll() is None
