"""A compound in the middle of its upgrade: a gate of an earlier version at a centre of this one, and the other way
round, each a program of its version with a database of its own. Then the earlier one is upgraded in place."""

import json
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.fleet.status import read_status
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.database import open_database
from gate.store.people import changes, residents
from gate.store.site import areas
from tests.centre.test_passes_everywhere import GRANTED, new_pass, shown
from tests.conftest import REPOSITORY
from tests.door import FAST, ON_A_CLOCK
from tests.fleet import Process, free_ports
from tests.running import stays, wait_for
from tests.soak.earlier import unpacked

pytestmark = pytest.mark.soak

# The last version before areas, and before passes that open every gate: what came with those is what the two do not
# both know, and each of the two has a form, tables and triggers of its own.
BEFORE = "963d5356"
DEEDS = (Path(__file__).parent / "version_deeds.py").read_text("utf-8")
# Programs start all the while on a busy machine.
WITHIN_S = 60
_ON_ITS_CLOCK = {"door": ["-c", ON_A_CLOCK.format(synchronised=True)]}


class Machine:
    """A machine of the compound, in the version that it has now. Nothing but that version touches its database."""

    def __init__(self, name, place, code, stack):
        self.name, self.state, self.code = name, place / name, code
        self._place, self._stack, self._processes = place, stack, {}
        self._hand = None
        stack.callback(self._ended)

    def runs(self, name, **given):
        """One of its processes is started."""
        made = Process(self.state, name, given, self._place, program=_ON_ITS_CLOCK.get(name), code=self.code)
        self._stack.callback(made.end)
        self._processes[name] = made

    def upgraded(self):
        """It has the version of now: its processes end, and begin again with that."""
        for one in reversed(self._processes.values()):
            one.end()
        self._ended()
        self.code = REPOSITORY
        for one in self._processes.values():
            one.code = self.code
            one.start()

    def does(self, deed, **told):
        """A deed of `version_deeds`, by its own version."""
        if self._hand is None:
            self._hand = subprocess.Popen(
                [sys.executable, "-c", DEEDS, str(self.state)], cwd=self.code, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        self._hand.stdin.write(json.dumps({"deed": deed, **told}) + "\n")
        self._hand.stdin.flush()
        return json.loads(self._hand.stdout.readline())

    def command(self, *arguments):
        """What a command of its version prints for machines."""
        done = subprocess.run(
            [sys.executable, "-m", "commands.cli", *map(str, arguments), "--state", str(self.state), "--json"],
            cwd=self.code, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def _ended(self):
        """Nothing is done by its version any more."""
        if self._hand is not None:
            self._hand.stdin.close()
            self._hand.wait(10)
            self._hand.stdout.close()
            self._hand = None

    def store(self):
        """Its database, for a machine of this version alone."""
        assert self.code == REPOSITORY, "this version would change the earlier one's database"
        return closing(open_database(self.state))

    @property
    def door(self):
        return Client(socket_of(self.state, "door"))

    def status(self):
        return read_status(self.state)


@pytest.fixture
def place():
    """A short path, since sockets have no long ones; on the disk."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.fixture
def before(tmp_path):
    return unpacked(BEFORE, tmp_path / "before")


@pytest.fixture
def compound(place, request):
    """A function that gives a centre of one version and gates of others, by their names, joined and at work."""
    with ExitStack() as stack:

        def made(code, **gates):
            centre = Machine("c", place, code, stack)
            port, pairing = free_ports(2)
            told = {"centre": {"listen": "127.0.0.1", "port": port, "pairing_port": pairing}}
            centre.runs("door", door=FAST)
            centre.runs("broker", **told)
            centre.runs("centre", **told)
            there = []
            for name, version in gates.items():
                gate = Machine(name, place, version, stack)
                code = centre.command("centre", "invite")["code"]
                gate.command("join", "127.0.0.1", code, "--port", pairing, "--yes")
                gate.runs("door", door=FAST | {"freshness_s": 5})
                gate.runs("link")
                gate.runs("api", **gate.does("console_given", name=name))
                gate.id = gate.does("identity")
                there.append(gate)
            return centre, *there

        yield made


def people_are(machines, wanted):
    """Wait until everybody is everywhere as wanted: name, home and last day, by id."""
    everywhere(machines, lambda one: one.does("who_is_here"), wanted)


def everywhere(machines, told, wanted):
    differs = lambda: {one.name: told(one) for one in machines if told(one) != wanted}  # noqa: E731
    wait_for(lambda: not differs(), WITHIN_S, differs)


def both_ways(centre, gates):
    """What both versions know goes through between this centre and these gates; who is there in the end."""
    machines = (centre, *gates)
    wang = centre.does("enrol", name="Wang Fang", seed=1)
    typed = centre.does("pin", who=wang)
    centre.does("card", who=wang, number="122,5678")
    expected = {wang: ["Wang Fang", "3-1-502", None]}
    people_are(machines, expected)
    for gate in gates:
        for method, code in (("face", None), ("pin", typed), ("card", "122,5678")):
            comes = lambda g=gate, m=method, c=code: g.does("comes", who=wang, method=m, code=c)  # noqa: E731
            wait_for(comes, WITHIN_S, f"{method} does not open at {gate.name}")
    # Enrolled and changed at each gate, changed at the centre.
    for number, gate in enumerate(gates):
        there = gate.does("enrol", name=f"Li {number}", seed=10 + number)
        gate.does("card", who=there, number=f"120{number}")
        expected[there] = [f"Li {number}", "3-1-502", None]
        people_are(machines, expected)
        gate.does("change", who=there, wanted={"name": f"Li Na {number}"})
        centre.does("change", who=wang, wanted={"unit": f"1-1-10{number}", "valid_until": "2999-01-01"})
        expected |= {there: [f"Li Na {number}", "3-1-502", None], wang: ["Wang Fang", f"1-1-10{number}", "2999-01-01"]}
        people_are(machines, expected)
        for other in gates:
            comes = lambda g=other, w=there, n=number: g.does("comes", who=w, method="card", code=f"120{n}")  # noqa: E731
            wait_for(comes, WITHIN_S, f"who was enrolled at {gate.name} does not come in at {other.name}")
    erased(centre, gates, expected)
    locked_down(centre, gates)
    return wang, typed, expected


def erased(centre, gates, expected):
    """Somebody is erased at each machine in turn: they are gone everywhere, and each gate proves it by its record."""
    for machine in (centre, *gates):
        gone = centre.does("enrol", name="Zhao Min", seed=30)
        people_are((centre, *gates), expected | {gone: ["Zhao Min", "3-1-502", None]})
        machine.does("erase", who=gone)
        people_are((centre, *gates), expected)
        for gate in gates:
            assert not gate.does("comes", who=gone), gate.name
        by = lambda g=gone: sorted(centre.does("proved", who=g))  # noqa: E731
        wait_for(lambda proved=by: proved() == sorted(gate.id for gate in gates), WITHIN_S, by)


def locked_down(centre, gates):
    """A lockdown of all is ordered, carried out and answered, and ended again."""
    for what, locked in (("lockdown", True), ("release", False)):
        number = centre.does("order", what=what)
        came = lambda n=number: centre.does("came", number=n)  # noqa: E731
        wait_for(lambda c=came: c() == {gate.id: "done" for gate in gates}, WITHIN_S, came)
        for gate in gates:
            assert (gate.command("door", "status")["mode"] == "lockdown") is locked, gate.name


def records_are_at(centre, gates):
    """Wait until each line of each gate since it joined is at the centre, once, as it stands there."""
    for gate in gates:

        def differs(gate=gate):
            lines, flaw = gate.does("record")
            there = centre.does("carried_of", gate=gate.id)
            assert flaw == "None", flaw
            return there[-1:] != lines[-1:] or there != lines[lines.index(there[0]) :]

        wait_for(lambda gate=gate: not differs(gate), WITHIN_S, f"the record of {gate.name} is not at the centre")


def limited(store, who, area):
    changes.change(store, residents.get(store, who), changes.Changes(area=area), by="test")


def test_a_gate_of_before_at_a_centre_of_now_and_then_upgraded(compound, before):
    centre, old, new = compound(REPOSITORY, old=before, new=REPOSITORY)
    wang, typed, expected = both_ways(centre, (old, new))
    records_are_at(centre, (old, new))
    # What the earlier one cannot read: areas, whoever is new in one, passes.
    visit = new_pass(centre, uses=3)
    with centre.store() as store:
        areas.put(store, "Tower A", {new.id: "new"}, "test")
        limited(store, wang, "Tower A")
    sun = centre.does("enrol", name="Sun Li", seed=40)
    with centre.store() as store:
        limited(store, sun, "Tower A")
    wait_for(lambda: shown(new, visit) == GRANTED, WITHIN_S, "the pass does not open")
    wait_for(lambda: "Upgrade this gate" in (old.status().problem or ""), WITHIN_S, old.status)
    # It lets in whom it knew, takes everything else, and revokes.
    assert old.does("comes", who=wang)
    wait_for(lambda: not new.does("who_is_here").keys() ^ {*expected, sun}, WITHIN_S, "the new gate has not all")
    later = centre.does("enrol", name="Zhou Wei", seed=41)
    wait_for(lambda: later in old.does("who_is_here"), WITHIN_S, "nobody new comes")
    there = old.does("enrol", name="Qian Duo", seed=42)
    wait_for(lambda: there in new.does("who_is_here"), WITHIN_S, "nobody enrolled there comes")
    centre.does("erase", who=later)
    wait_for(lambda: later not in old.does("who_is_here"), WITHIN_S, "whoever was erased is there")
    old.does("erase", who=there)
    wait_for(lambda: there not in new.does("who_is_here"), WITHIN_S, "whoever was erased there is here")
    locked_down(centre, (old, new))
    known = {one["id"]: one["reader"] for one in centre.command("centre", "gates")["gates"]}
    assert known == {old.id: 1, new.id: 2}
    lines, _ = old.does("record")

    old.upgraded()
    people = new.does("who_is_here")
    people_are((centre, old, new), people)
    assert people.keys() == {*expected, sun}
    wait_for(lambda: not old.status().behind, WITHIN_S, old.status)
    wait_for(lambda: shown(old, visit) == GRANTED, WITHIN_S, "the pass does not open at what was upgraded")
    assert not old.does("comes", who=wang)
    assert not old.does("comes", who=sun)
    assert new.does("comes", who=sun)
    with centre.store() as store:
        limited(store, wang, "")
    wait_for(lambda: old.does("comes", who=wang, method="pin", code=typed), WITHIN_S, "the PIN of before does not open")
    assert old.does("record")[0][: len(lines)] == lines
    records_are_at(centre, (old, new))
    assert old.does("waits")[:2] == [0, 0]


def test_gates_of_now_at_a_centre_of_before_and_then_upgraded(compound, before):
    centre, one, other = compound(before, one=REPOSITORY, other=REPOSITORY)
    gates = (one, other)
    wang, typed, expected = both_ways(centre, gates)
    records_are_at(centre, gates)
    # A pass is made at a gate: it opens there, and waits for a centre that knows what it is.
    visit = new_pass(one, uses=3)
    assert shown(one, visit) == GRANTED
    assert shown(other, visit) == ("denied", "wrong_code")
    # All else goes on past it.
    sun = one.does("enrol", name="Sun Li", seed=40)
    expected[sun] = ["Sun Li", "3-1-502", None]
    people_are((centre, *gates), expected)
    erased(centre, gates, expected)
    locked_down(centre, gates)
    stays(lambda: one.does("waits")[0] == 1, 2, "what waits for the centre's upgrade does not")

    centre.upgraded()
    wait_for(lambda: shown(other, visit) == GRANTED, WITHIN_S, "the pass does not open at the other gate")
    people_are((centre, *gates), expected)
    for gate in gates:
        wait_for(lambda gate=gate: not gate.status().behind, WITHIN_S, gate.status)
        assert gate.does("comes", who=wang, method="pin", code=typed)
        assert gate.does("waits")[:2] == [0, 0]
    records_are_at(centre, gates)
    zhou = centre.does("enrol", name="Zhou Wei", seed=50)
    people_are((centre, *gates), expected | {zhou: ["Zhou Wei", "3-1-502", None]})
