"""What a command tells of residents is on record as a look, whatever else it is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from gate.store.people import changes, photo_links, residents
from tests.running import of_kind

pytestmark = pytest.mark.whole

# What each command looks at that shows Li Na: `links draw` passes her over, since she has a link.
TELLING = (
    ("residents", ("residents", "list")),
    ("a resident", ("residents", "show", "Li Na")),
    ("a resident", ("residents", "remove", "Li Na")),
    ("a resident", ("residents", "withdraw", "Li Na")),
    ("residents", ("residents", "together", "moved_out", "Li Na")),
    ("residents", ("tidy",)),
    ("photos", ("links", "list")),
    ("photos", ("links", "draw", "--without-face", "--address", "https://gate.example")),
    ("the record", ("audit", "tail")),
)


@pytest.fixture
def li_na(store):
    """She has a link, and is to be erased soon, since she moved out."""
    person = residents.enrol(store, "Li Na", "3-1204", [])
    photo_links.draw(store, person, "0" * 64, datetime.now(UTC), 7, by="test")
    gone = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()
    moved = changes.change(store, person, changes.Changes(valid_until=gone), by="test")
    # As if it had been set when it was yet to come: else nobody is named before tomorrow.
    store.execute("UPDATE residents SET valid_until_set_on = ?", (gone,))
    return moved


@pytest.mark.parametrize(("what", "command"), TELLING, ids=[" ".join(command) for _, command in TELLING])
def test_whoever_is_told_of_a_resident_by_a_command_is_on_record(facegate, store, li_na, what, command):
    done = facegate(*command)
    assert "Li Na" in done.out + done.err
    assert [line.details["what"] for line in of_kind(store, "looked_at")] == [what]
