"""The composition root: all that one api process is made of, made here and put together.

Nothing is served or told here: `api.service` does both with what this returns, and a test may do something else.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.context import Context
from api.destinations import Allowed
from api.enroller import Enroller
from api.front.hosts import Hosts, names_of
from api.front.listening import Doors
from api.front.tls import generated_certificate, names_in, own_certificate
from api.importer import Importer
from api.languages import Languages
from enroll.decoder.parent import Decoder
from gate.api_settings import ApiSettings
from gate.config import Settings
from gate.processes.addresses import runtime_directory


@dataclass(frozen=True, slots=True)
class Console:
    """One api process before it serves: its sockets listen, and nobody accepts from them yet."""

    settings: ApiSettings
    context: Context
    doors: Doors
    sockets: list[socket.socket]
    """At the address of the settings first, and last on this machine itself; they may be one."""
    names: tuple[str, ...]
    """By what the gate is known where it listens."""
    certificate: tuple[Path, Path] | None
    """The files of its certificate and key; None: it speaks plain HTTP."""


def bootstrap(given: dict[str, Any]) -> Console:
    """The console of a gate, from what gate.config.parts_of tells the process `api`.

    Raises UsageError where its address cannot be listened on or its certificate cannot be read.
    """
    state, doors = Path(given["state"]), Doors()
    # A file of settings that a version before wrote lacks what came since.
    every = Settings.model_validate(given["settings"])
    settings = every.api
    runtime_directory(state, "api")
    sockets = doors.listeners(settings.host, settings.port)
    names = names_of(settings.host, settings.hosts, (one.getsockname()[0] for one in sockets))
    certificate = _certificate(settings, state, names)
    hosts = Hosts.of((*names, *(names_in(certificate[0]) if certificate else ())))
    context = _context(given, state, every, hosts, secure=certificate is not None)
    return Console(settings, context, doors, sockets, names, certificate)


def _certificate(settings: ApiSettings, state: Path, names: tuple[str, ...]) -> tuple[Path, Path] | None:
    if settings.tls == "own" and settings.certificate is not None and settings.key is not None:
        return own_certificate(settings.certificate, settings.key)
    return generated_certificate(state, names) if settings.tls == "generated" else None


def _context(given: dict[str, Any], state: Path, settings: Settings, hosts: Hosts, *, secure: bool) -> Context:
    # Photos are opened by one decoder, one at a time, whoever sent them.
    decoder = Decoder()
    enroller = Enroller(Path(given["models_dir"]), given["pack"], decoder)
    return Context(
        state=state,
        settings=settings,
        enroller=enroller,
        importer=Importer(state, enroller, decoder),
        languages=Languages(),
        secure=secure,
        hosts=hosts,
        webhooks=Allowed.of(settings.webhooks.allow),
        config=Path(given["config"]) if given["config"] else None,
    )
