"""Whose a name is, in whichever writing and script, among however many, and in databases of before."""

from contextlib import closing

import pytest

from gate.care.backup import make
from gate.care.backup.restore import restore
from gate.errors import Refusal
from gate.names import clean_name
from gate.store.database import migrated_up_to, open_copy, open_database, transaction
from gate.store.people import changes, namesakes, residents
from gate.store.people.changes import Changes

# As somebody is called, and as somebody else writes it.
WRITINGS = {
    "Li Wei": "ＬＩ  wei",
    "Élodie Müller": "ÉLODIE MÜLLER",
    "王小明": "王小明 ",
    "阿依古丽·买买提": "阿依古丽·买买提",
    "Ελένη": "ΕΛΈΝΗ",
    "Иван Петров": "иван петров",
    "ﬁona Straße": "FIONA STRASSE",
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627": "\u0639\u0644\u06cc\u0631\u0636\u0627",
}


def steps_of(store, ask):
    """How many steps of SQLite's own it takes, whatever else the machine does."""
    taken = []
    store.set_progress_handler(lambda: taken.append(1), 1)
    ask()
    store.set_progress_handler(None, 1)
    return len(taken)


@pytest.mark.parametrize("name", ["Person {}", "王{}", "Élodie {}"])
def test_whose_a_name_is_costs_as_much_among_a_thousand_as_among_ten(store, name):
    def among(first, last):
        with transaction(store):
            for number in range(first, last):
                residents.enrol(store, name.format(chr(0x4E00 + number)), f"1-{number}", [])
        with pytest.raises(Refusal, match="already enrolled"):
            namesakes.refuse(store, name.format(chr(0x4E03)), "1-3")
        return steps_of(store, lambda: namesakes.refuse(store, name.format("nobody"), "1-3"))

    few = among(0, 10)
    assert among(10, 1_000) <= few + 10


@pytest.mark.parametrize(("name", "again"), WRITINGS.items())
def test_a_database_of_yesterday_finds_each_name_in_another_writing(tmp_path, name, again):
    path = tmp_path / "facegate.db"
    with closing(migrated_up_to(path, 22)) as old:
        old.execute("INSERT INTO gate (only_row, id) VALUES (1, 'g')")
        row = "INSERT INTO residents (id, name, unit, created_at) VALUES (?, ?, '3-1', '2026-01-01')"
        old.executemany(row, [("r", clean_name(name)), ("q", "Zhao Min")])
    with closing(open_copy(path)) as store:
        assert namesakes.find(store, again, None).id == "r"
        with pytest.raises(Refusal, match="already enrolled"):
            namesakes.refuse(store, again, "3栋1")


@pytest.mark.parametrize(("name", "again"), WRITINGS.items())
def test_whoever_is_renamed_is_found_by_the_new_name_alone(store, name, again):
    someone = residents.enrol(store, "Zhao Min", "3-1", [])
    changes.change(store, someone, Changes(name=name), by="test")
    assert namesakes.find(store, again, None).id == someone.id
    assert namesakes.find(store, "Zhao Min", None) is None


def test_a_name_that_another_program_wrote_is_compared_as_it_stands(store):
    someone = residents.enrol(store, "Zhao Min", "3-1", [])
    store.execute("UPDATE residents SET name = 'Élodie'")
    assert namesakes.find(store, "élodie", None).id == someone.id
    assert namesakes.find(store, "Zhao Min", None) is None
    store.execute("INSERT INTO residents (id, name, created_at) VALUES ('r', '王小明', '2026-01-01')")
    assert namesakes.find(store, "王小明", None).id == "r"


def test_what_a_backup_says_of_a_name_beside_it_is_not_believed(state, tmp_path):
    with closing(open_database(state)) as store:
        someone = residents.enrol(store, "Élodie", "3-1", [])
        store.execute("UPDATE residents SET folded_name = 'zhao min'")
    restore(make(state, tmp_path / "b", None).path, state)
    with closing(open_database(state)) as store:
        assert namesakes.find(store, "élodie", None).id == someone.id
        assert namesakes.find(store, "Zhao Min", None) is None
