"""No template without a consent, and none left when it is withdrawn."""

import sqlite3
from contextlib import closing
from importlib import resources

import pytest

from gate.errors import Refusal
from gate.store.database import open_database
from gate.store.people import consents, erasure, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.people.templates import Template
from gate.store.record import audit

TOLD = Consent("face-1", "en", "00", Way.PAPER, "uid 1", guardian="Wang Unmistakable")
MARK = bytes(range(256))


def template():
    return Template("m", "photo a.jpg", {}, MARK)


def test_a_template_without_a_consent_is_refused_in_words_and_by_the_database_itself(store):
    with pytest.raises(Refusal, match="has not agreed"):
        residents.enrol(store, "Wang Fang", None, [template()])
    assert residents.every(store) == []
    someone = residents.enrol(store, "Wang Fang", None, [])
    with pytest.raises(sqlite3.IntegrityError, match="no template without a recorded consent"):
        store.execute(
            "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at)"
            " VALUES ('t', ?, 'm', 's', '{}', x'00', '')",
            (someone.id,),
        )


def test_a_consent_is_kept_as_it_was_given_and_is_on_record(store):
    someone = residents.enrol(store, "Wang Fang", None, [template()], TOLD)
    (kept,) = consents.of(store, someone.id)
    assert (kept.consent, kept.withdrawn_at) == (TOLD, None)
    (line,) = audit.lines(store)
    assert line.details == {"templates": 1, "consent": "face-1", "language": "en", "way": "paper"}
    more = residents.add_templates(store, someone, [template()])
    assert more.templates == 2, "one that holds is enough for more photos"


def test_withdrawal_erases_and_leaves_the_person_living_here(store, state):
    someone = residents.enrol(store, "Wang Fang", "3-1204", [template()], TOLD)
    before = templates.version(store)
    receipt = erasure.withdraw(store, someone, by="test")
    assert (receipt.templates, receipt.personal_fields) == (1, 3)
    assert templates.version(store) > before
    assert residents.get(store, someone.id).templates == 0
    assert not consents.standing(store, someone.id)
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK not in everything
    assert b"Unmistakable" not in everything
    assert audit.verify(store) is None
    last = list(audit.lines(store))[-1]
    assert (last.id, last.kind, last.personal) == (receipt.id, "consent_withdrawn", {})


def test_after_a_withdrawal_a_new_consent_is_needed(store):
    someone = residents.enrol(store, "Wang Fang", None, [template()], TOLD)
    erasure.withdraw(store, someone, by="test")
    with pytest.raises(Refusal, match="no consent that could be withdrawn"):
        erasure.withdraw(store, someone, by="test")
    with pytest.raises(Refusal, match="has not agreed"):
        residents.add_templates(store, someone, [template()])
    assert residents.add_templates(store, someone, [template()], TOLD).templates == 1


def test_whoever_was_enrolled_before_consents_were_kept_is_marked_so(state):
    folder = resources.files("gate.store") / "migrations"
    state.mkdir()
    with closing(sqlite3.connect(state / "facegate.db", isolation_level=None)) as old:
        for name in ("0001_store.sql", "0002_schedules.sql"):
            script = next(entry for entry in folder.iterdir() if entry.name.startswith(name[:4]))
            old.executescript(script.read_text("utf-8"))
        old.execute("INSERT INTO residents (id, name, created_at) VALUES ('r', 'Wang Fang', '2026-01-01')")
        old.execute("INSERT INTO residents (id, name, created_at) VALUES ('q', 'Li Na', '2026-01-01')")
        old.execute("INSERT INTO templates VALUES ('t', 'r', 'm', 's', '{}', x'00', '2026-01-01')")
        old.execute("PRAGMA user_version = 2")
    with closing(open_database(state)) as connection:
        (kept,) = consents.of(connection, "r")
        assert (kept.consent.way, kept.consent.text) == (Way.NONE, "not recorded")
        assert consents.of(connection, "q") == []
