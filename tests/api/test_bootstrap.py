"""The api's parts are made in one place, which serves nothing and tells nothing."""

import json
from contextlib import ExitStack, closing, contextmanager

import pytest

from api.app import create_app
from api.bootstrap import bootstrap
from gate.config import load_settings, parts_of
from gate.errors import UsageError
from gate.processes.addresses import api_address_file
from gate.store.database import open_database
from tests.api_process import serves
from tests.console import Browser
from tests.fleet import free_ports, start_api


@contextmanager
def console(state, models_dir, **api):
    """What a process would be told by the file of its unit, put together."""
    told = parts_of(load_settings(api={"port": 0, **api}), state, models_dir, None)["api"]
    open_database(state).close()
    made = bootstrap(json.loads(json.dumps(told)))
    try:
        yield made
    finally:
        for one in made.sockets:
            one.close()


def test_two_are_made_side_by_side_and_nothing_is_served_or_told(tmp_path, models_dir, capfd):
    with console(tmp_path / "one", models_dir) as one, console(tmp_path / "other", models_dir, tls="off") as other:
        assert one.sockets[0].getsockname() != other.sockets[0].getsockname()
        assert (one.context.secure, other.context.secure) == (True, False)
        assert other.certificate is None
        assert Browser(create_app(one.context)).get("/", headers={"host": "localhost"}).status_code == 303
        assert not api_address_file(tmp_path / "one").exists()
    assert capfd.readouterr() == ("", "")


def test_an_address_that_is_taken_is_one_sentence(tmp_path, models_dir):
    with console(tmp_path / "one", models_dir, tls="off") as one:
        port = one.sockets[0].getsockname()[1]
        with (
            pytest.raises(UsageError, match="Change api.host or api.port"),
            console(tmp_path / "other", models_dir, port=port),
        ):
            pass


def test_settings_that_an_earlier_version_wrote_are_taken(tmp_path, models_dir):
    told = parts_of(load_settings(api={"port": 0, "tls": "off"}), tmp_path / "state", models_dir, None)["api"]
    del told["webhooks"]
    with closing(bootstrap(told).sockets[0]) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_console_serves_where_it_cannot_tell_this_machine_where_it_is(state):
    """The place of its sockets is full."""
    for name in ("address", "owner-code"):
        # Whoever runs the tests may write into any folder, but not in the place of one.
        (api_address_file(state).parent / f"{name}.new").mkdir(parents=True)
    (port,) = free_ports(1)
    with ExitStack() as stack:
        start_api(state, stack, api={"port": port, "tls": "off"})
        assert serves(f"http://127.0.0.1:{port}")
    assert not api_address_file(state).exists()
