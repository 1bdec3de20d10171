"""Who holds connections, and who is served nevertheless."""

import os
import subprocess
import sys

import pytest

from api.front.slots import ROOM, Places, Whose
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.whole


def taken(places, address, gone, *, known=None):
    place = places.take(address, lambda: gone.append(place))
    if known:
        place.known_as(known)
    return place


def test_one_address_gives_up_its_own_oldest():
    places, gone = Places(), []
    held = [taken(places, "10.0.0.9", gone) for _ in range(ROOM[Whose.ANYBODYS].of_one)]
    other = taken(places, "10.0.0.5", gone)
    taken(places, "10.0.0.9", gone)
    taken(places, "10.0.0.9", gone)
    assert gone == held[:2]
    assert other not in gone


def test_many_addresses_do_not_keep_a_new_one_out_nor_take_what_is_the_knowns_or_the_screens():
    places, gone = Places(), []
    screen = taken(places, "127.0.0.1", gone)
    manager = taken(places, "10.0.0.5", gone, known="user ann")
    crowd = [taken(places, f"10.{number % 250}.1.{number // 250}", gone) for number in range(1000)]
    newcomer = taken(places, "10.0.0.6", gone)
    assert len(gone) == 1001 - ROOM[Whose.ANYBODYS].all
    assert not {screen, manager, newcomer} & set(gone)
    assert set(gone) <= set(crowd)


def test_an_ipv6_network_is_one_address_and_a_mapped_one_is_its_ipv4():
    places, gone = Places(), []
    held = [taken(places, f"2001:db8::{number:x}", gone) for number in range(ROOM[Whose.ANYBODYS].of_one + 1)]
    assert gone == held[:1]
    for address in ("::1", "127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"):
        assert taken(places, address, gone).whose is Whose.HERE
    assert taken(places, "fe80::1%lo", gone).whose is Whose.ANYBODYS


def test_a_user_has_a_share_of_the_knowns_places_and_one_who_follows_live_is_let_be():
    places, gone = Places(), []
    live = taken(places, "10.0.0.5", gone, known="user ann")
    live.kept = True
    bob = taken(places, "10.0.0.6", gone, known="user bob")
    held = [taken(places, "10.0.0.5", gone, known="user ann") for _ in range(ROOM[Whose.KNOWN].of_one + 5)]
    assert gone == held[:6]
    assert bob not in gone


def test_a_proxy_on_this_machine_takes_none_of_its_places():
    places, gone = Places(), []
    screen = taken(places, "127.0.0.1", gone)
    for _ in range(200):
        taken(places, "127.0.0.1", gone).passed_on()
    assert screen not in gone
    assert len(gone) == 200 - ROOM[Whose.ANYBODYS].of_one


def test_a_place_that_was_lost_is_not_had_again():
    places, gone = Places(), []
    one = taken(places, "10.0.0.9", gone)
    places.leave(one)
    one.known_as("user ann")
    assert one.whose is Whose.ANYBODYS
    places.leave(one)


# Two addresses hold all the places that anybody may have: with nothing, with a TLS that never stands, with headers that
# never end, with bodies that do not come.
CROWD = """
import os, socket, ssl, sys, time
from contextlib import closing, suppress
from pathlib import Path
import httpx
from tests.api_process import api_process, port_of, trusting
from gate.store.site import accounts
from gate.store.site.accounts import Role
from gate.store.database import open_database
from api.auth import digest
from tests.console import CHEAP

state, models, each = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
SAME = b"Host: 10.77.0.1\\r\\nSec-Fetch-Site: same-origin\\r\\n"
BODY = b"POST %s HTTP/1.1\\r\\n" + SAME + b"Content-Length: 60000\\r\\n\\r\\nname="
SENT = [None, b"", b"GET / HTTP/1.1\\r\\nX: ", BODY.replace(b"%s", b"/sign-in"), BODY.replace(b"%s", b"/import")]

def ask(source, address, path, **more):
    began = time.monotonic()
    transport = httpx.HTTPTransport(local_address=source, verify=trusting())
    with httpx.Client(transport=transport, timeout=15) as client:
        try:
            status = client.get(f"{address}{path}", **more).status_code
        except httpx.HTTPError as error:
            status = type(error).__name__
    return status, round(time.monotonic() - began, 2)

with api_process(state, models, host="10.77.0.1") as here, closing(open_database(state)) as store:
    there = f"https://10.77.0.1:{port_of(here)}"
    ann = accounts.add_user(store, "Ann", CHEAP.hash("x"), Role.OWNER, "test")
    accounts.add_token(store, "t", digest("secret"), ("people", "live"), ann, "test")
    token = {"authorization": "Bearer secret"}
    held = []
    for number in range(2 * each):
        raw = socket.create_connection(("10.77.0.1", port_of(here)), 10, (f"10.77.0.{8 + number % 2}", 0))
        sent = SENT[number % len(SENT)]
        with suppress(OSError):
            if sent is not None:
                raw = trusting().wrap_socket(raw)
                raw.sendall(sent)
        held.append(raw)
        if number % 100 == 99:
            print("while", number + 1, ask("10.77.0.5", there, "/residents", headers=token), flush=True)
    print("screen", *ask("127.0.0.1", here, "/gate/now"))
    print("manager", *ask("10.77.0.5", there, "/residents", headers=token))
    print("stranger", *ask("10.77.0.6", there, "/sign-in"))
    # From the very address that holds the most: the latest is heard.
    print("beside", *ask("10.77.0.8", there, "/sign-in"))
"""


def in_a_network_of_its_own(script, *given):
    """What `script` prints in a network namespace with the addresses of a gate, of people and of a crowd."""
    addresses = "; ".join(f"ip addr add 10.77.0.{one}/24 dev lo" for one in (1, 5, 6, 8, 9))
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", "sh", "-c", f'ip link set lo up; {addresses}; exec "$0" - "$@"',
         sys.executable, *map(str, given)],
        input=script, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "ip: " in done.stderr:
        pytest.skip(f"this machine gives a test no network of its own: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def crowd(state, models_dir, each):
    """What the screen, a manager, a stranger and a neighbour of the crowd got: {who: (status, seconds)}."""
    printed = in_a_network_of_its_own(CROWD, state, models_dir, each)
    print(printed)
    lines = [line.split() for line in printed.splitlines() if not line.startswith("while")]
    return {who: (status, float(took)) for who, status, took in lines}


def test_a_crowd_of_two_addresses_keeps_nobody_out(state, models_dir):
    got = crowd(state, models_dir, 40)
    assert {who: status for who, (status, _) in got.items()} == {
        "screen": "200", "manager": "200", "stranger": "200", "beside": "200",
    }  # fmt: skip
    assert max(took for _, took in got.values()) < 3
