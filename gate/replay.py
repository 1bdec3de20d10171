"""Replay: the same pipeline over recorded footage on the video's own clock, pins mocked: one outcome a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from gpiozero import OutputDevice
from gpiozero.pins.mock import MockFactory

from gate.config import Settings
from gate.door.controller import Controller
from gate.door.rules import Known
from gate.door.settings import DoorSettings
from gate.door.signals import Signal
from gate.store.people.residents import Resident
from gate.vision.gallery import Gallery
from gate.vision.recogniser import Recogniser
from gate.vision.recording_clock import forward
from gate.vision.recordings import Stream
from gate.vision.retry import DoorNews
from gate.vocabulary import Claim, Frame, Reason, Verdict
from models.liveness import LivenessCheck
from models.pack import Models


@dataclass(slots=True)
class Passage:
    """One verdict: when in the video (seconds), for which track, and what it was."""

    t: float
    track: int
    granted: bool
    resident: str | None
    reason: Reason | None
    frames: int
    similarity: float | None
    along: bool = False
    """Whether they came along with somebody who was just let in: the relay did not move for them."""

    @property
    def kind(self) -> str:
        """As the record would call it."""
        if not self.granted:
            return "denied"
        return "came_along" if self.along else "granted"


@dataclass(slots=True)
class Outcome:
    """What a replay showed. `frame_to_relay_ms`: from a decoded frame in hand to the mocked relay's edge."""

    frames: int = 0
    elapsed_s: float = 0.0
    relay_pulses: int = 0
    passages: list[Passage] = field(default_factory=list)
    frame_to_relay_ms: list[float] = field(default_factory=list)


class VideoRelay:
    """A relay on mock pins whose pulses run on the video's clock: the controller ends them as video time passes."""

    def __init__(self, settings: DoorSettings) -> None:
        self._device = OutputDevice(
            settings.relay_pin, active_high=settings.relay_active_high, pin_factory=MockFactory()
        )
        self.pulses = 0
        self.now = 0.0

    def energise(self, _seconds: float) -> float:
        """See `gate.door.outputs.Outputs`."""
        self._device.on()
        self.pulses += 1
        return self.now

    def release(self) -> None:
        """See `gate.door.outputs.Outputs`."""
        self._device.off()

    def hold(self, on: bool) -> None:
        """Footage has no hold relay."""

    def show(self, signal: Signal) -> None:
        """Footage has no light either."""


def replay(
    frames: Stream,
    models: Models,
    gallery: Gallery,
    resident: Callable[[str], Resident | None],
    settings: Settings,
    name: str,
    each_frame: Callable[[], None] = lambda: None,
    checks: Sequence[LivenessCheck] = (),
    again: Gallery | None = None,
) -> Outcome:
    """Run the frames through recognition and the door's rules; `resident` looks one up by id, `again` is who can be
    recognised by a second look."""
    numbers = count(1)
    recogniser = Recogniser(models, settings.vision, lambda: f"claim-{next(numbers)}", checks)
    relay = VideoRelay(settings.door)
    controller = Controller(settings.door, relay, lambda _event: None)
    outcome = Outcome()
    began = time.perf_counter()
    for t, image in forward(frames):
        in_hand = time.perf_counter()
        relay.now = t
        controller.tick(t)
        if recogniser.awaits_door:
            recogniser.hear(DoorNews(controller.at_rest(t), frozenset(controller.taken)))
        for claim in recogniser.see(Frame(image, name, t), gallery, again=again):
            verdict, on = controller.claim(claim, known_in_footage(claim, resident), t)
            if on is not None:
                outcome.frame_to_relay_ms.append((time.perf_counter() - in_hand) * 1000)
            recogniser.answered(claim, verdict.reason, verdict.along or (claim.id if verdict.granted else None))
            outcome.passages.append(_passage(claim, verdict, resident))
        outcome.frames += 1
        each_frame()
    outcome.elapsed_s = time.perf_counter() - began
    outcome.relay_pulses = relay.pulses
    controller.stop(relay.now)
    return outcome


def known_in_footage(claim: Claim, resident: Callable[[str], Resident | None]) -> Known:
    """What is known of a claim's resident where there is no time of day, as in footage: hours and days do not count."""
    found = None if claim.resident is None else resident(claim.resident)
    return Known(found, from_its_user=True, at_this_gate=True, valid=True, within_hours=True, one_suffices=True)


def _passage(claim: Claim, verdict: Verdict, resident: Callable[[str], Resident | None]) -> Passage:
    known = resident(claim.resident) if claim.resident else None
    return Passage(
        t=round(claim.taken_mono, 3),
        track=claim.track,
        granted=verdict.granted,
        resident=known.name if known else None,
        reason=verdict.reason,
        frames=claim.frames,
        similarity=claim.similarity,
        along=verdict.along is not None,
    )


def percentiles(values: list[float]) -> dict[str, float | None]:
    """{"p50", "p95", "max"} of some milliseconds; None each where there are none."""
    if not values:
        return {"p50": None, "p95": None, "max": None}
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 2),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        "max": round(ordered[-1], 2),
    }
