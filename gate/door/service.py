"""The door process: started with its settings on standard input, it opens its socket and decides until told to stop."""

from __future__ import annotations

import logging
import math
import os
import pwd
import signal
import sqlite3
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, TypeGuard

from gate.door.controller import Controller
from gate.door.hardware import Hardware, RelayFault
from gate.door.recorder import Recorder
from gate.door.settings import DoorSettings
from gate.errors import FacegateError, UsageError
from gate.link import Message, Peer, Server, runtime_directory
from gate.process import settings_from_starter, stop_with_starter, tell_ready
from gate.store import residents
from gate.store.database import open_database
from gate.store.residents import Resident
from gate.vocabulary import AuditEvent, Claim, Reason

_log = logging.getLogger(__name__)

# The relay's thread must not wait long for another's time slice.
SWITCH_INTERVAL_S = 0.0005

_IDLE_TURN_S = 1.0
_VISION_EVENTS = ("vision_started", "camera_lost", "camera_back")
_MALFORMED_EVERY_S = 1.0


class DoorService:
    """The door's loop: messages from the socket, the button, the clock."""

    def __init__(self, settings: DoorSettings, state: Path) -> None:
        runtime = runtime_directory(state)
        self._vision_uid = _uid_of(settings.vision_user)
        self._command_uids = {0, os.getuid(), _uid_of(settings.api_user)}
        self._store = open_database(state)
        self._recorder = Recorder(state)
        self._stop = False
        self._exit_asked = False
        self._server = Server(runtime / "door.sock", self._answer, self._malformed)
        self._hardware = Hardware(settings, runtime, released=self._released, exit_asked=self._rex_edge)
        self._controller = Controller(settings, self._hardware.relay, self._resident, self._recorder.put)
        self._malformed_mono = 0.0

    def run(self) -> None:
        """Until `ask_to_stop`. Raises RelayFault when the relay does not obey."""
        self._recorder.put(AuditEvent("door_started", {"pid": os.getpid()}))
        try:
            while not self._stop:
                now = time.monotonic()
                self._controller.tick(now)
                self._serve_exit(now)
                if self._hardware.relay.fault:
                    raise RelayFault(f"the relay's pin failed: {self._hardware.relay.fault}")
                due = self._controller.due_mono
                self._server.turn(_IDLE_TURN_S if due is None else max(0.0, min(due - now, _IDLE_TURN_S)))
        finally:
            self._controller.stop(time.monotonic())
            self._hardware.close()
            self._recorder.put(AuditEvent("door_stopped", {"pid": os.getpid()}))
            self._recorder.close()
            self._server.close()
            self._store.close()

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """A signal handler."""
        self._stop = True
        self._server.wake()

    def _answer(self, message: Message, peer: Peer) -> Message:
        match message.get("do"):
            case "claim":
                return self._answer_claim(message, peer)
            case "open" if self._may_command(peer):
                verdict = self._controller.command(f"uid {peer.uid}", time.monotonic())
                return {"granted": verdict.granted, "reason": verdict.reason}
            case "report" if peer.uid == self._vision_uid:
                return self._answer_report(message)
            case "status" if self._may_command(peer) or peer.uid == self._vision_uid:
                return self._status()
            case "release-relay" if self._may_command(peer):
                self._controller.stop(time.monotonic())
                self._recorder.put(AuditEvent("relay_released", {"by": f"uid {peer.uid}"}))
                return {"released": True}
            case "open" | "report" | "status" | "release-relay":
                self._recorder.put(_denial(Reason.WRONG_PEER, peer))
                return {"granted": False, "reason": Reason.WRONG_PEER}
            case _:
                self._malformed(peer, "unknown request")
                return {"granted": False, "reason": Reason.MALFORMED}

    def _answer_claim(self, message: Message, peer: Peer) -> Message:
        try:
            claim = claim_from(message)
        except ValueError as error:
            self._malformed(peer, str(error))
            return {"granted": False, "reason": Reason.MALFORMED}
        vision = peer.uid == self._vision_uid
        verdict, on_mono = self._controller.claim(claim, time.monotonic(), peer_is_vision=vision)
        return {"granted": verdict.granted, "reason": verdict.reason, "relay_mono": on_mono}

    def _answer_report(self, message: Message) -> Message:
        event = message.get("event")
        if event in _VISION_EVENTS:
            self._recorder.put(AuditEvent(event, {"why": str(message.get("why", ""))[:200]}))
        return {"taken": True}

    def _status(self) -> Message:
        return {
            "mode": self._controller.mode,
            "pid": os.getpid(),
            "unwritten_events": self._recorder.waiting,
            "last_write_mono": self._recorder.written_mono,
            "exit_pressed": self._hardware.exit_pressed,
        }

    def _may_command(self, peer: Peer) -> bool:
        return peer.uid in self._command_uids

    def _resident(self, resident: str) -> Resident | None:
        try:
            return residents.get(self._store, resident)
        except sqlite3.Error as error:
            _log.error("The residents cannot be read (%s); faces are refused until they can.", error)
            return None

    def _serve_exit(self, now: float) -> None:
        if self._exit_asked or self._hardware.exit_pressed:
            self._exit_asked = False
            self._controller.exit_request(now)

    def _rex_edge(self) -> None:
        self._exit_asked = True
        self._server.wake()

    def _released(self, on_mono: float, off_mono: float) -> None:
        self._recorder.put(AuditEvent("relay_pulse", {"seconds": round(off_mono - on_mono, 4)}))

    def _malformed(self, peer: Peer, why: str) -> None:
        now = time.monotonic()
        # A flood is one line a second in the record, or it would be a way to fill the disk.
        if now - self._malformed_mono >= _MALFORMED_EVERY_S:
            self._malformed_mono = now
            event = _denial(Reason.MALFORMED, peer)
            event.details["why"] = why[:200]
            self._recorder.put(event)


def claim_from(message: Message) -> Claim:
    """A claim from its message. Raises ValueError when a field is missing or of the wrong kind."""
    identity, resident, reason = message.get("id"), message.get("resident"), message.get("reason")
    taken, similarity = message.get("taken_mono"), message.get("similarity")
    track, frames = message.get("track"), message.get("frames")
    if not (isinstance(identity, str) and 0 < len(identity) <= 64):
        raise ValueError("a claim needs an id")
    if not (resident is None or isinstance(resident, str)):
        raise ValueError("resident is an id or null")
    if not _is_number(taken) or not (similarity is None or _is_number(similarity)):
        raise ValueError("taken_mono and similarity are numbers")
    if type(track) is not int or type(frames) is not int:
        raise ValueError("track and frames are whole numbers")
    return Claim(identity, track, float(taken), resident, Reason(reason) if reason else None, frames, similarity)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)


def _denial(reason: Reason, peer: Peer) -> AuditEvent:
    return AuditEvent("denied", {"method": "link", "reason": reason.value, "uid": peer.uid})


def _uid_of(user: str | None) -> int:
    if user is None:
        return os.getuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(f"There is no system user {user!r}, which door.vision_user or door.api_user names.") from error


def main() -> int:
    """Entry point: one line of JSON, {"state", "door"}, on standard input."""
    logging.basicConfig(level=logging.INFO, format="door: %(message)s")
    given = settings_from_starter()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        service = DoorService(DoorSettings(**given["door"]), Path(given["state"]))
    except FacegateError as error:
        _log.error("%s", error)
        return 2
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
