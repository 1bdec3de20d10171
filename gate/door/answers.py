"""What the door answers on its socket: who may ask, and what is done for them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gate.clock import ClockWatch
from gate.door.attribution import Attribution
from gate.door.bell import Rung
from gate.door.code_key import CodeKey
from gate.door.controller import Controller
from gate.door.credentials import Credentials
from gate.door.doorbell import Doorbell
from gate.door.hardware import Hardware
from gate.door.knowledge import Knowledge
from gate.door.learning import Lessons
from gate.door.messages import (
    ORDERED,
    asker,
    claim_from,
    in_time,
    lesson_from,
    may_ask,
    may_present,
    of_late,
    presented_from,
    seal_from,
)
from gate.door.record_writer import RecordWriter
from gate.door.register import Register
from gate.door.restart_memory import RestartMemory
from gate.door.settings import DoorSettings
from gate.door.status import status_of
from gate.door.whereabouts import Whereabouts
from gate.processes.fields import Malformed, read, written
from gate.processes.peers import Peer
from gate.processes.requests import (
    OF_DOOR,
    ClaimReply,
    Do,
    Forgive,
    Order,
    Reply,
    Report,
    Sealed,
    Taken,
    UnknownCards,
    asked,
)
from gate.processes.status import DoorStatus
from gate.processes.wire import Message
from gate.vocabulary import AuditEvent, Claim, Kind, Reason, Verdict

# What vision may have put on record.
_VISION_EVENTS = (Kind.VISION_STARTED, Kind.CAMERA_LOST, Kind.CAMERA_BACK, Kind.INFRARED_LOST, Kind.INFRARED_BACK)
# And readers.
_READER_EVENTS = (Kind.READERS_STARTED, Kind.READER_LOST, Kind.READER_BACK)


@dataclass(frozen=True, slots=True)
class Peers:
    """The users of the machine who speak to the door, by their numbers."""

    vision: int
    readers: int
    commands: frozenset[int]
    """Who may give orders."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Takes messages one after the other. Not thread-safe: the door's loop owns it."""

    peers: Peers
    settings: DoorSettings
    controller: Controller
    credentials: Credentials
    knowledge: Knowledge
    whereabouts: Whereabouts
    lessons: Lessons
    doorbell: Doorbell
    attribution: Attribution
    key: CodeKey
    clock: ClockWatch
    hardware: Hardware
    writer: RecordWriter
    register: Register
    memory: RestartMemory

    def to(self, message: Message, peer: Peer) -> Message:
        """Do what is asked, where this peer may, and say what came of it."""
        self.attribution.asking = peer.uid
        try:
            return written(self._serve(message, peer))
        except Malformed as error:
            self.malformed(peer, str(error))
            return written(Reply(False, Reason.MALFORMED))
        finally:
            self.attribution.asking = None

    def malformed(self, peer: Peer, why: str) -> None:
        """Put on record that a peer sent what is no message."""
        self.attribution.refuse(Reason.MALFORMED, peer, why)

    def _serve(self, message: Message, peer: Peer) -> Reply | ClaimReply | Taken | Sealed | UnknownCards | DoorStatus:
        do, now = asked(message, OF_DOOR), time.monotonic()
        vision, readers = peer.uid == self.peers.vision, peer.uid == self.peers.readers
        if not may_ask(do, vision=vision, readers=readers, commands=peer.uid in self.peers.commands):
            self.attribution.refuse(Reason.WRONG_PEER, peer)
            return Reply(False, Reason.WRONG_PEER)
        match do:
            case Do.CLAIM:
                return self._claim(claim_from(message), peer)
            case Do.PRESENT:
                shown = presented_from(message)
                if not may_present(shown.method, vision=vision, readers=readers):
                    self.attribution.refuse(Reason.WRONG_PEER, peer)
                    return Reply(False, Reason.WRONG_PEER)
                self.credentials.hear(shown, now)
                return Taken(True)
            case Do.SEAL:
                finders = self.credentials.seal(seal_from(message).digests)
                return Reply(False, Reason.STORE_UNREADABLE) if finders is None else Sealed(finders)
            case Do.FORGIVE:
                self.whereabouts.forgive(read(Forgive, message).resident)
                return Reply(True)
            case Do.RING:
                # Whoever stands at the gate's own screen is nobody in particular.
                who = None if read(Order, message).by is None else asker(message, peer)
                rang = in_time(message, now) and self.doorbell.ring(Rung.SCREEN, now, by_whom=who)
                return Reply(rang, None if rang else Reason.BUSY)
            case Do.UNKNOWN_CARDS:
                return UnknownCards(self.credentials.unknown_cards(now))
            case Do.LEARN:
                lesson = lesson_from(message)
                return Taken(self.settings.learn_faces and self.lessons.hear(lesson))
            case Do.REPORT:
                return self._report(read(Report, message), vision=vision, readers=readers)
            case Do.STATUS:
                return self._status(now)
            case _:
                # Nobody waits for a late one; letting go of the relay is never too late.
                who = asker(message, peer)
                if do is Do.RELEASE_RELAY or in_time(message, now):
                    return self._obey(do, who, now)
                for event in of_late(do, who):
                    self.attribution.take(event)
                return Reply(False, Reason.STALE)

    def _obey(self, do: Do, who: str, now: float) -> Reply:
        match do:
            case Do.OPEN:
                return _reply(self.controller.command(who, now, self.doorbell.rings))
            case Do.LOCKDOWN | Do.HOLD | Do.CLOSE:
                return _reply(self.controller.order(ORDERED[do][0], who, now))
            case Do.RELEASE | Do.END_LOCKDOWN:
                for event in ORDERED[do]:
                    self.controller.order(event, who, now)
            case Do.RELEASE_RELAY:
                self.controller.release_relay(now)
                self.attribution.take(AuditEvent(Kind.RELAY_RELEASED, {"by": who}))
        return Reply(True)

    def _claim(self, claim: Claim, peer: Peer) -> ClaimReply:
        known = self.knowledge.of_claim(claim, from_its_user=peer.uid == self.peers.vision)
        now = time.monotonic()
        verdict, on_mono = self.controller.claim(claim, known, now)
        self.doorbell.heed(claim, verdict, now)
        learn = verdict.granted and verdict.along is None and self.settings.learn_faces
        grant = verdict.along or (claim.id if verdict.granted else None)
        return ClaimReply(verdict.granted, verdict.reason, on_mono, learn, grant)

    def _report(self, report: Report, *, vision: bool, readers: bool) -> Taken:
        if (vision and report.event in _VISION_EVENTS) or (readers and report.event in _READER_EVENTS):
            self.attribution.take(AuditEvent(report.event, {"why": report.why[:200]}))
        return Taken(True)

    def _status(self, now: float) -> DoorStatus:
        if self.key.fault is not None:
            # It may have been mended since, or the codes drawn anew.
            self.key.look()
        return status_of(
            self.settings, self.controller, self.hardware, self.writer, self.register, self.memory,
            typed=self.credentials.typed(now), bell=self.doorbell.call, may_ring=self.doorbell.may_ring(now),
            code_fault=self.key.fault, clock_trusted=self.clock.trust.trusted,
        )  # fmt: skip


def _reply(verdict: Verdict) -> Reply:
    return Reply(verdict.granted, verdict.reason)
