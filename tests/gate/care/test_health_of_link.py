"""What a gate that follows a centre says of the line to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gate.care.health import gather, of_centre, of_link
from gate.fleet.centre_status import CentreStatus
from gate.fleet.status import LinkStatus, read_status, write_status
from gate.state_folder import centre_file
from gate.store.compound import role

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
WELL = LinkStatus(NOW.isoformat(), "10.0.0.2", NOW.isoformat(), cut_off=False, behind=False, entries=3, waiting=0)


def test_a_link_that_hears_its_centre_is_well_and_one_that_does_not_says_so():
    assert of_link(WELL, NOW) == []
    for away in (None, replace(WELL, cut_off=True), replace(WELL, at="nonsense")):
        assert "centre was not heard lately" in of_link(away, NOW)[0]
    assert "not heard lately" in of_link(WELL, NOW + timedelta(minutes=2))[0]
    assert "must be mended" in of_link(replace(WELL, problem="x"), NOW)[0]


def test_a_former_centre_says_that_another_leads_for_as_long_as_it_runs_itself():
    centre = CentreStatus(NOW.isoformat(), 1, 3, connected=False, due=0)
    assert of_centre(None, NOW) == of_centre(centre, NOW) == []
    former = replace(centre, superseded=True)
    assert "Another centre leads" in of_centre(former, NOW)[0]
    assert of_centre(former, NOW + timedelta(minutes=2)) == []


def test_a_gate_that_follows_and_knows_no_more_whom_says_so(state, store):
    assert not any("centre" in one for one in gather(state, by_face=False).problems)
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    assert any("centre must be mended" in one for one in gather(state, by_face=False).problems)


def test_a_gate_without_a_centre_says_nothing_of_one(state):
    state.mkdir()
    assert not any("centre" in one for one in gather(state, by_face=False).problems)
    centre_file(state).parent.mkdir()
    centre_file(state).write_text("{}")
    assert any("centre was not heard lately" in one for one in gather(state, by_face=False).problems)
    write_status(state, replace(WELL, at=datetime.now(UTC).isoformat()))
    assert read_status(state).entries == 3
    assert not any("centre" in one for one in gather(state, by_face=False).problems)
