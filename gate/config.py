"""The settings: one TOML file, every key overridable by FACEGATE_*, none ignored."""

from __future__ import annotations

import codecs
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from gate.api_settings import ApiSettings, ScreenSettings, WebhooksSettings
from gate.centre_settings import CentreSettings
from gate.door.settings import DoorSettings
from gate.enrolment_settings import EnrolmentSettings
from gate.errors import UsageError
from gate.home_assistant_settings import HomeAssistantSettings
from gate.keep_settings import KeepSettings
from gate.readers.settings import ReadersSettings
from gate.settings_section import NamedPath, Section
from gate.state_folder import broker_file, centre_file, is_service, reader_keys
from gate.vision.address import without_password
from gate.vision.settings import CameraSettings, VisionSettings
from gate.vocabulary import Level


class ModelsSettings(Section):
    """Which model pack, and where packs are kept."""

    pack: str = Field("open", pattern=r"^[a-z0-9][a-z0-9-]*(:[A-Za-z0-9_.-]+)?$")
    """The installed pack in use: `open`, `opencv-zoo`, `insightface:<name>`, ..."""

    liveness: tuple[str, ...] | None = Field(None, min_length=1)
    """The packs of liveness checks, used together where `vision.liveness` is not `off`. Nothing: those installed."""

    dir: NamedPath | None = None
    """Folder of the installed packs; absent: `models` in the service's directory, else in the user's data directory."""


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

    readers: ReadersSettings = ReadersSettings()
    """Keypads and card readers."""

    api: ApiSettings = ApiSettings()
    """The console and the API."""

    webhooks: WebhooksSettings = WebhooksSettings()
    """Webhooks."""

    screen: ScreenSettings = ScreenSettings()
    """The screen at the gate."""

    enrolment: EnrolmentSettings = EnrolmentSettings()
    """Enrolling people."""

    keep: KeepSettings = KeepSettings()
    """How long things are kept."""

    centre: CentreSettings = CentreSettings()
    """Many gates with one register."""

    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    """Home Assistant."""

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


class _NoNumber(ValueError):
    """True or false, where a number belongs."""

    def __init__(self, key: str) -> None:
        super().__init__("it must be a number, and true and false are none; leave it out where there is none")
        self.key = key


