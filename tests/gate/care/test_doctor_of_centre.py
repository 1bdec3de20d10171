"""What the doctor says of the centre that a gate follows, and of a centre itself."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gate.care.doctor import services
from gate.care.doctor.finding import Grade
from gate.care.doctor.site import Site
from gate.care.health import Health, Machine
from gate.config import Settings
from gate.fleet import centre_status
from gate.fleet.centre_status import CentreStatus, GateStatus
from gate.fleet.status import LinkStatus, write_status
from gate.state_folder import centre_file
from gate.store.compound import gates, proposals, proposed, recovery, role, succession, taken
from gate.store.compound.gates import Gate
from gate.store.compound.proposals import Because
from gate.store.people import residents

NOW = datetime.now(UTC).isoformat()
WELL = LinkStatus(NOW, "10.0.0.2", "2026-11-27T08:00:00+00:00", cut_off=False, behind=False, entries=3, waiting=0)


@pytest.fixture
def site(state, store):
    health = Health(None, None, Machine(45.0, False, 10**10, 10**10, True))
    return Site(state, Settings(), state, lambda: nullcontext(None), health)


def test_the_doctor_says_whom_a_gate_follows_since_when_it_was_not_heard_and_what_waits(site, store):
    assert services.centre(site) == services.well("This gate follows none.")
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    gone = services.centre(site)
    assert ("is gone, as on another board" in gone.seen, "sudo facegate leave" in gone.do) == (True, True)
    centre_file(site.state).parent.mkdir()
    centre_file(site.state).write_text("{}")
    assert "does not run" in services.centre(site).seen
    residents.enrol(store, "Wang Fang", None, (), by="test")
    write_status(site.state, WELL)
    well = services.centre(site)
    assert (well.grade, well.seen) == (
        Grade.OK, "It follows 10.0.0.2, heard 2026-11-27T08:00:00+00:00; 1 to be sent."
    )  # fmt: skip
    write_status(site.state, replace(WELL, cut_off=True))
    assert services.centre(site).grade is Grade.BAD
    write_status(site.state, replace(WELL, problem="Upgrade this gate."))
    assert services.centre(site).do == "Upgrade this gate."
    write_status(site.state, WELL)
    sent = proposals.following(store)
    taken.take_answer(store, proposed.refused(sent, Because.NAMESAKE), sent)
    assert "Of 1 of the residents not all was taken" in services.centre(site).seen


def test_a_centre_says_whether_it_has_a_second_one_and_how_far_that_is(site, store):
    role.become_centre(store)
    assert services.centre(site).seen.endswith("There is no second centre.")
    second = Gate("s", "second", "US", b"b" * 32, b"s" * 32, NOW, second_at="10.0.0.3:7422")
    gates.add(store, second)
    assert services.centre(site).grade is Grade.LOOK
    now = datetime.now(UTC).isoformat()
    heard = GateStatus(now, behind=False, entries=3, waiting=0)
    centre = CentreStatus(now, 1, 3, connected=True, due=0, gates={"s": heard})
    centre_status.write_status(site.state, centre)
    assert (services.centre(site).grade, "has all of the register" in services.centre(site).seen) == (Grade.OK, True)
    centre_status.write_status(site.state, replace(centre, gates={"s": replace(heard, behind=True)}))
    assert "not all of the register" in services.centre(site).seen


def test_a_centre_says_what_is_wrong_with_the_brokers_beside_its_own(site, store):
    role.become_centre(store)
    north, east = (
        Gate(name, name, f"U{name}", b"b" * 32, b"s" * 32, NOW, broker_at=f"10.0.0.{host}:7422", broker_pin="aa")
        for host, name in enumerate(("north", "east"), start=3)
    )
    gates.add(store, north)
    assert "Invite one more gate" in services.centre(site).do
    gates.add(store, east)
    status = CentreStatus(NOW, 1, 3, connected=True, due=0, brokers_away=("east",))
    for now, said in (
        (status, "at east is not reached: until it is, the centre's own alone"),
        (replace(status, clustered=True, own_broker_away=True), "the centre's own is not reached by the other two"),
        (replace(status, clustered=True), "at east is not reached, and the other two go on"),
        (replace(status, clustered=True, brokers_away=("east", "north")), "nothing is passed on until one"),
    ):
        centre_status.write_status(site.state, now)
        assert said in services.centre(site).do
    centre_status.write_status(site.state, replace(status, brokers_away=()))
    assert services.centre(site).grade is Grade.OK
    gates.forget_brokers(store)
    assert gates.with_brokers(gates.every(store)) == []


def test_a_second_centre_says_how_it_takes_the_first_ones_place_and_a_former_one_that_another_leads(site, store):
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    succession.be_second(store, "10.0.0.3:7422")
    assert "centre promote" in services.centre(site).do
    centre_file(site.state).parent.mkdir()
    centre_file(site.state).write_text("{}")
    write_status(site.state, WELL)
    assert services.centre(site).seen.startswith("This is the second centre.")
    write_status(site.state, replace(WELL, cut_off=True))
    assert "facegate centre promote" in services.centre(site).do
    succession.promote(store, by="test")
    recovery.end(store)
    assert succession.stand_down(store, 10_000_000)
    assert "Another centre leads" in services.centre(site).seen


def test_a_centre_that_came_back_from_a_backup_is_to_be_mended_until_it_has_what_it_lost(site, store):
    role.become_centre(store)
    assert services.centre(site).grade is Grade.OK
    assert recovery.begin(store, None)
    assert "came back from a backup" in services.centre(site).seen
    recovery.end(store)
    assert services.centre(site).grade is Grade.OK
