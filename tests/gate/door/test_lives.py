"""The door by long random lives: no rule is broken in any, and a late caller changes no outcome."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gate.door.machine import at_rest, due_mono, step
from gate.door.states import (
    FIRES,
    OPEN_MODES,
    PULSES,
    STANDING,
    Answer,
    Door,
    Energise,
    Event,
    Happening,
    Hold,
    Leaf,
    Mode,
    Note,
    Release,
)
from gate.vocabulary import Reason
from tests.gate.door.stories import ASKS, POLICIES, REPORTING, answers


class Life:
    """Runs a door and holds, after every step, what must never be otherwise."""

    def __init__(self, policy):
        self.policy, self.door, self.now = policy, Door(), 0.0
        self.on_since, self.held = None, False
        self.grants, self.outcomes, self.alarms = set(), [], set()
        self.steps = 0

    def step(self, event, waited):
        before, self.now = self.door, self.now + waited
        grant = f"g{self.steps}"
        # What was due happens first, as `step` does it too.
        self.door, outputs = step(before, Happening(Event.TIME), self.now, self.policy)
        self.tell(outputs, Event.TIME)
        before = self.door
        rested = at_rest(before, self.now, self.policy)
        self.door, outputs = step(before, Happening(event, grant, "rex_stuck"), self.now, self.policy)
        said = answers(outputs)
        if rested and event is Event.CREDENTIAL:
            assert said == [Answer.GRANTED]
        if Answer.ALONG in said:
            assert before.party in self.grants
            assert not [o for o in outputs if isinstance(o, Energise | Hold)]
        if Answer.GRANTED in said and event is not Event.HOLD:
            self.grants.add(grant)
        if Answer.OPEN_ALREADY in said and event in ASKS:
            self.grants.add(grant)
        self.tell(outputs, event, before)
        self.rank(event, before, said)
        self.steps += 1

    def tell(self, outputs, event, before=None):
        for output in outputs:
            match output:
                case Energise(seconds):
                    assert self.on_since is None, "a second pulse while one runs"
                    assert seconds <= self.policy.max_pulse_s
                    if event in ASKS:
                        assert not before.interlocked
                    if event in (*ASKS, Event.REX) and self.policy.operator:
                        assert not before.moves
                        assert self.now >= before.travel_until_mono
                        assert not (self.policy.toggles and before.ajar)
                    self.on_since = self.now
                case Release():
                    assert self.on_since is not None
                    self.on_since = None
                case Hold(on):
                    assert on != self.held
                    self.held = on
                case Note("passage", details):
                    assert details["grant"] in self.grants
                    self.outcomes.append(details["grant"])
                case Note(kind, _) if kind.startswith("door_"):
                    if kind.endswith("_over"):
                        self.alarms.remove(kind.removesuffix("_over"))
                    else:
                        assert kind not in self.alarms
                        self.alarms.add(kind)
        mode, policy = self.door.mode, self.policy
        assert (self.on_since is not None) == (mode in PULSES or (mode is Mode.FIRE and not policy.hold_relay))
        assert self.held == (policy.hold_relay and mode in OPEN_MODES)
        if self.door.until_mono is not None:
            assert 0 < self.door.until_mono - self.now <= policy.max_pulse_s + 1e-9
        assert len(self.outcomes) == len(set(self.outcomes))
        waiting = {self.door.awaited.grant} if self.door.awaited else set()
        assert self.grants - set(self.outcomes) == waiting
        alarm = {Leaf.PRE_ALARM, Leaf.HELD_OPEN, Leaf.FORCED} & {self.door.leaf}
        assert self.alarms == {f"door_{leaf}" for leaf in alarm}
        stuck = self.door.leaf in (Leaf.OPEN, Leaf.PRE_ALARM) and mode not in OPEN_MODES
        assert (self.door.leaf_until_mono is not None) == stuck

    def rank(self, event, before, said):
        mode, standing = self.door.mode, self.door.standing
        if Mode.FIRE in standing:
            assert mode in FIRES
        elif mode in PULSES:
            if Mode.LOCKDOWN in standing or Mode.TAMPER_BLOCK in standing:
                assert mode is Mode.EGRESS
        else:
            assert mode is next((m for m in STANDING if m in standing), Mode.NORMAL)
        if event is Event.REX:
            assert not any(isinstance(answer, Reason) for answer in said)
            assert mode in PULSES or mode in OPEN_MODES or said == [Answer.WAITS] or before.ajar
        if before.mode in (Mode.LOCKDOWN, Mode.TAMPER_BLOCK) and event in ASKS:
            assert isinstance(said[0], Reason)
        if event is Event.OPENED and before.leaf is Leaf.SHUT:
            assert self.door.leaf in (Leaf.OPEN, Leaf.FORCED)
        if event is Event.STOP:
            assert mode is Mode.NORMAL
            assert self.on_since is None
            assert not self.held


HAPPENS = [event for event in Event if event not in (Event.PULSE_OVER, Event.OPEN_TOO_LONG, Event.UNLOCKED,
                                                     Event.PASSAGE_OVER, Event.MOVES_TOO_LONG)]  # fmt: skip
waits = st.one_of(st.floats(0, 4), st.sampled_from([0.0, 0.25, 3.0, 5.0, 31.0, 2000.0]))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(POLICIES), st.lists(st.tuples(st.sampled_from(HAPPENS), waits), max_size=60))
def test_no_short_life_breaks_a_rule(policy, history):
    life = Life(policy)
    for event, waited in history:
        life.step(event, waited)


@pytest.mark.soak
def test_a_hundred_thousand_random_steps_break_no_rule():
    """Long lives of each door; in `make test` the two hundred short ones above hold the rules."""
    rng = random.Random(20)
    often = [*HAPPENS, *[Event.CREDENTIAL, Event.REX, Event.OPENED, Event.SHUT, Event.TIME] * 3]
    total = 0
    for policy in POLICIES:
        life = Life(policy)
        for _ in range(100_000 // len(POLICIES) + 1):
            life.step(rng.choice(often), rng.choice((0.0, rng.uniform(0, 1), rng.uniform(0, 6), rng.uniform(0, 60))))
        total += life.steps
        life.step(Event.TIME, 10_000.0)
        assert life.grants == set(life.outcomes), "a grant without its passage"
    assert total >= 100_000


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(st.sampled_from(POLICIES), st.lists(st.tuples(st.sampled_from(HAPPENS), waits), max_size=30))
# A gate that began to move later than it was to, which was found by chance.
@example(REPORTING, [(Event.CREDENTIAL, 0.0), (Event.MOVES, 2.0)])
def test_a_late_caller_changes_no_outcome(policy, history):
    late = punctual = Door()
    now = 0.0
    for number, (event, waited) in enumerate(history):
        told, due = [], now
        now += waited
        while (due := due_mono(punctual, due)) is not None and due <= now:
            punctual, outputs = step(punctual, Happening(Event.TIME), due, policy)
            told += outputs
        happening = Happening(event, f"g{number}", "rex_stuck")
        punctual, outputs = step(punctual, happening, now, policy)
        late, at_once = step(late, happening, now, policy)
        assert list(at_once) == [*told, *outputs]
        assert late == punctual