class _AsRead(Settings):
    """Settings at the place where they are read, with the cameras' logins.

    What two sections may not be together is asked here and not of `Settings`: the api is told the addresses without
    their logins, by which alone two channels of one recorder may differ.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _takes_no_yes_for_a_number(cls, given: Any, read: ModelWrapValidatorHandler[_AsRead]) -> _AsRead:
        # The library reads false as 0: whoever says that there is no fire contact would get one on GPIO 0,
        # which nothing closes, and the gate would stand open.
        settings = read(given)
        for key in _yes_read_as_numbers(given, settings):
            raise _NoNumber(key)
        return settings

    @model_validator(mode="after")
    def _has_its_bell(self) -> _AsRead:
        if self.screen.bell_button and not self.door.bell:
            raise ValueError(
                "screen.bell_button rings nothing without the bell: set bell = true in the section door, or leave"
                " bell_button out"
            )
        return self

    @model_validator(mode="after")
    def _uses_its_infrared(self) -> _AsRead:
        if self.infrared is None:
            return self
        if not (self.camera.wanted and self.infrared.wanted):
            raise ValueError(
                "infrared is looked through beside a camera; name both in camera.source and infrared.source, or remove"
                " the section infrared"
            )
        if self.infrared.source == self.camera.source:
            raise ValueError("infrared.source must be another camera than camera.source")
        if self.vision.level is Level.OFF:
            raise ValueError(
                'infrared is looked at for liveness alone; set vision.liveness to "standard", or remove it'
            )
        return self

    @model_validator(mode="after")
    def _has_a_port_for_each(self) -> _AsRead:
        if self.centre.enabled and len({self.api.port, self.centre.port, self.centre.pairing_port}) < 3:
            raise ValueError("api.port, centre.port and centre.pairing_port are three ports; give each its own number")
        return self


def _yes_read_as_numbers(given: object, read: object) -> Iterator[str]:
    """The keys, such as `door.fire_pin`, that were `given` as true or false and `read` as something else."""
    if not isinstance(given, Mapping):
        return
    for name, value in given.items():
        taken = getattr(read, name, None)
        if isinstance(value, bool) and not isinstance(taken, bool):
            yield name
        yield from (f"{name}.{key}" for key in _yes_read_as_numbers(value, taken))


_QUOTES = dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‚", "'")
_SIGNS_OF_TOML = frozenset("\"'=[]{}#,;:.-_")
# What the library says in words of programs.
_SAID = {
    "string_pattern_mismatch": "it holds signs that cannot stand there",
    "tuple_type": 'it must be a list, ["one", "another"]',
    "string_type": 'it must be a text between quotes, "..."',
    "path_type": 'it must be a path between quotes, "/..."',
    "model_type": "it is a section, with settings of its own",
    "model_attributes_type": "it is a section, with settings of its own",
    "dict_type": "it is a section, with settings of its own",
    "dataclass_type": "it is a section, with settings of its own",
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
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = f"the setting {found[1]}" if found else "a setting"
        raise UsageError(
            f"The environment sets {name} to what cannot be read: a list or a section is written as JSON there, as in"
            """ FACEGATE_API__HOSTS='["gate.example.org"]'."""
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The configuration {config} is not valid TOML: {error}. {_advice(error, config)}") from error
    except OSError as error:
        raise UsageError(f"The configuration {config} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The configuration {config} is not UTF-8 text, as where it was saved as ANSI or Unicode. Save it as UTF-8."
        ) from error


def _advice(error: tomllib.TOMLDecodeError, config: Path | None) -> str:
    """What is most likely wrong with the line that the error names: a mark that nobody sees, the signs of a Chinese
    keyboard, missing quotes."""
    if config and config.read_bytes().startswith(codecs.BOM_UTF8):
        return "Its editor set a mark before the first line; save it as UTF-8 without BOM."
    if re.match("Cannot (overwrite|declare|mutate)", str(error)):
        return "What stands there is named further up already: keep one of the two."
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
        return _AsRead
    if not config.is_file():
        if config.exists():
            raise UsageError(f"The configuration {config} is no file. Put a file there, or take away what lies there.")
        raise UsageError(f"There is no configuration file {config}.")

    class FileSettings(_AsRead):
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
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, _NoNumber):
        first = {**first, "loc": (raised.key,)}
    key = ".".join(str(part) for part in first["loc"])
    where = f"the configuration {config}" if config else "the settings"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"There is no setting {key}; remove it from {where} or mend its name."
    message = _SAID.get(first["type"], first["msg"].removeprefix("Value error, "))
    if not first["loc"]:
        return f"{where[0].upper()}{where[1:]} cannot be used: {message}."
    return f"The setting {key} in {where} is wrong: {message}."


def is_centre(settings: Settings, state: Path) -> bool:
    """Whether this machine leads gates; a second centre, which follows, does not."""
    return settings.centre.enabled and not os.path.exists(centre_file(state))


def runs_broker(settings: Settings, state: Path) -> bool:
    """Whether this machine has a broker: as the centre, or as a gate that was invited with one."""
    follows = os.path.exists(centre_file(state))
    return os.path.exists(broker_file(state)) if follows else settings.centre.enabled


def parts_of(settings: Settings, state: Path, models_dir: Path, config: Path | None) -> dict[str, dict[str, Any]]:
    """What each process is told at its start: `door`, `api`, `vision` where there is a camera, `readers` where
    there are any, `link` where this gate follows a centre, `broker` and `centre` where it is one or has a broker; and
    `errand`, which runs when the console asks. `config` is the file read."""
    dumped, common = settings.model_dump(mode="json"), {"state": str(state)}
    keys = {} if is_service(state) else {"keys": str(reader_keys(state))}
    readers = {"readers": {**common, **keys, "readers": dumped["readers"]}} if settings.readers.wanted else {}
    told = {**common, "centre": dumped["centre"]}
    link = {**common, "passages": settings.door.passback_gates}
    compound = {"link": link} if os.path.exists(centre_file(state)) else {}
    compound |= {"broker": told, "centre": told} if runs_broker(settings, state) else {}
    vision = {
        "vision": {
            **common,
            "camera": dumped["camera"],
            "infrared": dumped["infrared"],
            "vision": dumped["vision"],
            "models_dir": str(models_dir),
            "pack": settings.models.pack,
            "liveness_packs": dumped["models"]["liveness"],
            "api_user": settings.door.api_user,
        }
    }
    return {
        "door": {**common, "door": dumped["door"]},
        **(vision if settings.camera.wanted else {}),
        "api": {
            **common,
            # It reads `settings`; the sections beside it are for the version before, to which a gate may go back.
            "gate": settings.gate,
            "api": dumped["api"],
            "webhooks": dumped["webhooks"],
            "keep": dumped["keep"],
            "enrolment": dumped["enrolment"],
            "settings": shown(settings),
            "config": str(config.absolute()) if config else None,
            "zone": settings.door.zone,
            "models_dir": str(models_dir),
            "pack": settings.models.pack if settings.camera.wanted else None,
        },
        "errand": {**common, "settings": shown(settings)},
        **readers,
        **compound,
    }


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as anyone may see them, without a camera's password."""
    cameras = {
        name: camera.model_copy(update={"source": without_password(camera.source)})
        for name, camera in (("camera", settings.camera), ("infrared", settings.infrared))
        if camera is not None
    }
    return settings.model_copy(update=cameras).model_dump(mode="json")
