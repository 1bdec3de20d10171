"""The sums by which two registers are compared are those of what is there, whatever was written and by which words."""

import hashlib
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.store.compound import items
from gate.store.database import migrated_up_to, transaction
from tests.stores import new_store

PUT = "INTO register (kind, id, epoch, version) VALUES (?1, ?2, ?3, ?4)"
WORDS = {
    "replaced": f"INSERT OR REPLACE {PUT}",
    "ignored": f"INSERT OR IGNORE {PUT}",
    "counted on": f"INSERT {PUT} ON CONFLICT (kind, id) DO UPDATE SET version = version + 1, epoch = excluded.epoch",
    "changed": "UPDATE OR REPLACE register SET epoch = ?3, version = ?4 WHERE kind = ?1 AND id = ?2",
    "published": "UPDATE register SET due = NULL, sequence = ?4 + ?3 WHERE kind = ?1 AND id = ?2",
    "removed": "DELETE FROM register WHERE kind = ?1 AND id = ?2 AND ?3 = ?3 AND ?4 = ?4",
    "all of an epoch removed": "DELETE FROM register WHERE epoch = ?3 AND ?1 = ?1 AND ?2 = ?2 AND ?4 = ?4",
    "all of a later epoch": "UPDATE register SET epoch = ?3, due = ?4 WHERE ?1 = ?1 AND ?2 = ?2",
}
EPOCHS = range(1, 4)
deeds = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([*WORDS]), st.sampled_from(["resident", "template", "pass"]), st.sampled_from("abc"),
            st.sampled_from(EPOCHS), st.integers(1, 3),
        ),
        st.sampled_from(["summed up", "summed anew", "given up"]),
    ),
    max_size=30,
)  # fmt: skip


def counted(store):
    """All that is there, counted by hand: of each epoch how many, and the sum of their digests."""
    entries, totals = Counter(), Counter()
    for kind, identity, epoch, version in store.execute("SELECT kind, id, epoch, version FROM register"):
        if kind != "pass":
            entries[epoch] += 1
            said = f"{kind}\0{identity}\0{epoch}\0{version}".encode()
            totals[epoch] += int.from_bytes(hashlib.sha256(said).digest(), "big")
    return {one: items.State(one, entries[one], f"{totals[one] % (1 << 256):064x}") for one in EPOCHS}


@given(deeds)
def test_the_sums_are_those_of_what_is_there_whatever_was_written(done):
    with closing(new_store()) as store:
        for deed in done:
            if deed == "summed up":
                items.sum_up(store, 1)
            elif deed == "summed anew":
                items.sum_anew(store)
            elif deed == "given up":
                with pytest.raises(ZeroDivisionError), transaction(store):
                    store.execute(WORDS["replaced"], ("resident", "a", 3, 3))
                    items.sum_up(store, 1)
                    raise ZeroDivisionError
            else:
                store.execute(WORDS[deed[0]], deed[1:])
            assert {one: items.state(store, one) for one in EPOCHS} == counted(store)
        rows = store.execute("SELECT epoch FROM register").fetchall()
        assert items.count(store) == len(rows)
        for one in EPOCHS:
            assert items.has_older(store, one) == any(epoch < one for (epoch,) in rows)


def test_to_compare_a_large_register_reads_hardly_anything_of_it():
    with closing(new_store()) as store:
        store.executemany(f"INSERT {PUT}", [("resident", str(one), 1, 1) for one in range(20_000)])
        items.sum_up(store)
        steps = []
        store.set_progress_handler(lambda: steps.append(1), 100)
        known = items.state(store, 1)
        assert (known.entries, items.count(store), items.has_older(store, 1)) == (20_000, 20_000, False)
        assert len(steps) < 20
        store.set_progress_handler(None, 0)
        assert known == counted(store)[1]


def test_few_changes_are_not_written_down_and_many_are():
    with closing(new_store()) as store:
        store.executemany(f"INSERT {PUT}", [("resident", str(one), 1, 1) for one in range(499)])
        before = store.total_changes
        items.sum_up(store)
        assert store.total_changes == before
        store.execute(f"INSERT {PUT}", ("resident", "one more", 1, 1))
        items.sum_up(store)
        assert store.execute("SELECT count(*) FROM register_moved").fetchone() == (0,)
        assert items.state(store, 1) == counted(store)[1]


def test_sums_that_somebody_else_wrote_are_counted_anew():
    with closing(new_store()) as store:
        store.execute(f"INSERT {PUT}", ("resident", "a", 1, 1))
        items.sum_up(store, 1)
        store.execute("UPDATE register_sums SET entries = 7, digest = ?", ("f" * 64,))
        assert items.state(store, 1) != counted(store)[1]
        items.sum_anew(store)
        assert items.state(store, 1) == counted(store)[1]
        before = store.total_changes
        items.sum_anew(store)
        assert store.total_changes == before, "what is right is not written again"


def test_a_register_of_before_is_counted_by_the_step_that_brings_the_sums():
    with closing(migrated_up_to(Path(":memory:"), 47)) as store:
        rows = [("resident", "a", 1, 2), ("template", "b", 1, 1), ("consent", "c", 2, 1), ("pass", "d", 1, 1)]
        store.executemany(f"INSERT {PUT}", rows)
        script = next((Path(items.__file__).parents[1] / "migrations").glob("0048_*.sql"))
        store.executescript(script.read_text("utf-8"))
        assert {one: items.state(store, one) for one in EPOCHS} == counted(store)
        assert (items.count(store), items.has_older(store, 2), items.has_older(store, 1)) == (4, True, False)
