"""The vision process: frames in, claims to the door, and a socket that says how the camera is."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import cv2

from gate.errors import FacegateError
from gate.processes import asking
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.allowance import Allowance
from gate.processes.client import Client, LinkDown
from gate.processes.fields import Malformed, written
from gate.processes.peers import Peer
from gate.processes.requests import OF_VISION, ClaimReply, Do, Preview, Reply, Report, asked
from gate.processes.server import Server
from gate.processes.starting import (
    Watchdog,
    credential,
    settings_from_starter,
    speak_as,
    stop_with_starter,
    tell_ready,
    uid_of,
)
from gate.processes.status import VisionStatus
from gate.processes.wire import Message
from gate.store.database import open_read_only
from gate.store.ids import new_id
from gate.store.people import credentials, passes
from gate.store.site import approach_zone
from gate.store.site.inherited import inherited
from gate.vision.address import with_password
from gate.vision.camera import Camera, CameraState
from gate.vision.gallery import damaged_in, judging, judging_again
from gate.vision.held_up import HeldUp, method_of
from gate.vision.learning import lesson_of
from gate.vision.liveness_packs import liveness_packs
from gate.vision.preview import preview
from gate.vision.promise import looks_again
from gate.vision.recogniser import Recogniser
from gate.vision.retry import DoorNews
from gate.vision.settings import CameraSettings, VisionSettings
from gate.vision.sources import Source, source_of
from gate.vocabulary import Claim, Frame, Kind, Presented, Reason
from models.errors import PackError
from models.pack import Models, open_liveness, open_models

_log = logging.getLogger(__name__)

_TURN_S = 0.2
_STUCK_READERS = 3
# How often the door is asked whether the gate is at rest, while somebody waits for that, seconds.
_ASK_DOOR_EVERY_S = 0.5
# How often the store is asked whether there are passes, seconds.
_ASK_PASSES_EVERY_S = 1.0
# Between a frame and its judgement; beyond it the models hang, seconds.
_FRESH_S = 5.0
# On the same cores the door comes first.
NICE = 10
# What the record is told of each camera, when it is lost and when it is back.
_TOLD = {
    "camera": (Kind.CAMERA_LOST, Kind.CAMERA_BACK),
    "infrared": (Kind.INFRARED_LOST, Kind.INFRARED_BACK),
}


class VisionService:
    """Vision's loop: the newest frame, the newest gallery, and what follows from them."""

    def __init__(
        self,
        state: Path,
        models: Models,
        recogniser: Recogniser,
        sources: Mapping[str, Source],
        viewers: frozenset[int],
        held_up: HeldUp | None = None,
    ) -> None:
        """`sources` are "camera" and, where there is one, "infrared"; `viewers` the user ids that may see through it;
        `held_up` reads passes, None: they are not read.

        Raises FacegateError when the store cannot be read or the socket is taken, PackError without a calibration.
        """
        self._models, self._recogniser = models, recogniser
        self._held_up, self._has_passes, self._asked_passes_mono = held_up, False, float("-inf")
        self._store = open_read_only(state)
        self._gallery = judging(self._store, models)
        self._again = judging_again(self._store, models)
        self._door = Client(socket_of(state, "door"))
        self._viewers = viewers
        self._server = Server(socket_of(state, "vision"), self._answer, self._refuse, viewers)
        self._refusals_logged = Allowance(time.monotonic())
        self._latest: Frame | None = None
        self._cameras = {name: Camera(source) for name, source in sources.items()}
        self._camera, self._infrared = self._cameras["camera"], self._cameras.get("infrared")
        self._latest_infrared: Frame | None = None
        self._watchdog = Watchdog()
        self._stop = False
        self._faulty: set[str] = set()
        self._untold = [Report(Kind.VISION_STARTED)]
        self._gallery_broken = False
        self._damaged: frozenset[str] = frozenset()
        self._inferred_mono: float | None = None
        self._asked_door_mono = float("-inf")

    def run(self) -> int:
        """Until `ask_to_stop` (0), or until the camera's driver holds too many readers for ever (1)."""
        tell_ready()
        try:
            while not self._stop:
                frame = self._camera.frame(_TURN_S)
                self._follow_gallery()
                self._follow_door()
                self._server.turn(0)
                state = self._camera.state()
                self._tell_cameras()
                if frame is not None:
                    self._see(frame)
                self._watchdog.feed(self._fresh(state))
                if any(camera.state().abandoned >= _STUCK_READERS for camera in self._cameras.values()):
                    _log.error("The camera's driver does not come back; vision starts again.")
                    return 1
        finally:
            for camera in self._cameras.values():
                camera.close()
            self._server.close()
            self._door.close()
        return 0

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """End `run` after this turn of its loop; a handler for signals."""
        self._stop = True

    def _fresh(self, state: CameraState) -> bool:
        """What came in went through the models; a camera that is gone is no reason to start again."""
        if state.fault is not None or state.ended or state.last_frame_mono is None:
            return True
        return self._inferred_mono is not None and state.last_frame_mono - self._inferred_mono < _FRESH_S

    def _see(self, frame: Frame) -> None:
        self._latest = frame
        if self._infrared is not None:
            self._latest_infrared = self._infrared.frame(0) or self._latest_infrared
        if not frame.repeated:
            again = None if self._again is None else self._again.gallery
            for claim in self._recogniser.see(frame, self._gallery.gallery, self._latest_infrared, again):
                self._claim(claim)
            self._read_passes(frame)
        self._inferred_mono = time.monotonic()

    def _claim(self, claim: Claim) -> None:
        try:
            answer = asking.claim(self._door, claim)
        except LinkDown as error:
            _log.warning("%s", error)
            answer = ClaimReply(False, Reason.FAULT)
        self._recogniser.answered(claim, answer.reason, answer.grant)
        if answer.learn and claim.resident is not None:
            self._teach(claim, claim.resident)

    def _read_passes(self, frame: Frame) -> None:
        """Tell the door of the passes and phones that are held up, where there are any at all."""
        if self._held_up is None or not self._knows_of_passes():
            return
        for code in self._held_up.see(frame):
            try:
                asking.present(self._door, Presented(new_id(), method_of(code), "camera", frame.taken_mono, code))
            except asking.NotUnderstood as error:
                _log.warning("A code was held up, and the door took it from nobody: %s", error)
            except LinkDown:
                # It said so to whoever claimed; a pass is shown again until the door is back.
                self._held_up.forget(code)

    def _knows_of_passes(self) -> bool:
        """Whether there are passes or phones here; a pass that is over counts too: whoever holds it up is told so."""
        now = time.monotonic()
        if now - self._asked_passes_mono >= _ASK_PASSES_EVERY_S:
            self._asked_passes_mono = now
            # The gallery has said what is wrong with the store.
            with suppress(sqlite3.Error):
                self._has_passes = passes.are_there(self._store) or credentials.has_rolling(self._store)
        return self._has_passes

    def _teach(self, claim: Claim, resident: str) -> None:
        """Offer the door what a granted claim rested on; what was learned before has no say in what is learned now."""
        again = None if self._again is None else self._again.gallery
        sample = self._recogniser.sample(claim, self._gallery.gallery, again)
        if sample is None:
            return
        try:
            if (lesson := lesson_of(self._store, self._models, claim.id, resident, sample)) is not None:
                asking.teach(self._door, lesson)
        except (sqlite3.Error, LinkDown) as error:
            _log.warning("Nothing was learned from a passage: %s", error)

    def _follow_gallery(self) -> None:
        try:
            self._gallery.refresh()
            if self._again is not None:
                self._again.refresh()
            self._recogniser.let_count(approach_zone.drawn(self._store))
            self._gallery_broken = False
            if (damaged := damaged_in(self._gallery, self._again)) - self._damaged:
                _log.error("Templates of %d residents are damaged: facegate doctor says whose.", len(damaged))
            self._damaged = damaged
        except sqlite3.Error as error:
            if not self._gallery_broken:
                _log.error("The gallery cannot follow the store (%s); it stays as it was.", error)
                self._gallery_broken = True

    def _follow_door(self) -> None:
        """Ask the door how it is while somebody in view waits for it; a door that does not answer is not at rest."""
        now = time.monotonic()
        if not self._recogniser.awaits_door or now - self._asked_door_mono < _ASK_DOOR_EVERY_S:
            return
        self._asked_door_mono = now
        try:
            status = asking.door_status(self._door)
        except LinkDown:
            self._recogniser.hear(DoorNews(at_rest=False))
        else:
            self._recogniser.hear(DoorNews(status.at_rest, frozenset(status.taken)))

    def _tell_cameras(self) -> None:
        for name, camera in self._cameras.items():
            fault = camera.state().fault
            if (fault is not None) == (name in self._faulty):
                continue
            self._faulty ^= {name}
            lost, back = _TOLD[name]
            event = back if fault is None else lost
            self._untold.append(Report(event, (fault or "")[:200]))
            if fault:
                _log.error("%s: %s", name, fault)
        try:
            while self._untold:
                # Any answer will do: it was heard.
                with suppress(asking.NotUnderstood):
                    asking.report(self._door, self._untold[0])
                self._untold.pop(0)
        except LinkDown:
            return  # Kept, and told when the door is back.

    def _answer(self, message: Message, peer: Peer) -> Message:
        try:
            return written(self._serve(asked(message, OF_VISION), peer))
        except Malformed:
            return written(Reply(False, Reason.MALFORMED))

    def _serve(self, do: Do, peer: Peer) -> VisionStatus | Preview | Reply:
        if do is Do.STATUS:
            return self._status()
        if peer.uid not in self._viewers:
            self._refuse(peer, "asked for a picture")
            return Reply(False, Reason.WRONG_PEER)
        fresh = self._latest is not None and self._camera.state().fault is None
        return preview(self._latest) if fresh and self._latest is not None else Preview()

    def _refuse(self, peer: Peer, why: str) -> None:
        if self._refusals_logged.take(time.monotonic()):
            _log.warning("refused uid %d: %s", peer.uid, why)

    def _status(self) -> VisionStatus:
        state = self._camera.state()
        reports = {name: camera.state().report for name, camera in self._cameras.items()}
        faults = {name: report.fault.sentence for name, report in reports.items() if report.fault is not None}
        return VisionStatus(
            cameras=reports, camera_fault=faults.get("camera"), infrared_fault=faults.get("infrared"),
            last_frame_mono=state.last_frame_mono, last_inference_mono=self._inferred_mono,
            recording_ended=state.ended, recording_began_mono=state.began_mono,
            residents=len(self._gallery.gallery), embedded=self._recogniser.embedded, nearest=self._recogniser.nearest,
        )  # fmt: skip


