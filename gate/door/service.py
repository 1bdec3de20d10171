"""The door process: started with its settings on standard input, it opens its socket and decides until told to stop."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

from gate.clock import ClockWatch, ZoneWatch
from gate.door import monitors
from gate.door.answers import Answers, Peers
from gate.door.attribution import Attribution
from gate.door.bell import Rung
from gate.door.code_key import CodeKey
from gate.door.comings import Comings
from gate.door.controller import Controller
from gate.door.credentials import Credentials
from gate.door.doorbell import Doorbell
from gate.door.exit_button import ExitButton
from gate.door.hardware import Hardware
from gate.door.hours import LocalTime
from gate.door.inputs import Input, happenings_of
from gate.door.knowledge import Knowledge
from gate.door.last_resort import LastResort
from gate.door.learning import Lessons
from gate.door.lockout import Lockout
from gate.door.named_groups import missing
from gate.door.record_writer import RecordWriter
from gate.door.register import Register, StoreDown
from gate.door.relay import RelayFault
from gate.door.restart_memory import Remembered, RestartMemory
from gate.door.settings import CONSEQUENCES, DoorSettings
from gate.door.states import Event, Mode
from gate.door.visits import Visits
from gate.door.wiegand_shown import WiegandShown
from gate.errors import FacegateError
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.peers import Peer
from gate.processes.server import Server
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter, tell_ready, uid_of
from gate.processes.wire import Message
from gate.schedule import parse
from gate.vocabulary import AuditEvent, Fault, Kind

_log = logging.getLogger(__name__)

# The relay's thread must not wait long for another's time slice.
SWITCH_INTERVAL_S = 0.0005

_IDLE_TURN_S = 0.5


class DoorService:
    """The door's loop: messages from the socket, edges of the inputs, the clock."""

    def __init__(self, settings: DoorSettings, state: Path) -> None:
        runtime = runtime_directory(state, "door")
        self._settings = settings
        self._state = state
        peers = Peers(
            uid_of(settings.vision_user), uid_of(settings.readers_user),
            frozenset({0, os.getuid(), uid_of(settings.api_user)}),
        )  # fmt: skip
        self._memory = RestartMemory(state)
        self._clock = ClockWatch(self._memory.found.latest_wall)
        self._register = Register(state)
        two_factors = None if settings.face_and_pin is None else parse(settings.face_and_pin)
        self._zone = ZoneWatch(settings.zone)
        self._writer = RecordWriter(state, lambda: self._clock.trust.trusted, lost=self._memory.found.lost)
        self._comings = Comings(
            settings, self._register, self._writer.put, self._local_time,
            self._memory.found.came_on(settings.first_person_group),
        )  # fmt: skip
        self._knowledge = Knowledge(
            self._register, self._check_clock, self._zone, two_factors, self._comings.whereabouts,
            self._comings.is_unescorted, self._comings.goes_in,
        )  # fmt: skip
        self._lessons = Lessons(self._writer.put, tellable=settings.policy.contact or settings.policy.counts_passages)
        self._attribution = Attribution(self._writer.put, self._follow)
        self._record = self._attribution.take
        self._watchdog = Watchdog()
        self._stop = False
        self._server = Server(socket_of(state, "door"), self._answer, self._malformed, peers.commands)
        self._hardware = Hardware(
            settings, runtime, released=self._released, changed=self._server.wake, last_resort=LastResort()
        )
        self._controller = Controller(settings, self._hardware, self._record)
        self._key = CodeKey(state, self._register)
        self._visits = Visits(state, self._controller, self._server.wake)
        self._doorbell = Doorbell(self._controller, self._record, wanted=settings.bell)
        self._credentials = Credentials(
            self._key, self._controller, self._knowledge, self._doorbell, self._record, self._visits,
            Lockout.again(self._memory.found.tries, time.monotonic()), settings.freshness_s, self._server.wake,
        )  # fmt: skip
        self._wiegand = WiegandShown(
            self._hardware.wiegand, settings, self._credentials.hear, self._record, time.monotonic()
        )
        self._exit_button = ExitButton(self._controller, self._record, settings.rex_stuck_s)
        self._relay, self._contact = monitors.Relay(), monitors.Contact()
        self._answers = Answers(
            peers, settings, self._controller, self._credentials, self._knowledge, self._comings.whereabouts,
            self._lessons, self._doorbell, self._attribution, self._key, self._clock, self._hardware, self._writer,
            self._register, self._memory,
        )  # fmt: skip

    def run(self) -> None:
        """Until `ask_to_stop`. Raises RelayFault when the relay does not obey."""
        self._record(AuditEvent(Kind.DOOR_STARTED, {"pid": os.getpid(), "lock": self._settings.lock}))
        self._begin(time.monotonic())
        self._key.look()
        self._tell_missing_groups()
        try:
            while not self._stop:
                now = time.monotonic()
                self._hear_inputs(now)
                self._wiegand.turn(now)
                self._credentials.turn(now)
                self._exit_button.watch(bool(self._hardware.active(Input.REX)), now)
                self._doorbell.turn(now)
                self._controller.tick(now)
                self._watch(now)
                self._check_store(now)
                self._comings.whereabouts.turn(now)
                self._attribution.flush(now)
                self._memory.keep(self._remembered(now), now)
                self._watchdog.feed(self._writer.alive)
                if not self._hardware.edges:
                    self._server.turn(self._wait_s(now))
        finally:
            # What stood is what stands before everything is switched off.
            last = self._remembered(time.monotonic())
            self._memory.keep(last, time.monotonic(), at_once=True)
            self._controller.stop(time.monotonic())
            self._credentials.close()
            self._hardware.close()
            self._attribution.flush(time.monotonic(), at_once=True)
            self._record(AuditEvent(Kind.DOOR_STOPPED, {"pid": os.getpid()}))
            self._writer.close()
            # The record is to say later what it lacks; the disk may have room for nothing else.
            lost = self._writer.lost + self._writer.waiting
            self._memory.keep(replace(last, lost=lost), time.monotonic(), at_once=True)
            self._server.close()
            self._register.close()
            self._memory.close()

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """End the loop; a signal handler, callable from any thread."""
        self._stop = True
        self._server.wake()

    def _begin(self, now: float) -> None:
        """Take up what stood before, and what the inputs say before their first edge."""
        self._controller.begin(now, self._memory.found.barred, ajar=bool(self._hardware.active(Input.CONTACT)))
        for which in (Input.FIRE, Input.TAMPER, Input.MOVING, Input.INTERLOCK):
            if self._hardware.active(which):
                self._heed(which, True, now)

    def _tell_missing_groups(self) -> None:
        try:
            for sentence in missing(self._settings, self._register.groups()):
                _log.warning("%s", sentence)
        except StoreDown:
            # Which the register says itself.
            return

    def _wait_s(self, now: float) -> float:
        due = (self._controller.due_mono(now), self._doorbell.due_mono())
        return max(0.0, min([_IDLE_TURN_S, *(one - now for one in due if one is not None)]))

    def _local_time(self) -> LocalTime:
        return LocalTime(time.time(), self._zone(), self._clock.trust.trusted)

    def _follow(self, event: AuditEvent) -> None:
        self._lessons.follow(event)
        self._visits.follow(event)
        self._comings.follow(event, self._knowledge.group_of)

    def _hear_inputs(self, now: float) -> None:
        while self._hardware.edges:
            edge = self._hardware.edges.popleft()
            self._heed(edge.which, edge.active, now)

    def _heed(self, which: Input, active: bool, now: float) -> None:
        """Do what follows from an input that says its word, or no longer does."""
        if which is Input.REX and active:
            self._exit_button.press(now)
        if which is Input.BELL and active:
            self._doorbell.ring(Rung.BUTTON, now)
        if which is Input.CONTACT:
            self._contact = self._contact.changed(now)
        blocks = self._settings.tamper_block_s > 0
        self._controller.happen(happenings_of(which, active, tamper_blocks=blocks), now)

    def _watch(self, now: float) -> None:
        """Look at the door's own parts, and tell what is wrong with them. Raises RelayFault where it must end."""
        self._relay, told = monitors.watch_relay(
            self._relay, self._hardware.relay.on, self._hardware.active(Input.READBACK), now
        )
        self._controller.happen(told, now)
        self._contact, told = monitors.watch_contact(self._contact, now)
        self._controller.happen(told, now)
        self._check_clock()
        if self._hardware.fault:
            raise RelayFault(f"the relay's pin failed: {self._hardware.fault}")

    def _check_clock(self) -> bool:
        """Look at the clock, put on record what changed, and say whether it is to be trusted."""
        before, after = self._clock.trust, self._clock.refresh()
        for event in monitors.watch_clock(before, after):
            self._record(event)
        return after.trusted

    def _check_store(self, now: float) -> None:
        free = self._knowledge.stands_free()
        if self._settings.hold_pin is None:
            # A schedule this gate cannot keep is not passed over in silence.
            self._controller.tell(Event.FAULT if free else Event.FAULT_OVER, now, Fault.NO_HOLD_RELAY)
        elif (opens := self._comings.first_person.lets(free, self._local_time())) != (
            Mode.FREE_ACCESS in self._controller.door.standing
        ):
            self._controller.tell(Event.FREE_ACCESS if opens else Event.FREE_ACCESS_OVER, now)
        self._controller.faulty = bool(self._writer.fault or self._register.fault or self._memory.fault)

    def _remembered(self, now: float) -> Remembered:
        return Remembered(
            self._controller.barred(now), self._clock.trust.latest_wall, self._comings.first_person.came_on,
            self._comings.first_person.group, self._credentials.tries(now), self._writer.lost,
        )  # fmt: skip

    def _answer(self, message: Message, peer: Peer) -> Message:
        # What waits in the inputs outranks a message that came with it.
        self._hear_inputs(time.monotonic())
        return self._answers.to(message, peer)

    def _released(self, which: Kind, on_mono: float, off_mono: float) -> None:
        self._writer.put(AuditEvent(which, {"seconds": round(off_mono - on_mono, 4)}))

    def _malformed(self, peer: Peer, why: str) -> None:
        self._answers.malformed(peer, why)


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
