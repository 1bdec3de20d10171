"""Where the gates of a compound stand on the map: as they were put, and the others beside and below, each alone."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Refusal
from gate.store.compound import gates, site_map
from gate.store.compound.site_map import COLUMNS, ROWS, Place, arranged
from tests.stores import new_store

places = st.builds(Place, st.integers(1, ROWS), st.integers(1, COLUMNS))


@given(st.integers(1, 200), st.lists(places, unique=True, max_size=10))
def test_each_gate_has_a_place_of_its_own_and_whoever_was_put_somewhere_stands_there(many, taken):
    names = [f"g{number}" for number in range(many)]
    put_there = dict(zip([*names[::2], "gone"], taken, strict=False))
    found = arranged(names, put_there)
    assert found.keys() == {*names}
    assert len({*found.values()}) == many
    assert all(found[one] == place for one, place in put_there.items() if one != "gone")
    assert all(1 <= one.column <= COLUMNS and one.row >= 1 for one in found.values())


def test_those_that_nobody_put_anywhere_stand_evenly():
    for many, rows in ((1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [3, 2]), (9, [3, 3, 3]), (10, [4, 4, 2])):
        found = arranged([str(one) for one in range(many)], {})
        there = [sum(one.row == row for one in found.values()) for row in range(1, len(rows) + 1)]
        assert there == rows


def test_no_two_are_put_on_one_place_and_one_that_is_taken_away_leaves_it():
    with closing(new_store()) as centre:
        for one in ("n", "s"):
            gates.add(centre, gates.Gate(one, one, f"U{one}", b"b" * 32, b"s" * 32, "2026-01-01"))
        site_map.put(centre, "n", Place(1, 1))
        site_map.put(centre, "n", Place(1, 2))
        for bad in (Place(1, 2), Place(0, 1), Place(1, COLUMNS + 1), Place(ROWS + 1, 1)):
            with pytest.raises(Refusal):
                site_map.put(centre, "s", bad)
        assert site_map.kept(centre) == {"n": Place(1, 2)}
        gates.remove(centre, gates.get(centre, "n"), by="test")
        site_map.put(centre, "s", Place(1, 2))
        site_map.put(centre, "s", None)
        assert site_map.kept(centre) == {}
