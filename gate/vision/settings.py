"""What an installer chooses about the cameras and about recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gate.settings_section import Section
from gate.vision.address import address_of, refuse_mistyped
from gate.vocabulary import Level

if TYPE_CHECKING:
    from gate.store.site.inherited import Inherited

Fraction = Annotated[float, Field(ge=0, le=1)]


class CameraSettings(Section):
    """Where the frames come from."""

    source: str = "0"
    """V4L2 index or path (`0`, `/dev/v4l/by-id/...`), an address (`rtsp://`, `rtsps://`, `http://`, `https://`), `csi`,
    a video file, or a folder of images; empty: there is no camera, and nobody comes in by face."""

    transport: Literal["auto", "tcp", "udp", "http"] = "auto"
    """How RTSP's pictures travel: `auto` takes TCP, and UDP where the camera has no other; `http` is a tunnel."""

    rotate: Literal[0, 90, 180, 270] = 0
    """By how many degrees the picture must be turned clockwise to stand upright."""

    flip: Literal["none", "horizontal", "vertical"] = "none"
    """Whether the turned picture is mirrored, `horizontal` swapping left and right."""

    width: int = Field(1280, ge=160, le=4096)
    """Width asked of a V4L2 or CSI camera, pixels."""

    height: int = Field(720, ge=120, le=4096)
    """Height asked of a V4L2 or CSI camera, pixels."""

    fps: float = Field(15, gt=0, le=60)
    """Frames a second asked of a V4L2 or CSI camera; also how often a JPEG's address is asked, and a folder's pace."""

    loop: bool = True
    """Whether a video file or folder used as a camera starts again at its end."""

    opening_s: float = Field(20, ge=0.2, le=120)
    """How long a camera may take from being opened to its first picture, seconds."""

    deadline_s: float = Field(2, ge=0.2, le=30)
    """Without a new frame for this long the camera counts as lost, seconds; one at the machine is opened again then, a
    network's after 10 s."""

    frozen_s: float = Field(5, ge=1, le=60)
    """A black or white picture for this long is a fault, and of a camera at the machine an unchanged one, seconds."""

    still_s: float = Field(3600, ge=60, le=86_400)
    """An unchanged picture of a network camera for this long is a fault, seconds; encoders repeat a still scene."""

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        source = source.strip()
        refuse_mistyped(source)
        if "://" in source:
            address_of(source)
        return source

    @property
    def wanted(self) -> bool:
        """Whether there is one, and so a process that looks through it."""
        return bool(self.source)


class ZoneSettings(Section):
    """The approach zone, as fractions of the picture: a face counts when its centre lies inside."""

    left: Fraction = 0.0
    """Left edge."""
    top: Fraction = 0.0
    """Upper edge."""
    right: Fraction = 1.0
    """Right edge."""
    bottom: Fraction = 1.0
    """Lower edge."""

    @model_validator(mode="after")
    def _has_an_inside(self) -> ZoneSettings:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError("the zone must have left < right and top < bottom")
        return self


# Who passes a compound's gate and looks into its camera.
STRANGERS_A_DAY = 50.0


class PromiseSettings(Section):
    """At most one wrong opening in so many years, on average."""

    years: float = Field(1, ge=0.1, le=100)
    """At most one wrong opening in this many years."""

    strangers_a_day: float | None = Field(None, ge=0.1, le=10_000)
    """Approaches a day of people who are not enrolled and who look into the camera until they are judged.

    Nothing: 50, or as many as before at a gate that was there before these were 50.
    """

    @property
    def counted(self) -> float:
        """How many strangers a day the promise counts on."""
        return STRANGERS_A_DAY if self.strangers_a_day is None else self.strangers_a_day


class VisionSettings(Section):
    """From frame to claim."""

    provider: Literal["cpu", "cuda", "tensorrt"] = "cpu"
    """What computes the models at the gate; one that is not there stops the start, and nothing falls back to another.
    Enrolment and evaluation use the CPU."""

    threads: int = Field(1, ge=1, le=16)
    """Threads for the models."""

    detect_side: int = Field(640, ge=160, le=1920)
    """Frames with a side above this are shrunk to it for the detector; the face itself is cut from the full frame."""

    zone: ZoneSettings = ZoneSettings()
    """The approach zone."""

    min_eye_distance: float = Field(24, ge=12, le=400)
    """Pixels between the eyes below which a face is too far away to be at the gate."""

    max_yaw: float = Field(0.35, gt=0, le=1)
    """How far the nose may stand off the middle of the eyes, in eye distances, before a face is turned away."""

    min_sharpness: float = Field(30, ge=0)
    """Variance of the Laplacian of the aligned face below which it is blurred."""

    min_light: float = Field(40, ge=0, le=255)
    """Mean grey of the aligned face below which it is too dark, 0 to 255."""

    max_light: float = Field(220, ge=0, le=255)
    """Mean grey of the aligned face above which it is too bright, 0 to 255."""

    promise: PromiseSettings = PromiseSettings()
    """How seldom a stranger may be let in."""

    second_look: bool = True
    """Whether somebody whom the pack's first model did not let in is looked at by its second one, where it has one."""

    threshold: float | None = Field(None, gt=-1, lt=1)
    """Score a claim needs, whatever the promise; absent: what the promise asks of the model pack's calibration."""

    margin: float | None = Field(None, ge=0, lt=1)
    """How far the best person must lead the second; absent: the model pack's own calibration."""

    liveness: Level | None = None
    """Whether a live person must be there: `off`, `standard` or `strict`, which refuses more residents too.

    Nothing: `standard`, or `off` at a gate that was there before this was so.
    """

    liveness_cooldown_s: float = Field(10, ge=1, le=600)
    """How long the place where someone failed the liveness check lets nobody in by face, seconds."""

    passes: bool = True
    """Whether visitors' passes and the codes of residents' phones are read that are held up to the camera, at a gate
    that has any."""

    frames: int = Field(3, ge=2, le=20)
    """Sightings of one track a claim needs."""

    patience: int = Field(8, ge=2, le=60)
    """Sightings of one track after which a face not recognised is called unknown, and not before `patience_s`."""

    patience_s: float = Field(0.8, ge=0, le=10)
    """How long a face not recognised is looked at before it is called unknown, seconds."""

    @property
    def level(self) -> Level:
        """How much liveness is asked for."""
        return Level.STANDARD if self.liveness is None else self.liveness

    def as_before(self, inherited: Inherited) -> VisionSettings:
        """These at a gate that goes on with what it inherited, where they say nothing."""
        promise, liveness = self.promise, self.liveness
        if promise.strangers_a_day is None:
            promise = promise.model_copy(update={"strangers_a_day": inherited.strangers_a_day})
        if liveness is None:
            liveness = inherited.liveness
        return self.model_copy(update={"promise": promise, "liveness": liveness})

    @model_validator(mode="after")
    def _is_consistent(self) -> VisionSettings:
        if self.patience < self.frames:
            raise ValueError("patience must be at least frames")
        if not self.min_light < self.max_light:
            raise ValueError("min_light must be below max_light")
        return self
