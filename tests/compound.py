"""Stores of a centre and its gates in memory, and what goes from one to the other, without a broker."""

from gate.store.compound import outbox, proposals, proposed, requests, role, taken
from gate.store.compound.revoking import revoke_for_ever
from gate.store.people import templates
from gate.store.people.consents import Consent, Way
from tests.stores import new_store

EVERY_GATE = Consent("face-3", "en", "", Way.TOLD, "test")
THIS_GATE = Consent("face-2", "en", "", Way.TOLD, "test")
FACE = templates.Template("m", "photo", {"light": 0.5}, b"\0\0\x80?" + bytes(12))


def following():
    made = new_store()
    role.follow(made, b"s" * 16, "centre", by="test")
    return made


def publish(centre):
    """All that is due, as it goes out."""
    sent = []
    while batch := outbox.due(centre, 10):
        sent += batch
        outbox.published(centre, [(one, 1 + len(sent)) for one in batch])
    return sent


def take(gate, *sent):
    return [taken.take(gate, one.kind, one.version, one.entry) for one in sent]


def rows(store, table, order="id"):
    return store.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()


def people(store):
    return [row[1:] for row in rows(store, "residents")]


def answer(gate, centre, by="gate north", name="north"):
    """All that a gate proposes goes to its centre, and the answers come back; why something was not taken, by ids."""
    why, seen = {}, set()
    for proposal in iter(lambda: proposals.following(gate), None):
        assert (proposal.entry.id, proposal.number) not in seen, "it is asked for ever"
        seen.add((proposal.entry.id, proposal.number))
        told = proposed.judge(centre, proposal, name, by=by)
        if told.because:
            why[told.id] = told.because
        assert taken.take_answer(gate, told, proposal)
    return why


def revoke_at(centre, gate):
    """What was revoked at a gate goes to its centre, which says so itself when it publishes next."""
    for _, identity in requests.waiting(gate):
        revoke_for_ever(centre, identity, by="gate north")
        outbox.say_revoked(centre, identity)
