"""What a process says of itself when it is asked for its status. Times are monotonic seconds.

A field without a default was said from the first version on: what lacks it is no status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gate.processes.camera_report import CameraReport
from gate.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody rang at the gate: by what, in the words of the door's bell, and whether it rings still. Where it does
    not, nobody answered, and whoever rang is told so."""

    id: str
    by: str
    rings: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorStatus:
    """How the door is.

    `mode`, `leaf` (None without a contact), `standing` and `signal` are the words of the door's machine, `faults` those
    of `gate.vocabulary.Fault`; they are texts here, so that those of a door of another version can be shown as they
    are. `reason` is why whoever stands at the gate was refused, while they are told so, `further` whether who is asked
    to turn the head has begun to and should go on, `begins_at` when the pass begins of who came too early (ISO 8601,
    UTC), and `residents` are the ids of whom it greets, while it does.
    `at_rest` says whether a resident who asked now would set the gate in motion, and
    `taken` are the ids of the last grants by which somebody went through. `hold_relay` is None without one, `inputs`
    holds those that are wired. `typed` is how many digits stand at a keypad. `bell` is the call that rings, or that
    nobody answered a moment ago, `may_ring` whether somebody who rang now would call anybody. `store_fault` says in
    words what is wrong with the record, the register or what a restart must know again, `code_fault` what is with the
    door's key, without which PINs and cards are refused.
    """

    mode: str
    leaf: str | None
    standing: tuple[str, ...]
    faults: tuple[str, ...]
    signal: str | None
    reason: Reason | None = None
    further: bool = False
    begins_at: str | None = None
    typed: int = 0
    residents: tuple[str, ...] = ()
    at_rest: bool = False
    taken: tuple[str, ...] = ()
    bell: Call | None = None
    may_ring: bool = False
    relay: bool
    hold_relay: bool | None
    inputs: Mapping[str, bool]
    exit_pressed: bool
    lock: str
    pid: int
    clock_trusted: bool
    unwritten_events: int
    lost_events: int
    last_write_age_s: float | None
    store_fault: str | None
    code_fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionStatus:
    """How vision is.

    `cameras` holds a report for `camera`, and for `infrared` where there is one; `camera_fault` and `infrared_fault`
    are their faults in English. `recording_ended` and `recording_began_mono` are for a recording in the camera's place.
    `residents` is how many are in the gallery, `embedded` how many faces became a template since the start. `nearest`
    is where the nearest face is: how far right of the picture's middle and below its upper edge its middle lies, its
    width and its height, all in heights of the picture.
    """

    cameras: Mapping[str, CameraReport] = field(default_factory=dict)
    camera_fault: str | None
    infrared_fault: str | None = None
    last_frame_mono: float | None
    last_inference_mono: float | None
    recording_ended: bool
    recording_began_mono: float | None = None
    residents: int
    embedded: int
    nearest: tuple[float, float, float, float] | None = None
