"""What the consoles ask of a program of its own: a gate is taken in, follows and leaves, with a real broker and a real
centre; the consoles are asked as a browser asks them."""

import json
import re
import subprocess
import sys
import time
from contextlib import closing
from html import unescape

import pytest

from api.app import create_app
from gate.config import load_settings, parts_of
from gate.fleet import errands
from gate.fleet.errands import STARTS_ANEW, Deed, Phase
from gate.fleet.joined import read_joined
from gate.processes.fields import written
from gate.store.compound.role import Part, part
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts
from gate.vocabulary import Kind
from tests.centre.test_joining_with_people import enrolled
from tests.console import CHEAP, PASSWORD, context_on, signed_in
from tests.fleet import Gate, Process, centre_running, free_ports
from tests.running import wait_for

pytestmark = pytest.mark.whole

WITHIN_S = 60
WRONG = "ABCD-EFGH-JKLM"


class Console:
    """The console of one machine without its processes, an owner signed in at it, and the program that does its
    errands, which is started as its starter starts it."""

    def __init__(self, state, **settings):
        self.state = state
        self.settings = {"gate": "North", "camera": {"source": ""}} | settings
        with closing(open_database(state)) as store:
            if not accounts.has_owner(store):
                accounts.add_owner(store, "owner", CHEAP.hash(PASSWORD))
        self.owner = signed_in(create_app(context_on(state, settings=self.settings)), "owner")
        self.owner.post("/confirm", data={"password": PASSWORD})

    def begin(self):
        """The program, at work on what was asked."""
        given = parts_of(load_settings(**self.settings), self.state, self.state / "models", None)["errand"]
        done = subprocess.Popen([sys.executable, "-m", "commands.errand"], stdin=subprocess.PIPE, text=True)
        done.stdin.write(json.dumps(given) + "\n")
        done.stdin.flush()
        return done

    def done(self, path, **sent):
        """Asks, has it done, and gives what was told; how the program ended is in `code`."""
        answer = self.owner.post(path, data=sent)
        assert answer.status_code == 303, answer.text
        self.code = self.begin().wait(WITHIN_S)
        return errands.told_last(self.state)

    def follow(self, address, code):
        return self.done("/settings/centre", address=address, code=code)

    def page(self, path="/settings/centre"):
        return " ".join(unescape(re.sub("<[^>]+>", " ", self.owner.get(path).text)).split())

    def until(self, phase):
        """Until what was asked last is so far."""

        def is_so_far():
            told, asked = errands.told_last(self.state), errands.asked_last(self.state)
            return told is not None and (told.errand, told.phase) == (asked.id, phase)

        wait_for(is_so_far, WITHIN_S, phase)


@pytest.fixture(scope="module")
def office(centre):
    return Console(centre.state, gate="Office", centre=centre.centre | {"enabled": True})


@pytest.fixture
def north(place):
    """A gate that has nobody, and follows nobody."""
    return Console(place / f"n{time.monotonic_ns()}")


def address_of(centre):
    return f"127.0.0.1:{centre.centre['pairing_port']}"


def drawn(office):
    told = office.done("/settings/gates/invitation")
    assert (told.phase, office.code) == (Phase.INVITED, 0), told
    return told.code


def unchanged(console, people=0):
    with closing(open_database(console.state)) as store:
        assert part(store) is Part.ALONE
        assert len(residents.every(store)) == people
        assert [line for line in audit.lines(store) if line.kind == Kind.CENTRE_JOINED] == []
    assert read_joined(console.state) is None
    assert not (console.state / "door" / "code.key").exists()
    assert not list(console.state.rglob(".under-way-*"))


def test_a_gate_is_invited_on_one_page_and_follows_on_another(centre, office, north):
    code = drawn(office)
    assert code in office.page("/settings/gates")
    told = north.follow(address_of(centre), code.lower())
    assert (told.phase, north.code) == (Phase.FOLLOWS, STARTS_ANEW), told
    with closing(open_database(north.state)) as store:
        assert part(store) is Part.GATE
        (line,) = (line for line in audit.lines(store) if line.kind == Kind.CENTRE_JOINED)
        assert line.details["by"].startswith("user ")
    assert (north.state / "door/code.key").read_bytes() == (centre.state / "door/code.key").read_bytes()
    link = Process(north.state, "link", {})
    centre.stack.callback(link.end)
    centre.whole_at([Gate("North", north.state, None, link)])
    assert "This gate follows 127.0.0.1" in north.page()
    with centre.store() as store:
        (by,) = {line.details["by"] for line in audit.lines(store) if line.kind == Kind.GATE_INVITED}
        assert by.startswith("user ")
    wait_for(lambda: "North joined" in office.page("/settings/gates"), 10, lambda: office.page("/settings/gates"))
    assert code not in office.page("/settings/gates")
    # It follows once.
    assert "follows a centre already" in north.owner.post(
        "/settings/centre", data={"address": address_of(centre), "code": WRONG}
    ).text  # fmt: skip
    # It leaves; whoever was on the register stays, or goes.
    link.end()
    told = north.done("/settings/centre/removal", forget="yes")
    assert (told.phase, north.code, read_joined(north.state)) == (Phase.LEFT, STARTS_ANEW, None)
    with closing(open_database(north.state)) as store:
        assert part(store) is Part.ALONE


