"""What the api does by itself, each minute and at night."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from api.chores import forget_what_is_over, tidy_where_due
from gate.store.database import open_read_only
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from tests.console import context_on


def at(day, hour):
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_once_a_night_in_the_gates_own_zone_and_only_by_a_clock_that_is_trusted(state, store):
    context = context_on(state, settings={"door": {"zone": "Asia/Shanghai"}})
    assert tidy_where_due(context, at(24, 18), trusted=True) is None, "02:00 there"
    assert tidy_where_due(context, at(24, 19), trusted=False) is None
    assert tidy_where_due(context, at(24, 19), trusted=True) is not None
    store.execute("UPDATE audit SET at = '2026-11-24T19:00:00.000+00:00'")
    assert tidy_where_due(context, at(25, 10), trusted=True) is None, "the same day there"
    assert tidy_where_due(context, at(25, 19), trusted=True) is not None


def test_a_night_that_was_done_by_a_clock_that_ran_ahead_keeps_no_other_waiting(state, store):
    context = context_on(state, settings={"door": {"zone": "Asia/Shanghai"}})
    assert tidy_where_due(context, at(24, 19), trusted=True) is not None
    store.execute("UPDATE audit SET at = '2031-01-01T19:00:00.000+00:00'")
    assert tidy_where_due(context, at(25, 19), trusted=True) is not None
    store.execute(
        "UPDATE audit SET at = '2026-11-25T19:00:00.000+00:00' WHERE sequence = (SELECT max(sequence) FROM audit)"
    )
    assert tidy_where_due(context, at(25, 20), trusted=True) is None


def test_whoever_is_erased_while_somebody_reads_is_gone_from_the_log_a_minute_after(browser, store, state, context):
    for name in ("Unmistakable", "Li Na", "Li Ming"):
        residents.enrol(store, name, None, [])

    def is_in_a_file():
        return any(b"Unmistakable" in path.read_bytes() for path in state.rglob("*") if path.is_file())

    with closing(open_read_only(state)) as reader:
        lines = audit.lines(reader)
        next(lines)
        answer = browser("manager").ask("DELETE", f"/api/v1/residents/{residents.find(store, 'Unmistakable').id}")
        forget_what_is_over(context, datetime.now(UTC))
        assert (answer.status_code, is_in_a_file()) == (200, True)
        lines.close()
        forget_what_is_over(context, datetime.now(UTC))
    assert not is_in_a_file()


def test_the_pages_say_who_is_to_be_erased(browser, store):
    one = residents.enrol(store, "Wang Fang", None, [])
    last = datetime.now(UTC) - timedelta(days=10)
    change(store, one, Changes(valid_until=last.date().isoformat()), by="test")
    store.execute("UPDATE residents SET valid_until_set_on = '2026-10-01'")
    manager, gone = browser("manager"), last + timedelta(days=31)
    told = f"They will be erased on {gone:%b} {gone.day}, {gone.year}, since their last day is over by then."
    for page in ("/residents", f"/residents/{one.id}"):
        assert told in manager.get(page).text
    change(store, one, Changes(valid_until=""), by="test")
    assert "will be erased" not in manager.get("/residents").text


def test_tidying_by_hand_is_shown_first(facegate, store):
    one = residents.enrol(store, "Wang Fang", None, [])
    change(store, one, Changes(valid_until="2026-01-01"), by="test")
    store.execute("UPDATE residents SET valid_until_set_on = '2026-01-01'")
    shown = facegate("tidy")
    assert "Wang Fang" in shown.out
    assert "moved out" in shown.out
    assert len(residents.every(store)) == 1
    done = facegate("tidy", "--yes", "--json")
    # A test machine's clock may have nobody to vouch for it.
    if done.code == 1:
        assert "clock is not to be trusted" in done.err
    else:
        assert done.answer["people"] == 1
        assert residents.every(store) == []
        assert audit.verify(store) is None
        assert facegate("audit", "verify").code == 0
