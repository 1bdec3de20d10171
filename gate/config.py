"""The settings: one TOML file, every key overridable by FACEGATE_*, none ignored."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gate.camera_address import address_of, refuse_mistyped, without_password
from gate.door.settings import DoorSettings
from gate.errors import UsageError
from gate.store.retention import KeepSettings
from gate.vocabulary import Level

SERVICE_STATE = Path("/var/lib/facegate")
SERVICE_CONFIG = Path("/etc/facegate/facegate.toml")
SERVICE_CREDENTIALS = Path("/etc/facegate/credentials")
CONFIG_NAME = "facegate.toml"

# No end of all digits: that is a mistyped address.
_NAME_OF_HOST = re.compile(r"(?:[\w-]+\.)*(?!0[xX])[\w-]*[A-Za-z][\w-]*\.?", re.ASCII)

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class CameraSettings(_Section):
    """Where the frames come from."""

    source: str = "0"
    """V4L2 index or path (`0`, `/dev/v4l/by-id/...`), an address (`rtsp://`, `rtsps://`, `http://`, `https://`), `csi`,
    a video file, or a folder of images."""

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


class ZoneSettings(_Section):
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


class PromiseSettings(_Section):
    """At most one wrong opening in so many years, on average."""

    years: float = Field(1, ge=0.1, le=100)
    """At most one wrong opening in this many years."""

    strangers_a_day: float = Field(2, ge=0.1, le=10_000)
    """Approaches a day of people who are not enrolled and who look into the camera until they are judged."""


class VisionSettings(_Section):
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

    threshold: float | None = Field(None, gt=-1, lt=1)
    """Score a claim needs, whatever the promise; absent: what the promise asks of the model pack's calibration."""

    margin: float | None = Field(None, ge=0, lt=1)
    """How far the best person must lead the second; absent: the model pack's own calibration."""

    liveness: Level = Level.OFF
    """Whether a live person must be there: `off`, `standard` or `strict`, which refuses more residents too."""

    liveness_cooldown_s: float = Field(10, ge=1, le=600)
    """How long the place where someone failed the liveness check lets nobody in by face, seconds."""

    frames: int = Field(3, ge=2, le=20)
    """Sightings of one track a claim needs."""

    patience: int = Field(8, ge=2, le=60)
    """Sightings of one track after which a face not recognised is called unknown, and not before `patience_s`."""

    patience_s: float = Field(0.8, ge=0, le=10)
    """How long a face not recognised is looked at before it is called unknown, seconds."""

    @model_validator(mode="after")
    def _is_consistent(self) -> VisionSettings:
        if self.patience < self.frames:
            raise ValueError("patience must be at least frames")
        if not self.min_light < self.max_light:
            raise ValueError("min_light must be below max_light")
        return self


class ModelsSettings(_Section):
    """Which model pack, and where packs are kept."""

    pack: str = Field("open", pattern=r"^[a-z0-9][a-z0-9-]*(:[A-Za-z0-9_.-]+)?$")
    """The installed pack in use: `open`, `opencv-zoo`, `insightface:<name>`, ..."""

    liveness: tuple[str, ...] = Field(("liveness-minifas", "liveness-celeba"), min_length=1)
    """The packs of liveness checks, used together where `vision.liveness` is not `off`."""

    dir: Path | None = None
    """Folder of the installed packs; absent: `models` in the service's directory, else in the user's data directory."""


class ScreenSettings(_Section):
    """The screen at the gate."""

    name: bool = False
    """Whether it greets by name: whoever stands near reads it too."""

    unknown: str = Field("", max_length=60)
    """What it says to somebody it does not know; empty: "Not known here" in the screen's language."""

    unknown_advice: str = Field("", max_length=100)
    """What it advises them to do, such as "Please ring the guard, 8001"; empty: to take another way in."""


