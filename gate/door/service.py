"""The door process: started with its settings on standard input, it opens its socket and decides until told to stop."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from gate.clock import ClockWatch, zone_of
from gate.door import hours
from gate.door.controller import Controller
from gate.door.hardware import INPUTS, READBACK_WITHIN_S, Hardware, RelayFault
from gate.door.hours import LocalTime
from gate.door.lessons import Lessons
from gate.door.limiter import Limiter
from gate.door.memory import Memory, Remembered
from gate.door.messages import asker, claim_from, lesson_from
from gate.door.recorder import Recorder
from gate.door.register import Register, StoreDown
from gate.door.rules import Known, known_of
from gate.door.settings import CONSEQUENCES, DoorSettings
from gate.door.states import OPEN_MODES, PULSES, Answer, Event, Mode
from gate.errors import FacegateError
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.ends import Peer
from gate.processes.fields import Malformed, read, written
from gate.processes.requests import OF_DOOR, ClaimReply, Do, Reply, Report, Taken, asked
from gate.processes.server import Server
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter, tell_ready, uid_of
from gate.processes.status import DoorStatus
from gate.processes.wire import Message
from gate.schedule import parse
from gate.vocabulary import AuditEvent, Claim, Fault, Kind, Reason, Verdict

_log = logging.getLogger(__name__)

# The relay's thread must not wait long for another's time slice.
SWITCH_INTERVAL_S = 0.0005

_IDLE_TURN_S = 0.5
# What vision may have put on record.
_VISION_EVENTS = (Kind.VISION_STARTED, Kind.CAMERA_LOST, Kind.CAMERA_BACK, Kind.INFRARED_LOST, Kind.INFRARED_BACK)
_REMEMBER_EVERY_S = 60.0
# A contact that changes more often than this within a second chatters: its wire or its magnet is loose.
_CHATTER = 10
# A contact that was still for so long is well again, seconds.
_CALM_S = 60.0


class DoorService:
    """The door's loop: messages from the socket, edges of the inputs, the clock."""

    def __init__(self, settings: DoorSettings, state: Path) -> None:
        runtime = runtime_directory(state, "door")
        self._settings = settings
        self._state = state
        self._vision_uid = uid_of(settings.vision_user)
        self._command_uids = {0, os.getuid(), uid_of(settings.api_user)}
        self._memory = Memory(state)
        self._clock = ClockWatch(self._memory.found.latest_wall)
        self._zone = zone_of(settings.zone)
        self._face_and_pin = None if settings.face_and_pin is None else parse(settings.face_and_pin)
        self._register = Register(state)
        self._recorder = Recorder(state, lambda: self._clock.belief.trusted)
        self._limiter = Limiter(self._recorder.put)
        self._asking: int | None = None
        self._lessons = Lessons(self._recorder.put, tellable=settings.policy.contact or settings.policy.counts_passages)
        self._watchdog = Watchdog()
        self._stop = False
        self._server = Server(socket_of(state, "door"), self._answer, self._malformed, frozenset(self._command_uids))
        self._hardware = Hardware(settings, runtime, released=self._released, changed=self._server.wake)
        self._controller = Controller(settings, self._hardware, self._record, self._memory.found.standing)
        self._rex_since_mono: float | None = None
        self._contact_edges: deque[float] = deque(maxlen=_CHATTER)
        self._relay_mismatch_since: float | None = None
        self._remembered_mono = float("-inf")

    def run(self) -> None:
        """Until `ask_to_stop`. Raises RelayFault when the relay does not obey."""
        self._record(AuditEvent(Kind.DOOR_STARTED, {"pid": os.getpid(), "lock": self._settings.lock}))
        self._begin(time.monotonic())
        try:
            while not self._stop:
                now = time.monotonic()
                self._hear_inputs(now)
                self._serve_exit(now)
                self._controller.tick(now)
                self._check_relay(now)
                self._check_chatter(now)
                self._check_clock()
                self._check_store(now)
                self._limiter.flush(now)
                self._remember(now)
                if self._hardware.fault:
                    raise RelayFault(f"the relay's pin failed: {self._hardware.fault}")
                self._watchdog.feed(self._recorder.alive)
                if not self._hardware.edges:
                    self._server.turn(self._wait_s(now))
        finally:
            self._remember(time.monotonic(), at_once=True)
            self._controller.stop(time.monotonic())
            self._hardware.close()
            self._limiter.flush(time.monotonic(), at_once=True)
            self._record(AuditEvent(Kind.DOOR_STOPPED, {"pid": os.getpid()}))
            self._recorder.close()
            self._server.close()
            self._register.close()
            self._memory.close()

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """A signal handler."""
        self._stop = True
        self._server.wake()

    def _begin(self, now: float) -> None:
        """What the inputs say before their first edge."""
        self._controller.begin(now, ajar=bool(self._hardware.active("contact")))
        for name in ("fire", "tamper", "moving"):
            if self._hardware.active(name):
                self._input(name, True, now)

    def _wait_s(self, now: float) -> float:
        due = self._controller.due_mono(now)
        return _IDLE_TURN_S if due is None else max(0.0, min(due - now, _IDLE_TURN_S))

    def _hear_inputs(self, now: float) -> None:
        while self._hardware.edges:
            name, active, _mono = self._hardware.edges.popleft()
            self._input(name, active, now)

    def _input(self, name: str, active: bool, now: float) -> None:
        tell = self._controller.tell
        match name:
            case "rex" if active:
                self._exit(now, edge=True)
            case "fire":
                tell(Event.FIRE if active else Event.FIRE_OVER, now)
            case "tamper":
                tell(Event.FAULT if active else Event.FAULT_OVER, now, Fault.TAMPER)
                if active and self._settings.tamper_block_s > 0:
                    tell(Event.TAMPER_BLOCK, now)
            case "contact":
                tell(Event.OPENED if active else Event.SHUT, now)
                self._contact_edges.append(now)
            case "passage" if active:
                tell(Event.PASSED, now)
            case "moving":
                tell(Event.MOVES if active else Event.RESTS, now)

    def _serve_exit(self, now: float) -> None:
        """A button that is still pressed opens again when its pulse is over, and is a fault when it never lets go."""
        if not self._hardware.active("rex"):
            if self._rex_since_mono is not None:
                self._controller.tell(Event.FAULT_OVER, now, Fault.REX_STUCK)
            self._rex_since_mono = None
            return
        if self._rex_since_mono is None:
            self._rex_since_mono = now
        if now - self._rex_since_mono >= self._settings.rex_stuck_s:
            self._controller.tell(Event.FAULT, now, Fault.REX_STUCK)
        if self._controller.mode not in (*PULSES, *OPEN_MODES):
            self._exit(now, edge=False)

    def _exit(self, now: float, *, edge: bool) -> None:
        if self._controller.exit_request(now) is Answer.WAITS and edge:
            self._record(AuditEvent(Kind.REX_WAITS, {"reason": Reason.GATE_MOVES}))

    def _check_chatter(self, now: float) -> None:
        if len(self._contact_edges) == _CHATTER and now - self._contact_edges[0] < 1.0:
            self._controller.tell(Event.FAULT, now, Fault.CONTACT_CHATTER)
        elif self._contact_edges and now - self._contact_edges[-1] > _CALM_S:
            self._contact_edges.clear()
            self._controller.tell(Event.FAULT_OVER, now, Fault.CONTACT_CHATTER)

    def _check_relay(self, now: float) -> None:
        followed = self._hardware.active("readback")
        if followed is None:
            return
        wanted = self._hardware.relay.on
        if followed == wanted:
            self._relay_mismatch_since = None
            for fault in (Fault.RELAY_STUCK_ON, Fault.RELAY_STUCK_OFF):
                self._controller.tell(Event.FAULT_OVER, now, fault)
        elif self._relay_mismatch_since is None:
            self._relay_mismatch_since = now
        elif now - self._relay_mismatch_since >= READBACK_WITHIN_S:
            self._controller.tell(Event.FAULT, now, Fault.RELAY_STUCK_OFF if wanted else Fault.RELAY_STUCK_ON)

    def _check_clock(self) -> bool:
        """Look at the clock, put on record what changed, and say whether it is to be trusted."""
        before = self._clock.belief
        belief = self._clock.refresh()
        if belief is not before and belief.jumped:
            self._record(
                AuditEvent(Kind.CLOCK_JUMPED, {"seconds": round((belief.offset or 0) - (before.offset or 0), 1)})
            )
        if belief.trusted is not before.trusted:
            self._record(AuditEvent(Kind.CLOCK_TRUSTED if belief.trusted else Kind.CLOCK_UNTRUSTED))
        return belief.trusted

    def _check_store(self, now: float) -> None:
        local = self._local_time(self._clock.belief.trusted)
        free = hours.stands_free(self._register.free_hours(), local)
        if self._settings.hold_pin is None:
            # A schedule this gate cannot keep is not passed over in silence.
            self._controller.tell(Event.FAULT if free else Event.FAULT_OVER, now, Fault.NO_HOLD_RELAY)
        elif free != (Mode.FREE_ACCESS in self._controller.door.standing):
            self._controller.tell(Event.FREE_ACCESS if free else Event.FREE_ACCESS_OVER, now)
        self._controller.faulty = bool(self._recorder.fault or self._register.fault)

    def _remember(self, now: float, *, at_once: bool = False) -> None:
        standing = self._controller.standing(now)
        kept = self._memory.found.standing
        changed = (standing.lockdown, standing.tamper_left_s > 0) != (kept.lockdown, kept.tamper_left_s > 0)
        if changed or at_once or now - self._remembered_mono >= _REMEMBER_EVERY_S:
            self._remembered_mono = now
            self._memory.found = Remembered(standing, self._clock.belief.latest_wall)
            self._memory.keep(self._memory.found)

    def _answer(self, message: Message, peer: Peer) -> Message:
        # What waits in the inputs outranks a message that came with it.
        self._hear_inputs(time.monotonic())
        self._asking = peer.uid
        try:
            return written(self._serve(message, peer))
        except Malformed as error:
            self._malformed(peer, str(error))
            return written(Reply(False, Reason.MALFORMED))
        finally:
            self._asking = None

    def _serve(self, message: Message, peer: Peer) -> Reply | ClaimReply | Taken | DoorStatus:
        do, now = asked(message, OF_DOOR), time.monotonic()
        if not self._may_ask(do, peer):
            self._record(_denial(Reason.WRONG_PEER, peer))
            return Reply(False, Reason.WRONG_PEER)
        match do:
            case Do.CLAIM:
                return self._answer_claim(claim_from(message), peer)
            case Do.LEARN:
                lesson = lesson_from(message)
                return Taken(self._settings.learn_faces and self._lessons.hear(lesson))
            case Do.REPORT:
                return self._answer_report(read(Report, message))
            case Do.STATUS:
                return self._status(now)
            case _:
                return self._obey(do, asker(message, peer), now)

    def _obey(self, do: Do, who: str, now: float) -> Reply:
        match do:
            case Do.OPEN:
                return _reply(self._controller.command(who, now))
            case Do.LOCKDOWN:
                return _reply(self._controller.order(Event.LOCKDOWN, who, now))
            case Do.HOLD:
                return _reply(self._controller.order(Event.HOLD, who, now))
            case Do.RELEASE:
                for event in (Event.LOCKDOWN_OVER, Event.HOLD_OVER, Event.TAMPER_BLOCK_OVER):
                    self._controller.order(event, who, now)
            case Do.RELEASE_RELAY:
                self._controller.release_relay(now)
                self._record(AuditEvent(Kind.RELAY_RELEASED, {"by": who}))
        return Reply(True)

    def _answer_claim(self, claim: Claim, peer: Peer) -> ClaimReply:
        known = self._known(claim, from_vision=peer.uid == self._vision_uid)
        verdict, on_mono = self._controller.claim(claim, known, time.monotonic())
        learn = verdict.granted and verdict.along is None and self._settings.learn_faces
        grant = verdict.along or (claim.id if verdict.granted else None)
        return ClaimReply(verdict.granted, verdict.reason, on_mono, learn, grant)

    def _answer_report(self, report: Report) -> Taken:
        if report.event in _VISION_EVENTS:
            self._record(AuditEvent(report.event, {"why": report.why[:200]}))
        return Taken(True)

    def _status(self, now: float) -> DoorStatus:
        door, belief = self._controller.door, self._clock.belief
        inputs = {name: active for name in INPUTS if (active := self._hardware.active(name)) is not None}
        return DoorStatus(
            mode=door.mode,
            leaf=door.leaf if self._settings.contact_pin is not None else None,
            standing=tuple(sorted(door.standing)),
            faults=tuple(sorted(door.faults)),
            signal=self._controller.signal,
            reason=self._controller.told_reason,
            residents=self._controller.told_residents,
            at_rest=self._controller.at_rest(now),
            taken=self._controller.taken,
            relay=self._hardware.relay.on,
            hold_relay=self._hardware.holder.on if self._hardware.holder else None,
            inputs=inputs,
            exit_pressed=bool(inputs.get("rex")),
            lock=self._settings.lock,
            pid=os.getpid(),
            clock_trusted=belief.trusted,
            unwritten_events=self._recorder.waiting,
            lost_events=self._recorder.lost,
            last_write_age_s=self._recorder.age_s(now),
            store_fault=self._recorder.fault or self._register.fault,
        )

    def _may_ask(self, do: Do, peer: Peer) -> bool:
        """Whoever claims is judged with the claim, as the record wants it."""
        vision, commands = peer.uid == self._vision_uid, peer.uid in self._command_uids
        match do:
            case Do.CLAIM:
                return True
            case Do.LEARN | Do.REPORT:
                return vision
            case Do.STATUS:
                return vision or commands
            case _:
                return commands

    def _known(self, claim: Claim, *, from_vision: bool) -> Known:
        """What is known of the resident whom a claim names, at this moment."""
        try:
            entry = None if claim.resident is None else self._register.find(claim.resident)
        except StoreDown:
            return Known(from_vision=from_vision, readable=False)
        return known_of(entry, self._local_time(self._check_clock()), self._face_and_pin, from_vision=from_vision)

    def _local_time(self, trusted: bool) -> LocalTime:
        return LocalTime(time.time(), self._zone, trusted)

    def _record(self, event: AuditEvent) -> None:
        # What opens is always on record: the machine lets nobody open often.
        if event.kind == Kind.DENIED or (self._asking is not None and event.kind != Kind.GRANTED):
            uid = os.getuid() if self._asking is None else self._asking
            self._limiter.put(uid, event, time.monotonic())
        else:
            self._recorder.put(event)
        self._lessons.follow(event)

    def _released(self, which: Kind, on_mono: float, off_mono: float) -> None:
        self._recorder.put(AuditEvent(which, {"seconds": round(off_mono - on_mono, 4)}))

    def _malformed(self, peer: Peer, why: str) -> None:
        event = _denial(Reason.MALFORMED, peer)
        event.details["why"] = why[:200]
        self._limiter.put(peer.uid, event, time.monotonic())


def _reply(verdict: Verdict) -> Reply:
    return Reply(verdict.granted, verdict.reason)


def _denial(reason: Reason, peer: Peer) -> AuditEvent:
    return AuditEvent(Kind.DENIED, {"method": "link", "reason": reason.value, "uid": peer.uid})


def main() -> int:
    """Entry point: one line of JSON, {"state", "door"}, on standard input."""
    speak_as("door")
    given = settings_from_starter()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        settings = DoorSettings(**given["door"])
        service = DoorService(settings, Path(given["state"]))
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    _log.info("%s", CONSEQUENCES[settings.lock])
    _log.info("settings: %s", json.dumps(asdict(settings)))
    signal.signal(signal.SIGTERM, service.ask_to_stop)
    signal.signal(signal.SIGINT, service.ask_to_stop)
    stop_with_starter()
    tell_ready()
    try:
        service.run()
    except RelayFault as error:
        _log.error("%s. The door stops; check the wiring of the relay.", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
