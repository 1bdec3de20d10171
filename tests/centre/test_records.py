"""What gates tell of their records, as the centre keeps it: many at once, each answered when the disk has it."""

import asyncio
import hashlib
import json
from contextlib import closing
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from centre.followers import Followers
from centre.records import Records
from centre.secrets import first_secrets
from gate.fleet import keys, messages
from gate.fleet.envelopes import signed
from gate.fleet.messages import Told
from gate.store.compound import allowance, carried, forgotten, gates, role
from gate.store.compound.forgotten import Forgotten
from gate.store.compound.gates import Gate
from gate.store.database import open_read_only
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.stores import new_store

COUNT, LINES = 30, 40


def seed_of(number):
    return bytes([number]) * 32


def told_by(number, lines=LINES):
    """What the gate with this number has on record since it joined."""
    with closing(new_store(gate=f"g{number}")) as store:
        role.follow(store, b"s" * 16, "centre", by="test")
        for _ in range(lines - 1):
            audit.append(store, AuditEvent(Kind.CENTRE_LOST))
        return Told(tuple(carried.after(store, carried.began(store), lines)))


class Desk:
    """The centre's side, and the gates that tell it something in one moment."""

    def __init__(self, store, state, secrets):
        self.store, self.state, self.secrets = store, state, secrets
        self.followers = Followers(store, secrets)
        self.followers.know({one.id: one for one in gates.every(store)})
        self.answered, self.turns = [], 0
        self._records = Records(store, secrets, self.followers)

    def message(self, number, told, signer=None):
        data = messages.TOLD.data(
            told, keys.box_public(self.secrets.box_seed), keys.signer(signer or seed_of(number))
        )  # fmt: skip

        async def answered(answer):
            held = messages.HELD.of(answer, keys.signer(self.secrets.signer_seed).public_key())
            with closing(open_read_only(self.state)) as reader:
                kept = carried.held(reader, held.gate)
            on_disk = 0 if kept is None else kept.sequence
            self.answered.append((number, held.sequence, on_disk, self.turns))

        return SimpleNamespace(subject=f"record.g{number}", data=data, respond=answered)

    def hear(self, *said, meanwhile=lambda: None):
        """All of it in one moment; `meanwhile` happens before any is looked at."""
        asyncio.run(asyncio.wait_for(self._hear(said, meanwhile), 20))

    async def _hear(self, said, meanwhile):
        heard = {}

        async def subscribe(subject, cb):
            heard[subject] = cb

        await self._records.listen(SimpleNamespace(subscribe=subscribe))
        for one in said:
            await heard["record.*"](one)
        meanwhile()
        keeping, others = asyncio.create_task(self._records.keep()), asyncio.create_task(self._have_turns())
        while self._records._waiting:
            await asyncio.sleep(0)
        keeping.cancel()
        others.cancel()
        await asyncio.wait((keeping, others))

    async def _have_turns(self):
        while True:
            self.turns += 1
            await asyncio.sleep(0)


@pytest.fixture
def desk(store, state, tmp_path):
    role.become_centre(store)
    for number in range(COUNT):
        gates.add(store, Gate(
            f"g{number}", f"Gate {number}", f"U{number}", b"b" * 32, keys.signer_public(seed_of(number)),
            "2026-11-27T08:00:00+00:00",
        ))  # fmt: skip
    return Desk(store, state, first_secrets(tmp_path))


def test_each_gate_is_answered_once_the_disk_has_its_lines_and_others_have_their_turn_between(desk):
    desk.hear(*(desk.message(number, told_by(number)) for number in range(COUNT)))
    assert [number for number, *_ in desk.answered] == [*range(COUNT)]
    for number, sequence, on_disk, _ in desk.answered:
        assert (sequence, on_disk) == (LINES, LINES), number
    first, last = desk.answered[0][3], desk.answered[-1][3]
    assert last > first, "nobody else was heard until all lines were kept"


def test_one_write_to_the_disk_takes_what_many_gates_tell(desk):
    writes = []
    desk.store.set_trace_callback(writes.append)
    desk.hear(*(desk.message(number, told_by(number, lines=1)) for number in range(COUNT)))
    assert len(desk.answered) == COUNT
    assert writes.count("COMMIT") < COUNT / 2


