"""All rules of the door as one: a hundred thousand random steps at houses with every way in, and what must never be."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest

import gate.codes
import gate.door.comings
import gate.door.credentials
import gate.door.knowledge
import gate.door.visits
from enroll import codes
from gate.codes import ROLLING_STEP_S, rolling_code
from gate.door.factors import WITHIN_S
from gate.door.lockout import RESTS_S, TRIES
from gate.door.passback import FORGETS_S
from gate.door.settings import DoorSettings
from gate.door.states import OPEN_MODES, PULSES, Answer, Event, Happening, Mode
from gate.store.people import credentials, passes
from gate.store.people.passes import Wanted
from gate.vocabulary import ENTERED, Claim, Direction, Kind, Method, Presented, Reason
from tests.conftest import MEMORY
from tests.door import CONTACT, HOLD, REX
from tests.soak.house import ALWAYS, AtOnce, House, Person

pytestmark = pytest.mark.soak

STEPS = 100_000
FRESH_S = 1.5
OUTSIDE, INSIDE = "keypad", "osdp 1"
INTERLOCK = 20
KINDS = {
    "plain": {"rex_pin": REX},
    "two factors": {"face_and_pin": ALWAYS, "rex_pin": REX, "contact_pin": CONTACT},
    "two factors by day": {"face_and_pin": "daily 06:00-18:00", "bell": True},
    "hard passback": {"passback": "hard", "inside_readers": INSIDE, "contact_pin": CONTACT},
    "timed passback": {"passback": "timed", "inside_readers": INSIDE, "contact_pin": CONTACT, "rex_pin": REX},
    "escort": {"escorted_group": "workers", "escort_group": "guards", "inside_readers": INSIDE, "rex_pin": REX},
    "first person": {"first_person_group": "guards", "hold_pin": HOLD, "contact_pin": CONTACT, "rex_pin": REX},
    "interlock": {"interlock_pin": INTERLOCK, "bell": True, "rex_pin": REX, "min_interval_s": 0.0},
}
ASKED_BY = (Kind.GRANTED, Kind.CAME_ALONG, Kind.DENIED)


class Walk:
    """Random steps at one house, and what somebody who watches it holds against them."""

    def __init__(self, folder, kind, seed):
        self.chance = random.Random(seed)
        self.house = House(folder, DoorSettings(freshness_s=FRESH_S, **KINDS[kind]))
        house = self.house
        self.people = [
            Person(house, 1, "Wang Fang", "guards"),
            Person(house, 2, "Li Na", "workers"),
            Person(house, 3, "Zhao Min"),
            Person(house, 4, "Chen Bo", schedule="by day"),
            Person(house, 5, "Sun Li", valid_until=(datetime.now(UTC) - timedelta(days=2)).date().isoformat()),
            Person(house, 6, "Wu Jing"),
            Person(house, 7, "He Jun", area="elsewhere"),
        ]
        self.by_id = {one.id: one for one in self.people}
        credentials.suspend_card(house.store, self.people[5].resident, self.people[5].card, by="test")
        self.numbers = count()
        self.passes = {}
        self.revoked, self.returned, self.spent_by, self.grants_of = set(), Counter(), {}, Counter()
        self.steps_used, self.first_ones, self.wrong = set(), [], defaultdict(list)
        self.ways, self.inside, self.guard_mono, self.guard_day = {}, {}, float("-inf"), None
        self.up_to, self.other_open = defaultdict(lambda: float("-inf")), False
        self.seen, self.answers, self.done = Counter(), Counter(), 0
        self.acts = ACTS | ({"other_door": 1} if house.settings.interlock_pin is not None else {})

    # What may happen.

    def step(self):
        act = self.chance.choices(list(self.acts), list(self.acts.values()))[0]
        house, before = self.house, len(self.house.record)
        pulses = self.pulses()
        getattr(self, act)()
        house.turn()
        self.look(house.record[before:])
        # What happens under an order is several things.
        assert self.pulses() - pulses <= (4 if act == "order" else 1), act
        self.seen[act] += 1
        self.done += 1

    def pulses(self):
        return len([one for one in self.house.relay.told if one[0] == "on"])

    def some_wait(self):
        spans = ((0, 1), (0, 6), (20, 70), (900, 20_000))
        self.house.wait(self.chance.uniform(*self.chance.choices(spans, (50, 44, 5, 1))[0]))

    def shown(self, method, reader, code, age_s=0.0):
        return Presented(f"s{next(self.numbers)}", method, reader, self.house.mono - age_s, code)

    def answer_to(self, do):
        """What the record says of whoever asks by this; None where it says nothing."""
        before = len(self.house.record)
        do()
        self.house.turn()
        said = [one for one in self.house.record[before:] if one.kind in ASKED_BY]
        assert len(said) <= 1, said
        return said[0] if said else None

    def reader(self):
        return self.chance.choice((OUTSIDE, OUTSIDE, INSIDE))

    def age(self):
        """How old something is, seconds, and whether that is too old or from a time that has not come."""
        if self.chance.random() < 0.85:
            return self.chance.uniform(0, 1.0), False
        return self.chance.choice((FRESH_S + 0.01, 3.0, 600.0, -0.5, float("nan"))), True

    def face(self):
        who, (age_s, stale) = self.chance.choice(self.people), self.age()
        said, from_its_user = self.chance.choice((None, None, None, Reason.BLURRED)), self.chance.random() < 0.95
        claim = Claim(f"f{next(self.numbers)}", 1, self.house.mono - age_s, who.id, said, 3, 0.8)
        known = self.house.knowledge.of_claim(claim, from_its_user=from_its_user)
        ready = self.is_in_order(Method.FACE, age_s) and self.is_ready(who, None)
        verdicts = []
        event = self.answer_to(lambda: verdicts.append(self.house.controller.claim(claim, known, self.house.mono)[0]))
        if event is None and verdicts[0].reason is Reason.ONE_MORE:
            # That they are asked for something is on record once.
            self.is_asked_for_another(who, Method.FACE)
        bad = stale or said is not None or not from_its_user
        self.judge(event, who, Method.FACE, "camera", bad=bad, ready=ready)
        if self.chance.random() < 0.1:
            again = self.answer_to(lambda: self.house.controller.claim(claim, known, self.house.mono))
            assert again is None or again.kind == Kind.DENIED

    def card_shown(self):
        who, reader, (age_s, stale) = self.chance.choice(self.people), self.reader(), self.age()
        number = who.number if self.chance.random() < 0.9 else "9999999"
        shown = self.shown(Method.CARD, reader, number, age_s)
        bad = stale or number != who.number or who is self.people[5]
        ready = self.is_in_order(Method.CARD, age_s) and self.is_ready(who, reader)
        event = self.answer_to(lambda: self.house.credentials.hear(shown, self.house.mono))
        self.judge(event, who, Method.CARD, reader, bad=bad, ready=ready)
        if self.chance.random() < 0.1:
            again = self.answer_to(lambda: self.house.credentials.hear(shown, self.house.mono))
            assert again is None or again.kind == Kind.DENIED

    def is_in_order(self, method, age_s):
        """Whether nothing newer was shown of its kind."""
        at, before = self.house.mono - age_s, self.up_to[method]
        self.up_to[method] = max(before, at)
        return at >= before

    def typed(self, keys, reader):
        """What comes of keys that are pressed one after the other, and whether too much time went by on the way."""

        def press():
            for key in keys.replace(" ", ""):
                self.house.credentials.hear(self.shown(Method.PIN, reader, key), self.house.mono)
            if late:
                # The loop was held up, or the hash took long.
                self.house.mono += FRESH_S + 1
                self.house.wall += FRESH_S + 1

        late = self.chance.random() < 0.05
        return self.answer_to(press), late

    def pin(self):
        who, reader = self.chance.choice(self.people), self.reader()
        pin = self.chance.choice((who.pin.pin, who.pin.pin, who.pin.duress))
        wrong = self.chance.random() < 0.25
        pin = f"{(int(pin) + 7) % 10 ** len(pin):0{len(pin)}d}" if wrong else pin
        resting = self.rests(reader, who.pin.flat)
        event, late = self.typed(f"*{who.pin.flat}#{pin}#", reader)
        self.judge(event, who, Method.PIN, reader, bad=late or wrong or resting, resting=resting)

    def phone(self):
        who, reader = self.chance.choice(self.people), self.reader()
        step = int(self.house.wall // ROLLING_STEP_S) + self.chance.choice((0, 0, 0, 1, -1, 3, -3))
        resting = self.rests(reader, who.flat)
        event, late = self.typed(f"*{who.flat}#{rolling_code(who.phone, step)}#", reader)
        used = (who.id, step) in self.steps_used
        away = abs(step - int(self.house.wall // ROLLING_STEP_S)) > 1
        bad = late or used or away or resting or not self.house.trusted
        self.judge(event, who, Method.ROLLING, reader, bad=bad, resting=resting)
        counted = event is not None and event.details.get("method") == "rolling"
        if counted and event.details.get("reason") not in ("already_used", "clock_untrusted", "locked_out"):
            self.steps_used.add((who.id, step))

    def nonsense_typed(self):
        keys = "".join(self.chance.choices("0123456789#*", k=self.chance.randint(1, 20)))
        reader, before = self.reader(), len(self.house.record)
        for key in keys:
            self.house.credentials.hear(self.shown(Method.PIN, reader, key), self.house.mono)
            self.house.turn()
        assert not [one for one in self.house.record[before:] if one.kind in ENTERED]

    def a_pass(self):
        open_ones = [one for one in self.passes.values() if one.made.id not in self.revoked and self.left(one)]
        if not open_ones or (len(open_ones) < 4 and self.chance.random() < 0.1):
            now = datetime.fromtimestamp(self.house.wall, UTC)
            wanted = Wanted(f"Visitor {len(self.passes)}", now - timedelta(minutes=1), now + timedelta(hours=30),
                            uses=self.chance.randint(1, 4), host=self.chance.choice(self.people).resident)  # fmt: skip
            made = codes.new_pass(self.house.store, self.house.seal, wanted, now, by="test")
            self.passes[made.made.id] = made
            return made
        return self.chance.choice(list(self.passes.values())[-8:])

    def left(self, one):
        return passes.get(self.house.store, one.made.id).uses_left

    def pass_held_up(self):
        one, (age_s, stale) = self.a_pass(), self.age()
        shown = self.shown(Method.PASS, "camera", one.code, age_s)
        stale = stale or self.is_elsewhere(one, None)
        self.visit(one, lambda: self.house.credentials.hear(shown, self.house.mono), bad=stale)
        if self.chance.random() < 0.1:
            self.visit(one, lambda: self.house.credentials.hear(shown, self.house.mono), bad=True)

    def pass_typed(self):
        one, reader = self.a_pass(), self.reader()
        resting = self.rests(reader, one.made.flat)

        def typed():
            for key in f"*{one.typed}".replace(" ", ""):
                self.house.credentials.hear(self.shown(Method.PIN, reader, key), self.house.mono)

        self.visit(one, typed, bad=resting or self.is_elsewhere(one, reader), resting=resting)

    def is_elsewhere(self, one, reader):
        """Whether whom they visit is not let in at this gate, at which they come in."""
        return one.made.host == self.people[6].id and self.house.way_at(reader) is Direction.IN

    def visit(self, one, do, *, bad, resting=False):
        house, identity = self.house, one.made.id
        stood_open, left = house.controller.mode in OPEN_MODES, self.left(one)
        event = self.answer_to(do)
        over = house.wall >= datetime.fromisoformat(one.made.valid_until).timestamp()
        bad = bad or over or identity in self.revoked or left == 0 or not house.trusted or self.two_are_asked_for()
        assert event is not None
        if event.kind in ENTERED:
            assert not bad, event
            assert event.visit == identity
            if not stood_open:
                self.grants_of[identity] += 1
                self.spent_by.setdefault(event.details.get("with") or event.details["claim"], []).append(identity)
        if event.details.get("reason") == "locked_out":
            assert resting

    def take_back(self):
        if self.passes:
            one = self.chance.choice(list(self.passes))
            self.house.store.execute("UPDATE passes SET revoked_at = '2026' WHERE id = ?", (one,))
            self.revoked.add(one)

    def exit_button(self):
        if self.house.settings.rex_pin is None:
            return
        before = self.house.controller.door
        answer = self.house.controller.exit_request(self.house.mono)
        assert isinstance(answer, Answer)
        mode = self.house.controller.mode
        assert mode in PULSES or mode in OPEN_MODES or answer is Answer.WAITS or before.ajar

    def console(self):
        verdict = self.house.controller.command("test", self.house.mono)
        assert verdict.reason is not Reason.LOCKED_OUT

    def somebody_goes_through(self):
        if self.house.settings.contact_pin is None:
            return
        self.house.controller.happen([Happening(Event.OPENED)], self.house.mono)
        self.house.wait(self.chance.uniform(0.5, 5))
        self.house.controller.happen([Happening(Event.SHUT)], self.house.mono)
        self.house.wait(2.1)

    def order(self):
        event = self.chance.choice((Event.LOCKDOWN, Event.HOLD, Event.TAMPER_BLOCK, Event.FIRE))
        over = Event(f"{event}_over")
        for one, wait_s in ((event, self.chance.uniform(0, 3)), (over, 0.0)):
            if event in (Event.FIRE, Event.TAMPER_BLOCK):
                self.house.controller.tell(one, self.house.mono)
            else:
                self.house.controller.order(one, "test", self.house.mono)
            for _ in range(2):
                self.chance.choice((self.face, self.card_shown, self.pass_held_up, self.exit_button))()
            self.house.wait(wait_s)

    def other_door(self):
        self.other_open = not self.other_open
        self.house.controller.tell(Event.OTHER_OPENED if self.other_open else Event.OTHER_SHUT, self.house.mono)

    def clock_lost_or_found(self):
        self.house.trusted = not self.house.trusted or self.chance.random() < 0.2

    def forgive(self):
        who = self.chance.choice((*self.people, None))
        self.house.comings.whereabouts.forgive(None if who is None else who.id)
        self.inside = {} if who is None else {one: at for one, at in self.inside.items() if one != who.id}

    # What somebody who watches knows, and holds against it.

    def two_are_asked_for(self):
        two = self.house.knowledge._two_factors
        return two is not None and two.allows(datetime.fromtimestamp(self.house.wall, UTC))

    def rests(self, reader, flat):
        """Whether no PIN is looked at there; the one that says so is asked, and `look` counts for itself."""
        return self.house.credentials._lockout.until_mono(reader, flat, self.house.mono) is not None

    def is_ready(self, who, reader):
        """Whether there is nothing against somebody who comes by what is good, here and now."""
        way_in = self.house.way_at(reader) is Direction.IN
        escorted = way_in and who.group is not None and who.group == self.house.settings.escorted_group
        return (
            who.plain and self.house.trusted and not escorted and not self.two_are_asked_for()
            and not (way_in and self.house.settings.passback in ("hard", "timed"))
            and self.house.controller.at_rest(self.house.mono) and not self.other_open
        )  # fmt: skip

    def judge(self, event, who, method, reader, *, bad, ready=False, resting=False):
        """Of what somebody showed, `bad` where that opens nothing, whatever else holds."""
        if event is None:
            # Keys that were too old, or that somebody is asked for something who was told so already.
            assert not (ready and not bad)
            return
        reason = event.details.get("reason")
        if ready and not bad:
            assert event.kind == Kind.GRANTED, (method, event)
        if reason == "locked_out":
            assert method not in (Method.FACE, Method.CARD), "the rest of a keypad touches another way"
            assert resting
        if reason in ("passback", "no_escort", "not_this_gate"):
            assert self.house.way_at(reader) is Direction.IN, "somebody is refused the way out"
        if reason == "not_this_gate":
            assert who is self.people[6]
        if reason == "passback":
            assert self.is_inside(who)
        if reason == "one_more":
            assert not bad
            assert event.resident == who.id
            self.is_asked_for_another(who, method)
        self.count_wrong(event, reader)
        if event.kind not in ENTERED:
            return
        assert not bad, (method, event)
        assert event.resident == who.id, "opened for another"
        if who is self.people[6]:
            assert self.house.way_at(None if reader == "camera" else reader) is Direction.OUT
        elif not who.plain:
            assert who is not self.people[4]
            assert self.house.trusted
            assert 6 <= datetime.fromtimestamp(self.house.wall, UTC).hour < 18
        if self.two_are_asked_for():
            theirs = [one for one in self.first_ones if one[0] == who.id and self.house.mono - one[2] <= WITHIN_S]
            assert theirs, "a factor of another person counted, or one of long ago"
            assert {one[1] for one in theirs} - {method}, "one factor counted twice"
            self.first_ones = []
        if self.house.way_at(None if reader == "camera" else reader) is Direction.IN:
            if who.group is not None and who.group == self.house.settings.escorted_group:
                assert 0 <= self.house.mono - self.guard_mono <= self.house.settings.escort_s
            if self.house.settings.passback == "hard":
                assert not self.is_inside(who), "let in again"
            if who.group == "guards":
                self.guard_mono = self.house.mono

    def is_asked_for_another(self, who, method):
        self.first_ones = [one for one in self.first_ones if one[0] == who.id]
        self.first_ones.append((who.id, method, self.house.mono))

    def count_wrong(self, event, reader):
        """No keypad takes more wrong ones than five without a rest, but where somebody is let in there."""
        if event.kind in ENTERED:
            self.wrong[reader].clear()
        elif event.details.get("reason") == "wrong_code" and event.details["method"] == "pin":
            lately = [one for one in self.wrong[reader] if self.house.mono - one < RESTS_S[0]]
            self.wrong[reader] = [*lately, self.house.mono]
            assert len(self.wrong[reader]) <= TRIES

    def is_inside(self, who):
        since = self.inside.get(who.id)
        if since is None or not self.house.trusted or self.house.wall - since >= FORGETS_S:
            return False
        now = datetime.fromtimestamp(self.house.wall, UTC)
        four = now.replace(hour=4, minute=0, second=0, microsecond=0)
        return since >= (four if four <= now else four - timedelta(days=1)).timestamp()

    def look(self, events):
        """What the record was told in a step."""
        for event in events:
            if event.kind in ASKED_BY:
                self.answers[event.details["method"], event.details.get("reason", event.kind.value)] += 1
            if event.kind in ENTERED and event.resident is not None and event.visit is None:
                if event.kind == Kind.CAME_ALONG:
                    self.inside.pop(event.resident, None)
                else:
                    self.ways[event.details["claim"]] = self.by_id[event.resident], event.details.get("reader")
            if event.kind == Kind.PASSAGE:
                self.look_at_passage(event.details["grant"], event.details["outcome"])
        del self.house.record[:-50]
        if any(one.visit is not None or one.kind == Kind.PASSAGE for one in events):
            self.look_at_uses(list(self.passes)[-8:])
        if self.house.controller.mode is Mode.FREE_ACCESS:
            assert self.guard_day == self.today(), "nobody was there yet for whom it waits"

    def look_at_passage(self, grant, outcome):
        for identity in self.spent_by.pop(grant, []):
            self.returned[identity] += outcome == "not_taken"
        who, reader = self.ways.pop(grant, (None, None))
        if who is None or outcome == "not_taken":
            return
        self.inside.pop(who.id, None)
        if outcome == "taken" and self.house.trusted and self.house.way_at(reader) is Direction.IN:
            self.inside[who.id] = self.house.wall
            if who.group == "guards":
                self.guard_day = self.today()

    def look_at_uses(self, identities):
        for identity in identities:
            one = self.passes[identity]
            spent = one.made.uses - self.left(one)
            assert spent == self.grants_of[identity] - self.returned[identity], "a use is spent twice, or lost"

    def today(self):
        return datetime.fromtimestamp(self.house.wall, UTC).date()

    def end(self):
        before = len(self.house.record)
        self.house.wait(100.0)
        self.look(self.house.record[before:])
        self.look_at_uses(self.passes)
        self.house.close()


ACTS = {
    "some_wait": 30, "face": 12, "card_shown": 12, "pin": 8, "phone": 6, "nonsense_typed": 1, "pass_held_up": 6,
    "pass_typed": 4, "take_back": 0.3, "exit_button": 5, "console": 4, "somebody_goes_through": 10, "order": 1,
    "other_door": 0.0, "clock_lost_or_found": 0.5, "forgive": 0.5,
}  # fmt: skip


@pytest.fixture
def without_threads(monkeypatch):
    """Hashing and writing at once, and PINs that are hashed in no time."""
    for room in (gate.door.credentials, gate.door.visits):
        monkeypatch.setattr(room, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(gate.codes, "_SCRYPT", {"n": 2, "r": 1, "p": 1, "dklen": 32})
    return monkeypatch


@pytest.mark.parametrize("kind", KINDS)
def test_random_steps_of_every_way_in_break_no_rule(kind, without_threads):
    """A hundred thousand at all houses together."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        walk = Walk(Path(folder), kind, seed=20)
        clock = SimpleNamespace(time=lambda: walk.house.wall, monotonic=lambda: walk.house.mono)
        for room in (gate.door.knowledge, gate.door.comings):
            without_threads.setattr(room, "time", clock)
        while walk.done < STEPS // len(KINDS):
            walk.step()
        walk.end()
    answers = ", ".join(f"{method} {what} {times}" for (method, what), times in sorted(walk.answers.items()))
    print(f"\n{kind}: {walk.done} steps, no rule broken; {answers}")
    assert sum(times for (_, what), times in walk.answers.items() if what == "granted") >= walk.done / 50