class ApiSettings(_Section):
    """The console and the API."""

    host: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 is for this machine alone, its address on the site's network for others too.
    On 127.0.0.1 it listens in any case: the screen at the gate asks there."""

    hosts: tuple[Annotated[str, Field(pattern=r"^[^\s/@]+$", max_length=253)], ...] = ()
    """More names and addresses by which browsers call the gate (`gate.example.org`). It knows by itself `host`, the
    machine's name, the same with `.local`, `localhost`, and the names in your certificate; to others it does not
    answer."""

    open: tuple[Literal["metrics", "description"], ...] = ()
    """What is told without a login or a token: `metrics`, `/metrics` to programs on this machine; `description`, the
    API's description `/api/v1/openapi.json` to everybody."""

    port: int = Field(8443, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and prints it."""

    tls: Literal["generated", "own", "off"] = "generated"
    """`generated`: a certificate of the gate's own making; `own`: yours; `off`: none, on this machine alone."""

    certificate: Path | None = None
    """Your certificate with its chain, PEM."""

    key: Path | None = None
    """Its key, PEM, not encrypted."""

    @field_validator("host")
    @classmethod
    def _is_one_place(cls, host: str) -> str:
        # The system takes more for an address: nothing for all there are, "192.168.1" for 192.168.0.1, wide digits.
        host = host.strip()
        if not (host.isascii() and (_is_address(host) or _NAME_OF_HOST.fullmatch(host))):
            raise ValueError("it is one address, such as 192.168.1.20, without https:// before and a port behind it")
        return host

    @model_validator(mode="after")
    def _is_consistent(self) -> ApiSettings:
        if (self.tls == "own") != (self.certificate is not None and self.key is not None):
            raise ValueError('certificate and key belong to tls = "own"; give both, or neither')
        if self.tls == "off" and not _is_loopback(self.host):
            raise ValueError("without TLS passwords would cross the network; set host to 127.0.0.1 or leave tls on")
        return self


class WebhooksSettings(_Section):
    """Where the gate sends what happens."""

    allow: tuple[Annotated[str, Field(pattern=r"^[^\s/@]+(/\d+)?$", max_length=253)], ...] = ()
    """Receivers that are refused otherwise: addresses, networks (`127.0.0.1`, `169.254.0.0/16`) or names of hosts. The
    gate's own addresses, link-local and multicast ones are; those of the site's private networks are not."""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposure(host: str) -> str | None:
    """What is wrong with letting the console listen there; None: it stays on the site's own network.

    >>> exposure("192.168.1.20") is None
    True
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        return "The console listens on every address of this machine. Name that of the site's own network in api.host."
    if address.is_global:
        return f"The console listens on {host}, where the whole internet reaches it. Name a local address in api.host."
    return None


class Settings(BaseSettings):
    """Every setting of a gate."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="FACEGATE_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    gate: str = Field("gate", min_length=1, max_length=64, pattern=r"^[\w .-]+$")
    """The gate's name in the record: letters of any script, digits, blanks, points, `-` and `_`."""

    camera: CameraSettings = CameraSettings()
    """The camera."""

    infrared: CameraSettings | None = None
    """A near-infrared camera with a light of its own, close beside the camera and with its view: a section `[infrared]`
    with the keys of `[camera]`. Its evidence joins that of `vision.liveness`."""

    vision: VisionSettings = VisionSettings()
    """Recognition."""

    models: ModelsSettings = ModelsSettings()
    """Model packs."""

    door: DoorSettings = DoorSettings()
    """The door."""

    api: ApiSettings = ApiSettings()
    """The console and the API."""

    webhooks: WebhooksSettings = WebhooksSettings()
    """Webhooks."""

    screen: ScreenSettings = ScreenSettings()
    """The screen at the gate."""

    keep: KeepSettings = KeepSettings()
    """How long things are kept."""

    @model_validator(mode="after")
    def _uses_its_infrared(self) -> Settings:
        if self.infrared is None:
            return self
        if self.infrared.source == self.camera.source:
            raise ValueError("infrared.source must be another camera than camera.source")
        if self.vision.liveness is Level.OFF:
            raise ValueError(
                'infrared is looked at for liveness alone; set vision.liveness to "standard", or remove it'
            )
        return self

    @property
    def liveness_packs(self) -> tuple[str, ...]:
        """The packs that must be there for the liveness the settings ask for."""
        return () if self.vision.liveness is Level.OFF else self.models.liveness

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line over environment over file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


_QUOTES = dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‚", "'")
_SIGNS_OF_TOML = frozenset("\"'=[]{}#,;:.-_")
# What the library says in words of programs.
_SAID = {
    "string_pattern_mismatch": "it holds signs that cannot stand there",
    "tuple_type": 'it must be a list, ["one", "another"]',
    "string_type": 'it must be a text between quotes, "..."',
    "model_type": "it is a section, with settings of its own",
    "model_attributes_type": "it is a section, with settings of its own",
    "dict_type": "it is a section, with settings of its own",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number, with a point for its decimals",
    "float_type": "it must be a number, with a point for its decimals",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
}
_RESERVED_ENVIRONMENT = {"FACEGATE_STATE", "FACEGATE_CONFIG"}


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """The effective settings from `config`, the environment and `overrides` (nested dicts).

    Raises UsageError with one sentence naming the key that is unknown or wrong.
    """
    _refuse_unknown_environment()
    try:
        return _with_file(config)(**overrides)
    except ValidationError as error:
        raise UsageError(_sentence(error, config)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The configuration {config} is not valid TOML: {error}. {_advice(error, config)}") from error
    except OSError as error:
        raise UsageError(f"The configuration {config} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The configuration {config} is not UTF-8 text.") from error


def _advice(error: tomllib.TOMLDecodeError, config: Path | None) -> str:
    """What is most likely wrong with the line that the error names: the signs of a Chinese keyboard, missing quotes."""
    found = re.search(r"at line (\d+)", str(error))
    lines = config.read_text("utf-8").splitlines() if found and config else []
    number = int(found[1]) if found else 0
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    for sign in line:
        plain = _QUOTES.get(sign) or unicodedata.normalize("NFKC", sign)
        if plain != sign and plain in _SIGNS_OF_TOML:
            return f"Line {number} holds the wide sign {sign}; type the plain {plain} there."
    return 'A text stands between plain quotes ("..."), and a number has a point for its decimals.'


def _with_file(config: Path | None) -> type[Settings]:
    if config is None:
        return Settings
    if not config.is_file():
        raise UsageError(f"There is no configuration file {config}.")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    return FileSettings


def _refuse_unknown_environment() -> None:
    sections = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith("FACEGATE_") and name not in _RESERVED_ENVIRONMENT:
            section = name.removeprefix("FACEGATE_").split("__")[0]
            if section not in sections:
                raise UsageError(f"The environment sets {name}, which is no setting. Remove it or mend its name.")


def _sentence(error: ValidationError, config: Path | None) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"the configuration {config}" if config else "the settings"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"There is no setting {key}; remove it from {where} or mend its name."
    message = _SAID.get(first["type"], first["msg"].removeprefix("Value error, "))
    if not first["loc"]:
        return f"{where[0].upper()}{where[1:]} cannot be used: {message}."
    return f"The setting {key} in {where} is wrong: {message}."


def parts_of(settings: Settings, state: Path, models_dir: Path, config: Path | None) -> dict[str, dict[str, Any]]:
    """What each of the three processes is told at its start: `door`, `vision`, `api`; `config` is the file read."""
    dumped, common = settings.model_dump(mode="json"), {"state": str(state)}
    return {
        "door": {**common, "door": dumped["door"]},
        "vision": {
            **common,
            "camera": dumped["camera"],
            "infrared": dumped["infrared"],
            "vision": dumped["vision"],
            "models_dir": str(models_dir),
            "pack": settings.models.pack,
            "liveness_packs": list(settings.liveness_packs),
            "api_user": settings.door.api_user,
        },
        "api": {
            **common,
            "gate": settings.gate,
            "api": dumped["api"],
            "webhooks": dumped["webhooks"],
            "keep": dumped["keep"],
            "settings": shown(settings),
            "config": str(config.absolute()) if config else None,
            "zone": settings.door.zone,
            "models_dir": str(models_dir),
            "pack": settings.models.pack,
        },
    }


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as anyone may see them, without a camera's password."""
    cameras = {
        name: camera.model_copy(update={"source": without_password(camera.source)})
        for name, camera in (("camera", settings.camera), ("infrared", settings.infrared))
        if camera is not None
    }
    return settings.model_copy(update=cameras).model_dump(mode="json")


def state_directory(given: Path | None) -> Path:
    """Where this gate keeps its state: what was given, else the service's directory, else the user's.

    Raises UsageError where a service is installed that this user may not administer.
    """
    if given is not None:
        return given
    if not SERVICE_STATE.is_dir():
        return _own_directory()
    if not os.access(SERVICE_STATE, os.R_OK | os.X_OK):
        raise UsageError(
            f"The gate of this machine keeps its state in {SERVICE_STATE}, which is closed to you."
            " Put sudo before the command, or choose another with --state."
        )
    return SERVICE_STATE


def is_service(state: Path) -> bool:
    """Whether this is the state of the gate that is installed on this machine."""
    return state == SERVICE_STATE or (state.exists() and SERVICE_STATE.exists() and state.samefile(SERVICE_STATE))


def configuration_file(state: Path) -> Path | None:
    """The file that is read where none is named: the state's own, for an installed gate the one in /etc and no other.

    Whoever writes in a service's state does not decide what the services are told.
    """
    path = SERVICE_CONFIG if is_service(state) else state / CONFIG_NAME
    return path if path.is_file() else None


def models_directory(state: Path) -> Path:
    """Where model packs are kept by default: one place for all states of a user."""
    return (SERVICE_STATE if state == SERVICE_STATE else _own_directory()) / "models"


def _own_directory() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("facegate", appauthor=False))
