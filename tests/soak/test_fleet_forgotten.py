"""Whoever is erased at the centre is in no file any more, of the broker, the centre, the gates or their logs, once the
gate that was cut off is back. Looked for are name, home, template, resident's key and what their PIN and card are found
by, in clear and as base64, in every file there is.

A backup from before keeps them for as long as it is kept, which is what is promised (docs/upkeep.md), and brings nobody
back. What the disk keeps of blocks that a file gave back is not looked at."""

import gzip
import re
import time
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.care.backup import SUFFIX
from gate.store.compound import forgotten
from gate.store.people import changes, erasure, residents, templates
from gate.vocabulary import Method
from tests.centre.test_many_gates import let_in
from tests.codes import card_of_number, new_pin
from tests.fleet import centre_running, command, join
from tests.running import wait_for
from tests.soak.fleet import enrolled

pytestmark = pytest.mark.soak

NAME, EARLIER, HOME = "Qzxwv Marker", "Jkqpf Earlier", "97-9-QZX"
WINDOW = 24


@pytest.fixture
def place():
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


def traces_of(store, who):
    """What is looked for, by what it is of: words, and bytes in clear and in all three ways base64 cuts them."""
    ((_, _, vector),) = templates.enrolled_vectors(store, "test", who.id)
    (key,) = store.execute("SELECT key FROM register_keys WHERE id = ?", (who.id,)).fetchone()
    finders = [one for (one,) in store.execute("SELECT finder FROM credentials WHERE resident_id = ?", (who.id,))]
    assert len(finders) == 3, "PIN, the same under duress, card"
    words = {"name": NAME.split()[0], "earlier name": EARLIER.split()[0], "home": HOME}
    found = {what: re.compile(re.escape(word.encode()), re.IGNORECASE) for what, word in words.items()}
    for what, secret in {"template": bytes(vector), "key": key, "codes": b"".join(finders)}.items():
        # A row is cut into pages anywhere: pieces are looked for.
        pieces = [secret[at : at + WINDOW] for at in range(0, len(secret) - WINDOW + 1, WINDOW // 2)]
        texts = [b64encode(secret[at:])[: 2 * WINDOW - 2] for at in range(3)]
        found[what] = re.compile(b"|".join(map(re.escape, (*pieces, *texts))))
    return found


def found_in(place, traces):
    """Where which traces are: {file: what}."""
    found = {}
    for file in place.rglob("*"):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            seen = sorted(what for what, trace in traces.items() if trace.search(data))
            if seen:
                found[str(file.relative_to(place))] = seen
    return found


def but_backups(found, *left_out):
    """The same without backups, and without what begins with these words."""
    return {file: what for file, what in found.items() if not file.endswith(SUFFIX) and not file.startswith(left_out)}


def forgotten_at(centre, who):
    with centre.store() as store:
        (found,) = [one for one in forgotten.standing(store, 100) if one.id == who.id]
    return f"{len(found.proved)} of {len(found.proved) + len(found.said) + len(found.missing)}"


def test_nothing_of_whoever_was_erased_is_in_any_file_once_the_gate_that_was_cut_off_is_back(place):
    logs = place / "logs"
    logs.mkdir()
    with centre_running(place / "c", logs) as centre:
        gates = [join(centre, place / name, name, freshness_s=5) for name in ("north", "east", "south")]
        with centre.store() as store:
            who = enrolled(store, EARLIER, unit=HOME)
            changes.change(store, who, changes.Changes(name=NAME), by="test")
            who = residents.get(store, who.id)
            pin = new_pin(store, centre.door, who)
            card_of_number(store, centre.door, who, "8001")
            traces = traces_of(store, who)
        centre.whole_at(gates)
        for gate in gates:
            assert let_in(gate, who.id, Method.FACE)
            assert let_in(gate, who.id, Method.PIN, pin.typed)
        named = "SELECT count(DISTINCT gate_id) FROM carried_personal WHERE resident_id = ?"
        with centre.store() as store:
            wait_for(lambda: store.execute(named, (who.id,)).fetchone() == (3,), 20, "no gate told of them")
        for state in (centre.state, gates[0].state):
            command("backup", state / "backups", "--state", state)
        before = found_in(place, traces)
        gates[0].link.end(kill=True)
        began = time.monotonic()
        with centre.store() as store:
            erasure.remove(store, who, by="test")
        here = lambda: but_backups(found_in(place, traces), "north/")  # noqa: E731
        wait_for(lambda: time.sleep(0.3) or not here(), 60, here)
        took, at_north = time.monotonic() - began, but_backups(found_in(place, traces))
        wait_for(lambda: forgotten_at(centre, who) == "2 of 3", 20, lambda: forgotten_at(centre, who))
        print(f"\nbefore, in {len(before)} files: {table(before)}")
        print(f"erased: {took:.1f} s later in no file of the centre, the broker, two gates and the logs;")
        print(f"  proved forgotten at 2 of 3; at the gate that is cut off still in: {table(at_north)}")
        assert at_north
        began = time.monotonic()
        gates[0].link.start()
        anywhere = lambda: but_backups(found_in(place, traces))  # noqa: E731
        wait_for(lambda: time.sleep(0.3) or not anywhere(), 60, anywhere)
        print(f"  that gate is back: {time.monotonic() - began:.1f} s later in no file anywhere", end="; ")
        wait_for(lambda: forgotten_at(centre, who) == "3 of 3", 20, lambda: forgotten_at(centre, who))
        print("proved forgotten at 3 of 3")
        backups = found_in(place, traces)
        assert len(backups) == 2
        print(f"  kept backups from before have: {table(backups)}")
        a_backup_put_back(centre, gates, who, anywhere)


def a_backup_put_back(centre, gates, who, anywhere):
    """At the gate that was cut off: it brings them back nowhere."""
    north = gates[0]
    (backup,) = (north.state / "backups").iterdir()
    for process in (north.link, north.opener):
        process.end()
    command("restore", backup, "--yes", "--state", north.state)
    for process in (north.opener, north.link):
        process.start()
    centre.whole_at(gates)
    wait_for(lambda: time.sleep(0.3) or not anywhere(), 60, anywhere)
    assert not let_in(north, who.id, Method.FACE)
    print("  that of a gate put back: in no file but the backup, and not let in")


def table(found):
    return "; ".join(f"{file} ({', '.join(what)})" for file, what in sorted(found.items()))