def test_a_code_that_is_wrong_or_over_changes_nothing_and_both_pages_say_so(centre, office, north):
    told = north.follow(address_of(centre), WRONG)
    assert "No gate is invited here now" in told.sentence
    code = drawn(office)
    for tries in range(1, 6):
        told = north.follow(address_of(centre), WRONG)
        assert told.phase is Phase.REFUSED
        assert "not the code of the invitation" in told.sentence
        unchanged(north)
        if tries < 5:
            words = f"typed wrongly {tries} time"
            wait_for(lambda: words in office.page("/settings/gates"), 15, words)  # noqa: B023 - called at once
    assert "That is not the code" in north.page()
    wait_for(lambda: "typed wrongly five times" in office.page("/settings/gates"), 15, "it is not said to be over")
    assert "No gate is invited here now" in north.follow(address_of(centre), code).sentence
    unchanged(north)
    # Another one may be drawn, and the one before is no more.
    assert drawn(office) != code
    assert north.follow(address_of(centre), code).phase is Phase.REFUSED


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:{free}", "No centre answers at 127.0.0.1"), ("nowhere.invalid", "No centre answers"),
        ("[::1]:{free}", "No centre answers at ::1"), ("127.0.0.1:{broker}", ""),
    ],
)  # fmt: skip
def test_an_address_at_which_no_centre_is_changes_nothing(centre, north, address, words):
    (free,) = free_ports(1)
    told = north.follow(address.format(free=free, broker=centre.port), WRONG)
    assert told.phase is Phase.REFUSED
    assert words in told.sentence
    unchanged(north)
    assert "Nothing was changed here." in north.page()


def test_a_centre_at_an_address_of_ipv6_is_followed(place, north):
    with centre_running(place / "six", listen="::1") as six:
        there = Console(six.state, gate="Six", centre=six.centre | {"enabled": True})
        assert f"[::1]:{six.centre['pairing_port']}" in (drawn(there), there.page("/settings/gates"))[1]
        told = north.follow(f"[::1]:{six.centre['pairing_port']}", errands.told_last(six.state).code)
        assert told.phase is Phase.FOLLOWS, told
        link = Process(north.state, "link", {})
        six.stack.callback(link.end)
        six.whole_at([Gate("North", north.state, None, link)])


def test_a_centre_follows_nobody_itself_least_of_all(centre, office, north):
    """Its page has no form; and what a console that was taken over writes all the same is not done."""
    code = drawn(office)
    answer = office.owner.post("/settings/centre", data={"address": address_of(centre), "code": code})
    assert answer.status_code == 422
    assert "is a centre itself" in answer.text
    port = centre.centre["pairing_port"]
    for console in (office, Console(north.state, centre={"enabled": True})):
        errands.ask(
            console.state,
            errands.errand(Deed.JOIN, "user x", address="127.0.0.1", port=port, code=code.replace("-", "")),
        )
        console.begin().wait(WITHIN_S)
        told = errands.told_last(console.state)
        assert told.phase is Phase.REFUSED
        assert "set up as a centre" in told.sentence or "Gates follow this centre" in told.sentence
    unchanged(north)
    # Who is no centre invites nobody, and a centre whose settings say so neither.
    for settings, words in (
        ({}, "This is no centre"),
        (office.settings["centre"] | {"invite_on_page": False}, "invite_on_page"),
    ):
        console = Console(office.state, **({"centre": settings} if settings else {}))
        errands.ask(console.state, errands.errand(Deed.INVITE, "user x"))
        console.begin().wait(WITHIN_S)
        assert words in errands.told_last(console.state).sentence


@pytest.fixture
def peopled(centre, place):
    """A gate with three people, of whom the centre has two."""
    seed = time.monotonic_ns() % 1_000_000
    with centre.store() as store:
        for number, name in enumerate(("Wang Fang", "Li Na")):
            enrolled(store, f"{name} {seed}", "3-1-502", seed + number, 101)
    console = Console(place / f"p{seed}")
    with closing(open_database(console.state)) as store:
        for number, name in enumerate(("Wang Fang", "Li Na", "Guest")):
            enrolled(store, f"{name} {seed}", "3-1-502", seed + number, 111)
    return console


