"""PINs and cards in the store: whose they are, and what becomes of them."""

import pytest

from gate.care.backup.stays_revoked import Tombstones, keep_revoked
from gate.errors import Refusal
from gate.store.database import open_database
from gate.store.people import credentials, erasure, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.credentials import MOST_CARDS
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.vocabulary import Method


def finder(number):
    return bytes([number]) * 32


def enrolled(store, name, unit=None):
    return residents.enrol(store, name, unit, [Template("m", "s", {}, b"")], NO_PERSON)


@pytest.fixture
def wang(store):
    return enrolled(store, "Wang Fang", "502")


def test_a_pin_has_one_holder_and_no_other_becomes_it_under_duress(store, wang):
    li = enrolled(store, "Li Na", "502")
    credentials.give_pin(store, wang, "502", finder(1), finder(2), by="test")
    for taken in ((finder(2), finder(3)), (finder(3), finder(1))):
        assert not credentials.is_free_but_for(store, li, taken)
        with pytest.raises(Refusal, match="somebody's already"):
            credentials.give_pin(store, li, "502", *taken, by="test")
    assert credentials.of_resident(store, li.id) == []
    assert credentials.find(store, Method.PIN, finder(2)).duress
    assert credentials.find(store, Method.PIN, finder(9)) is None
    assert credentials.methods_of(store, wang.id) == {Method.PIN}


def test_a_card_is_one_persons_with_a_name_and_not_without_end(store, wang):
    li = enrolled(store, "Li Na")
    credentials.add_card(store, wang, "  Blue \n fob ", finder(1), by="test")
    with pytest.raises(Refusal, match="Wang Fang's already"):
        credentials.add_card(store, li, None, finder(1), by="test")
    for number in range(2, MOST_CARDS + 1):
        credentials.add_card(store, wang, None, finder(number), by="test")
    with pytest.raises(Refusal, match="cards already"):
        credentials.add_card(store, wang, None, finder(99), by="test")
    first = credentials.of_resident(store, wang.id)[0]
    assert (first.label, first.suspended_at, first.method) == ("Blue fob", None, Method.CARD)
    with pytest.raises(Refusal, match="not theirs"):
        credentials.suspend_card(store, li, first.id, by="test")


def test_whoever_is_erased_has_nothing_left_and_every_change_is_on_record(store, wang):
    credentials.give_pin(store, wang, "502", finder(1), finder(2), by="user 1")
    card = credentials.add_card(store, wang, None, finder(3), by="user 1")
    credentials.suspend_card(store, wang, card, by="user 1")
    credentials.suspend_card(store, wang, card, by="pressed twice")
    assert credentials.having(store) == {wang.id: {Method.PIN}}
    credentials.resume_card(store, wang, card, by="user 1")
    credentials.remove_card(store, wang, card, by="user 1")
    credentials.remove_pin(store, wang, by="user 1")
    kinds = ["pin_drawn", "card_added", "card_suspended", "card_resumed", "card_removed", "pin_removed"]
    lines = [line for line in audit.lines(store) if line.kind in kinds]
    assert [line.kind for line in lines] == kinds
    assert {line.details["by"] for line in lines} == {"user 1"}
    assert all(line.personal["name"] == "Wang Fang" for line in lines)
    credentials.give_pin(store, wang, "502", finder(1), finder(2), by="test")
    erasure.remove(store, wang, by="test")
    assert store.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
    assert audit.verify(store) is None


def test_what_was_removed_or_lost_since_a_backup_stays_so(state, store, wang, tmp_path):
    credentials.give_pin(store, wang, "502", finder(1), finder(2), by="test")
    lost, removed, found = (credentials.add_card(store, wang, None, finder(number), by="test") for number in (3, 4, 5))
    credentials.suspend_card(store, wang, found, by="test")
    store.execute("VACUUM INTO ?", (str(tmp_path / "facegate.db"),))
    credentials.suspend_card(store, wang, lost, by="test")
    credentials.remove_card(store, wang, removed, by="test")
    credentials.resume_card(store, wang, found, by="test")
    credentials.remove_pin(store, wang, by="test")
    gone = frozenset(one for (one,) in store.execute("SELECT id FROM gone"))
    (tmp_path / "db").mkdir()
    (tmp_path / "facegate.db").rename(tmp_path / "db" / "facegate.db")
    backup = open_database(tmp_path)
    try:
        dropped = keep_revoked(backup, None, Tombstones((), gone), has_them=True)
        now = {one.id: one.suspended_at for one in credentials.of_resident(backup, wang.id)}
    finally:
        backup.close()
    # A PIN and what it becomes under duress, a card that was removed, and one that was lost.
    assert dropped.credentials == 4
    assert now.keys() == {lost, found}
    assert now[lost] is not None
    # It was lost when the backup was made: where nothing tells that it was found since, it stays so.
    assert now[found] is not None
