"""What joins rules, machine, relays and record: one decision at a time, on values and the time it is given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from gate.door.heard import answered, details_of, details_of_code, under_duress, with_first, with_passback
from gate.door.judge import Judge
from gate.door.machine import at_rest, barred, due_mono, step
from gate.door.outputs import Outputs
from gate.door.passages import opens_for_party
from gate.door.rules import Known
from gate.door.settings import DoorSettings
from gate.door.signal_shown import Shown
from gate.door.signals import Signal
from gate.door.states import (
    OPEN_MODES,
    Answer,
    Barred,
    Door,
    Energise,
    Event,
    Happening,
    Hold,
    Leaf,
    Mode,
    Note,
    Output,
    Release,
)
from gate.store.ids import new_id
from gate.store.people.passes import Pass
from gate.vocabulary import AuditEvent, Claim, Fault, Kind, Method, Presented, Reason, Verdict

# Vision asks twice a second which of its grants somebody went through by.
_REMEMBERED_PASSAGES = 16


class Controller:
    """Decides on whatever happens at the door, moves the relays accordingly, and hands on what the record is told.

    The rules and the machine decide, and this keeps what they decide on from one call to the next: the door as it is,
    the claims that were heard, who is being let in, what is shown. `now` is monotonic seconds everywhere. Not
    thread-safe: the door's loop owns it. Whatever moves the relay raises RelayFault where it does not obey.
    """

    def __init__(self, settings: DoorSettings, outputs: Outputs, record: Callable[[AuditEvent], None]) -> None:
        self._settings = settings
        self._policy = settings.policy
        self._outputs = outputs
        self._record = record
        self._judge = Judge(settings.freshness_s)
        self._shown = Shown()
        self._party: list[Known] = []
        self._taken: deque[str] = deque(maxlen=_REMEMBERED_PASSAGES)
        self._latest_mono = float("-inf")
        self.faulty = False
        self.door = Door()

    def begin(self, now: float, before: Barred, *, ajar: bool) -> None:
        """Take up what barred credentials before the last end.

        A gate found open has its time from now; who opened it cannot be known, so it is not called forced.
        """
        self.door = Door(leaf=Leaf.OPEN if ajar else Leaf.SHUT)
        if before.lockdown:
            self.tell(Event.LOCKDOWN, now)
        if before.tamper_left_s > 0:
            self.tell(Event.TAMPER_BLOCK, now - self._policy.tamper_block_s + before.tamper_left_s)
        self.tick(now)

    @property
    def mode(self) -> Mode:
        """What the lock is told now."""
        return self.door.mode

    def due_mono(self, now: float) -> float | None:
        """When `tick` must next be called."""
        return min((due for due in (due_mono(self.door, now), self._shown.due_mono()) if due is not None), default=None)

    def at_rest(self, now: float) -> bool:
        """Whether a resident who asked now would set the gate in motion."""
        return at_rest(self.door, now, self._policy)

    @property
    def taken(self) -> tuple[str, ...]:
        """The ids of the last grants by which somebody went through."""
        return tuple(self._taken)

    def barred(self, now: float) -> Barred:
        """What bars credentials now, and must outlast a restart."""
        return barred(self.door, now)

    def claim(self, claim: Claim, known: Known, now: float) -> tuple[Verdict, float | None]:
        """Decide on a claim. Returns the verdict, and when the relay went on if it did (monotonic seconds)."""
        now = self._forward(now)
        judged = self._judge.judge(claim, known, now)
        verdict, on_mono, notes = self._let_in(claim.id, known, judged.verdict, now)
        if not judged.verdict.granted and known.from_its_user and not self._welcomes(claim, now):
            self._show(self._told(judged.verdict, claim, now))
        near = known.nearest if verdict.reason is claim.reason else None
        if judged.news:
            details = with_passback(with_first(details_of(claim, now, on_mono), judged.first), known)
            self._record(answered(verdict, Method.FACE, details, known.resident, near))
        self._note(notes)
        return verdict, on_mono

    def present(self, shown: Presented, known: Known, now: float) -> tuple[Verdict, float | None]:
        """Decide on a code. Returns the verdict, and when the relay went on if it did (monotonic seconds)."""
        now = self._forward(now)
        judged = self._judge.judge(shown, known, now)
        verdict, on_mono, notes = self._let_in(shown.id, known, judged.verdict, now)
        if judged.verdict.reason is not None and known.from_its_user:
            self._show(self._shown.refused(judged.verdict.reason, now))
        details = with_passback(with_first(details_of_code(shown, on_mono), judged.first), known)
        self._record(answered(verdict, shown.method, details, known.resident, visit=known.visit))
        if known.duress and known.resident is not None and known.from_its_user:
            self._record(under_duress(shown, known.resident, tried=known.trial))
        self._note(notes)
        return verdict, on_mono

    def would_refuse(self, shown: Presented, known: Known, now: float) -> Reason | None:
        """Why a pass would be refused now, by the rules or by the door as it is, if a use of it were spent; None: it
        would open. Nothing is remembered of it, and nothing moves."""
        now = max(self._latest_mono, now)
        verdict = self._judge.would(shown, replace(known, spent=True), now)
        if not verdict.granted:
            return verdict.reason
        if self._is_in_party(known, now):
            return Reason.BUSY
        _, said = step(self.door, Happening(Event.CREDENTIAL, shown.id), now, self._policy)
        return next((one for one in said if isinstance(one, Reason)), None)

    def refuse(self, shown: Presented, reason: Reason, now: float) -> None:
        """A code that is not looked at."""
        self._show(self._shown.refused(reason, self._forward(now)))
        self._record(answered(Verdict(False, reason), shown.method, details_of_code(shown, None)))

    def turn_away(self, shown: Presented, visit: Pass, reason: Reason, now: float) -> None:
        """A pass of which no use is spent."""
        self._judge.take(shown, reason)
        begins_at = visit.valid_from if reason is Reason.TOO_EARLY else None
        self._show(self._shown.turned_away(reason, self._forward(now), begins_at))
        self._record(answered(Verdict(False, reason), shown.method, details_of_code(shown, None), visit=visit))

    def waiting_face(self, now: float) -> str | None:
        """The id of the resident whose face was seen and is there still, and who is to show a second factor."""
        return self._judge.waiting_face(now)

    def _let_in(
        self, grant: str, known: Known, verdict: Verdict, now: float
    ) -> tuple[Verdict, float | None, tuple[Output, ...]]:
        """Ask the machine to open where the rules grant it."""
        if not verdict.granted or known.holder is None:
            return verdict, None, ()
        return self._admit(grant, known, now)

    def _told(self, verdict: Verdict, claim: Claim, now: float) -> Shown:
        if verdict.reason is Reason.ASKED_TO_TURN:
            return self._shown.asked(claim.way, claim.further, now)
        return self._shown.refused(verdict.reason or Reason.UNKNOWN, now)

    def _admit(self, grant: str, known: Known, now: float) -> tuple[Verdict, float | None, tuple[Output, ...]]:
        """Ask the machine to open for a resident or a visitor whom the rules let in."""
        if self._is_in_party(known, now):
            # Nobody comes along with themselves.
            return Verdict(False, Reason.BUSY, self.door.party), None, ()
        extended = known.resident is not None and known.resident.extended
        verdict, on_mono, notes = self._ask(Event.EXTENDED_CREDENTIAL if extended else Event.CREDENTIAL, grant, now)
        if verdict.granted:
            self._party = [*(self._party if verdict.along else ()), known]
        return verdict, on_mono, notes

    def _is_in_party(self, known: Known, now: float) -> bool:
        """Whether the gate opens for them already."""
        there = any(one.holder == known.holder for one in self._party)
        return there and opens_for_party(self.door, now, self._policy)

    def _welcomes(self, claim: Claim, now: float) -> bool:
        """Whether nobody is told of a stranger, since the gate welcomes those they stand among, or tells a visitor of
        their pass, whose face is a stranger's."""
        welcomes = opens_for_party(self.door, now, self._policy) or self.signal is Signal.GRANT
        return (welcomes or self._shown.at(now).visitor) and claim.resident is None

    def call(self, now: float) -> None:
        """Whoever rang is told that somebody was called."""
        self._show(self._shown.told(Signal.CALLED, self._forward(now)))

    def command(self, who: str, now: float, answers: str | None = None) -> Verdict:
        """A person asks the door to open, from the console or the machine itself; `answers` is the call that rings."""
        grant = new_id()
        verdict, _, notes = self._ask(Event.COMMAND, grant, now)
        details: dict[str, object] = {"claim": grant, "by": who}
        self._record(answered(verdict, "command", details if answers is None else {**details, "answers": answers}))
        self._note(notes)
        return verdict

    def exit_request(self, now: float) -> Answer:
        """Someone inside presses REX, or still does."""
        grant = new_id()
        said, _ = self._move(Happening(Event.REX, grant), now)
        answer = next(one for one in said if isinstance(one, Answer))
        if answer is Answer.GRANTED:
            self._party = []
            self._record(answered(Verdict(True), "rex", {"claim": grant}))
        self._note(said)
        return answer

    def order(self, event: Event, who: str, now: float) -> Verdict:
        """A person orders a lockdown, a hold, or the end of one of them or of a tamper block."""
        said = self._step(Happening(event), now)
        reason = next((one for one in said if isinstance(one, Reason)), None)
        verdict = Verdict(reason is None, reason)
        self._record(AuditEvent(Kind.ORDERED, {"order": event.value, "by": who, "reason": reason}))
        return verdict

    def tell(self, event: Event, now: float, fault: Fault | None = None) -> None:
        """Something happened that nobody asked for: by a schedule, by an input, or because a part is at fault."""
        self._step(Happening(event, fault=fault), now)

    def happen(self, happenings: Iterable[Happening], now: float) -> None:
        """What the monitors found."""
        for happening in happenings:
            self._step(happening, now)

    def tick(self, now: float) -> None:
        """Do what is due by now, and keep the hold relay on where the door stands open."""
        self._step(Happening(Event.TIME), self._forward(now))
        if self._policy.hold_relay and self.door.mode in OPEN_MODES:
            self._outputs.hold(True)

    def stop(self, now: float) -> None:
        """Switch everything off, whatever stood: the door's process ends."""
        self._step(Happening(Event.STOP), now)
        self._outputs.release()
        self._outputs.hold(False)

    def release_relay(self, now: float) -> None:
        """End a pulse at once; what stands, stands on."""
        self._outputs.release()
        self._step(Happening(Event.HOLD_OVER), now)
        self._step(Happening(Event.PULSE_OVER), now)

    def _ask(self, event: Event, grant: str, now: float) -> tuple[Verdict, float | None, tuple[Output, ...]]:
        before = self.door
        said, on_mono = self._move(Happening(event, grant), now)
        reason = next((one for one in said if isinstance(one, Reason)), None)
        if reason is not None:
            self._show(self._shown.refused(reason, now))
            return Verdict(False, reason), None, said
        if Answer.ALONG in said:
            self._show(self._shown.told(Signal.GRANT, now))
            return Verdict(True, along=before.party), None, said
        self._party = []
        self._show(self._shown.told(Signal.GRANT, now) if before.mode is self.door.mode else self._shown.answered())
        return Verdict(True), on_mono, said

    def _step(self, happening: Happening, now: float) -> tuple[Output, ...]:
        said, _ = self._move(happening, now)
        self._note(said)
        return said

    def _note(self, outputs: tuple[Output, ...]) -> None:
        for output in outputs:
            if isinstance(output, Note):
                if output.details.get("outcome") == "taken":
                    self._taken.append(str(output.details["grant"]))
                self._record(AuditEvent(output.kind, dict(output.details)))

    def _move(self, happening: Happening, now: float) -> tuple[tuple[Output, ...], float | None]:
        after, said = step(self.door, happening, now, self._policy)
        on_mono = self._do(said)
        # A relay that did not move leaves the door as it was.
        before, self.door = self.door, after
        self._show(self._shown.moved(before.mode, after.mode).at(now))
        return said, on_mono

    def _forward(self, now: float) -> float:
        """The time, which stands still where a caller's clock goes back."""
        self._latest_mono = max(self._latest_mono, now)
        return self._latest_mono

    def _do(self, outputs: tuple[Output, ...]) -> float | None:
        on_mono: float | None = None
        for output in outputs:
            match output:
                case Energise(seconds):
                    on_mono = self._outputs.energise(seconds)
                case Release():
                    self._outputs.release()
                case Hold(on):
                    self._outputs.hold(on)
        return on_mono

    def _show(self, shown: Shown) -> None:
        wanted = shown.wanted(self.door, self.faulty)
        self._shown = replace(shown, signal=wanted)
        if wanted is not shown.signal:
            self._outputs.show(wanted)

    @property
    def signal(self) -> Signal | None:
        """What light and buzzer say now."""
        return self._shown.signal

    @property
    def told_reason(self) -> Reason | None:
        """Why whoever stands at the gate was refused, while they are told so."""
        return self._shown.reason

    @property
    def told_further(self) -> bool:
        """Whether who is asked to turn the head should go on."""
        return self._shown.further

    @property
    def told_begins_at(self) -> str | None:
        """When the pass begins of who came too early, while they are told so; ISO 8601, UTC."""
        return self._shown.begins_at

    @property
    def told_residents(self) -> tuple[str, ...]:
        """The ids of the residents whom the gate greets, while it does: who was let in, and who came along."""
        if self.signal is not Signal.GRANT:
            return ()
        return tuple(one.resident.id for one in self._party if one.resident is not None)