def asking(centre, office, console):
    """The program, waiting for somebody who says what becomes of the gate's people."""
    code = drawn(office)
    answer = console.owner.post("/settings/centre", data={"address": address_of(centre), "code": code})
    assert answer.status_code == 303
    program = console.begin()
    console.until(Phase.ASKS)
    return program


def test_a_gate_with_people_is_asked_who_they_are(centre, office, peopled):
    program = asking(centre, office, peopled)
    told = errands.told_last(peopled.state)
    assert [(one.by_name, one.by_face) for one in told.known] == [(True, True)] * 2
    assert told.others == 1
    assert "Who of this gate is at the centre too?" in peopled.page()
    with closing(open_database(peopled.state)) as store:
        assert part(store) is Part.ALONE
    becomes = [f"same {told.known[0].id}", f"here {told.known[1].id}"]
    sent = {"both": "here", "others": "bring", "becomes": becomes}
    assert peopled.owner.post("/settings/centre/decision", data=sent).status_code == 303
    assert program.wait(WITHIN_S) == STARTS_ANEW
    done = errands.told_last(peopled.state)
    assert (done.phase, done.same, done.brought, done.here) == (Phase.FOLLOWS, 1, 1, 1)
    assert done.known == ()
    assert "1 resident is proposed to the centre." in peopled.page()
    with closing(open_database(peopled.state)) as store:
        ids = {one.id for one in residents.every(store)}
        assert told.known[0].id not in ids
        assert told.known[1].id in ids
    assert not list(peopled.state.rglob(".under-way-*"))


@pytest.mark.parametrize("how", ["given up", "stopped", "killed", "nobody"])
def test_until_somebody_says_so_nothing_is_changed(centre, office, peopled, how):
    program = asking(centre, office, peopled)
    if how == "given up":
        peopled.owner.post("/settings/centre/decision/removal")
    elif how == "stopped":
        program.terminate()
    elif how == "killed":
        program.kill()
    else:
        # Whoever started it is gone, as where the machine goes down.
        program.stdin.close()
    program.wait(WITHIN_S)
    if how == "killed":
        # What it left goes with the next that is put together there.
        assert list(peopled.state.rglob(".under-way-*"))
        told = json.loads((errands.errand_file(peopled.state).with_name("errand-told.json")).read_text())
        errands.errand_file(peopled.state).with_name("errand-told.json").write_text(
            json.dumps(told | {"at_mono": time.monotonic() - errands.DECIDED_WITHIN_S - 10})
        )
        assert "did not come to its end" in peopled.page()
        program = asking(centre, office, peopled)
        peopled.owner.post("/settings/centre/decision/removal")
        program.wait(WITHIN_S)
    unchanged(peopled, people=3)
    assert errands.told_last(peopled.state).phase is Phase.REFUSED
    assert "Nothing was changed here." in peopled.page()


def test_an_old_errand_is_not_done_and_one_that_was_done_is_done_once(north):
    asked = errands.errand(Deed.LEAVE, "user x")
    for at in (asked.at_mono - 3600, asked.at_mono + 3600):
        errands.ask(north.state, errands.Errand(**(written(asked) | {"at_mono": at, "deed": Deed.LEAVE})))
        assert north.begin().wait(WITHIN_S) == 0
        assert errands.told_last(north.state) is None
    errands.ask(north.state, errands.errand(Deed.LEAVE, "user x"))
    north.begin().wait(WITHIN_S)
    first = errands.told_last(north.state)
    assert "follows no centre" in first.sentence
    north.begin().wait(WITHIN_S)
    assert errands.told_last(north.state) == first


def test_a_clock_years_off_makes_no_difference_at_the_gate(centre, office, north):
    """Between the two machines no time is compared; and within one what counts is the monotonic clock."""
    code = drawn(office)
    wrong = "import time as t; real = t.time; t.time = lambda: real() - 20 * 365 * 86400; "
    north.owner.post("/settings/centre", data={"address": address_of(centre), "code": code})
    given = parts_of(load_settings(**north.settings), north.state, north.state / "models", None)["errand"]
    program = subprocess.Popen(
        [sys.executable, "-c", f"{wrong}import sys; from commands.errand import main; sys.exit(main())"],
        stdin=subprocess.PIPE, text=True,
    )  # fmt: skip
    program.stdin.write(json.dumps(given) + "\n")
    program.stdin.flush()
    assert program.wait(WITHIN_S) == STARTS_ANEW
    assert errands.told_last(north.state).phase is Phase.FOLLOWS