def main() -> int:
    """Entry point: what `gate.config.parts_of` gives vision, on standard input as one line."""
    speak_as("vision")
    given = settings_from_starter()
    os.nice(NICE)
    # A camera that is away would fill the journal with OpenCV's own words; ours say it once.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        service = _built(given)
    except (FacegateError, PackError) as error:
        _log.error("%s", error)
        return 2
    signal.signal(signal.SIGTERM, service.ask_to_stop)
    signal.signal(signal.SIGINT, service.ask_to_stop)
    stop_with_starter()
    return service.run()


def _built(given: dict[str, Any]) -> VisionService:
    """The service, of what its starter gave. Raises FacegateError and PackError."""
    state, vision, models_dir = Path(given["state"]), VisionSettings(**given["vision"]), Path(given["models_dir"])
    cameras = {name: _camera_settings(given[name]) for name in ("camera", "infrared") if given[name]}
    runtime_directory(state, "vision")
    models = open_models(models_dir, given["pack"], threads=vision.threads, provider=vision.provider)
    with closing(open_read_only(state)) as store:
        vision = vision.as_before(inherited(store))
    if not looks_again(vision):
        models = replace(models, second=None)
    packs = liveness_packs(models_dir, vision, given["liveness_packs"])
    checks = open_liveness(models_dir, packs, threads=vision.threads, provider=vision.provider)
    recogniser = Recogniser(models, vision, new_id, checks, secrets.choice, infrared="infrared" in cameras)
    # Nobody but the api (and who could take its place anyway) sees through this camera.
    viewers = frozenset({0, os.getuid(), uid_of(given["api_user"])})
    sources = {name: source_of(settings) for name, settings in cameras.items()}
    held_up = HeldUp() if vision.passes else None
    return VisionService(state, models, recogniser, sources, viewers, held_up)


def _camera_settings(given: dict[str, Any]) -> CameraSettings:
    settings = CameraSettings(**given)
    return settings.model_copy(update={"source": with_password(settings.source, credential("camera-password"))})


if __name__ == "__main__":
    sys.exit(main())