def test_what_is_not_a_gates_own_is_not_kept_and_hinders_no_other(desk, caplog):
    nonsense = desk.message(2, told_by(2))
    nonsense.data = nonsense.data[:-1]
    anothers = desk.message(3, told_by(4))
    nobody = desk.message(COUNT, told_by(0), signer=seed_of(0))
    forged = desk.message(1, told_by(1), signer=seed_of(0))
    desk.hear(desk.message(0, told_by(0)), forged, nonsense, anothers, nobody, desk.message(5, told_by(5)))
    assert [(number, sequence) for number, sequence, *_ in desk.answered] == [(0, LINES), (3, 0), (5, LINES)]
    assert {line.gate_id for line in carried.last(desk.store, 1000)} == {"g0", "g5"}
    assert "Gate 1" in caplog.text
    assert "Gate 2" in caplog.text


@pytest.mark.parametrize(
    "altered",
    [
        {"sequence": 1 << 70}, {"sequence": 10**15}, {"kind": "\ud800"}, {"details": "\ud800"}, {"boot_id": "\0"},
        {"commitments": "[" * 100_000}, {"details": "[" * 100_000}, {"commitments": "7"}, {"mono": 1e400},
        {"clock_trusted": 1 << 40}, {"id": "x" * 900_000},
    ],
    ids=lambda altered: f"{altered}"[:30],
)  # fmt: skip
def test_what_a_stolen_gate_tells_in_its_own_name_hinders_no_other(desk, altered):
    """Its chain is its own to make, and its hashes are right."""
    first = asdict(told_by(1, lines=1).lines[0]) | {"personal": (), "gate_id": "g1"} | altered
    first["previous"] = "0" * 64
    row = {name: value for name, value in first.items() if name not in ("personal", "hash")}
    said = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    first["hash"] = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()
    told = json.dumps({"lines": [first], "forgotten": [], "begins": False}).encode()
    hostile = desk.message(1, Told())
    hostile.data = keys.seal_to(
        keys.box_public(desk.secrets.box_seed), signed(messages.TOLD.purpose, told, keys.signer(seed_of(1)))
    )  # fmt: skip
    desk.hear(desk.message(0, told_by(0)), hostile, desk.message(2, told_by(2)))
    assert {0, 2} <= {number for number, sequence, *_ in desk.answered if sequence == LINES}


def test_lines_and_what_they_prove_are_kept_together_or_not_at_all(desk):
    told = told_by(0)
    proof = Forgotten("r1", 1, told.lines[0].hash)
    desk.store.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON forgotten_at BEGIN SELECT raise(ABORT, 'no room'); END"
    )
    desk.hear(desk.message(0, Told(told.lines, (proof,))), desk.message(1, told_by(1)))
    assert [number for number, *_ in desk.answered] == [1]
    assert {line.gate_id for line in carried.last(desk.store, 1000)} == {"g1"}
    desk.store.execute("DROP TRIGGER full")
    desk.hear(desk.message(0, Told(told.lines, (proof,))))
    assert desk.answered[-1][:2] == (0, LINES)
    assert desk.store.execute("SELECT id, gate_id FROM forgotten_at").fetchall() == [("r1", "g0")]


def test_a_gate_that_tells_again_what_waits_is_answered_once(desk):
    desk.hear(desk.message(0, told_by(0)), desk.message(1, told_by(1)), desk.message(0, told_by(0)))
    assert sorted(number for number, *_ in desk.answered) == [0, 1]
    assert len(carried.last(desk.store, 1000, "g0")) == LINES


def test_nothing_is_kept_of_a_gate_that_was_taken_away_while_it_waited(desk):
    left = {one.id: one for one in gates.every(desk.store) if one.id != "g0"}
    desk.hear(
        desk.message(0, told_by(0)), desk.message(1, told_by(1)), meanwhile=lambda: desk.followers.know(left)
    )  # fmt: skip
    assert [number for number, *_ in desk.answered] == [1]
    assert carried.held(desk.store, "g0") is None


def test_a_gate_of_whose_record_too_much_comes_is_named(desk, monkeypatch, caplog):
    monkeypatch.setattr(allowance, "A_DAY", 0)
    desk.hear(desk.message(0, told_by(0)))
    assert [one.message for one in caplog.records if "centre remove GATE --stolen" in one.message] != []
    assert forgotten.standing(desk.store, 1) == []
