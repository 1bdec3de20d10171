"""The api process: the console and the API, over TLS, on the address the settings name."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import uvicorn

from api.app import create_app
from api.chores import tidy_each_night
from api.context import Context
from api.destinations import Allowed
from api.enroller import Enroller
from api.front.connections import Connection
from api.front.hosts import Hosts, names_of
from api.front.listening import BACKLOG, Doors, address_of
from api.front.tls import fingerprint, generated_certificate, names_in, own_certificate
from api.importer import Importer
from api.languages import Languages
from api.webhooks import send_for_ever
from gate.api_settings import ApiSettings, WebhooksSettings, exposure
from gate.errors import FacegateError
from gate.keep_settings import KeepSettings
from gate.processes.addresses import api_address_file, runtime_directory
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter, tell_ready
from gate.store.database import open_database
from gate.store.site import accounts

_log = logging.getLogger(__name__)

_LOOK_AT_CERTIFICATE_EVERY_S = 6 * 3600.0
# On the same cores the door comes first, then vision (gate.vision.service.NICE).
_NICE = 15


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, context: Context, names: tuple[str, ...]) -> None:
        super().__init__(config)
        self._context = context
        self._names = names

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tell_ready()
        self._chores = [
            asyncio.create_task(_feed_watchdog()),
            asyncio.create_task(tidy_each_night(self._context)),
            asyncio.create_task(send_for_ever(self._context)),
            asyncio.create_task(self._renew_certificate()),
        ]

    async def _renew_certificate(self) -> None:
        """A gate may run for years: its own certificate is made anew before it ends, and shown from then on."""
        while self._names and isinstance(self.config.ssl, ssl.SSLContext):
            await asyncio.sleep(_LOOK_AT_CERTIFICATE_EVERY_S)
            try:
                self.config.ssl.load_cert_chain(
                    *await asyncio.to_thread(generated_certificate, self._context.state, self._names)
                )
            except (OSError, ValueError) as error:
                _log.error("The console's certificate could not be renewed: %s", error)


async def _feed_watchdog() -> None:
    watchdog = Watchdog()
    while True:
        watchdog.feed(fresh=True)
        await asyncio.sleep(0.5)


def main() -> int:
    """Entry point: one line of JSON on standard input, as gate.config.parts_of writes it for `api`."""
    speak_as("api")
    # It would write every webhook's address at every line it sends.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # And this one a line for whatever anybody sends.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    given = settings_from_starter()
    os.nice(_NICE)
    stop_with_starter()
    state = Path(given["state"])
    settings, doors = ApiSettings(**given["api"]), Doors()
    try:
        runtime_directory(state, "api")
        sockets = doors.listeners(settings.host, settings.port)
        names = names_of(settings.host, settings.hosts, (one.getsockname()[0] for one in sockets))
        certificate = _certificate(settings, state, names)
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    enroller = Enroller(Path(given["models_dir"]), given["pack"])
    importer = Importer(state, enroller)
    importer.clear()
    context = Context(
        gate=given["gate"],
        state=state,
        enroller=enroller,
        importer=importer,
        languages=Languages(),
        secure=certificate is not None,
        zone=given["zone"],
        keep=KeepSettings(**given["keep"]),
        hosts=Hosts.of((*names, *(names_in(certificate[0]) if certificate else ()))),
        open=frozenset(settings.open),
        # Settings written by the version before have no such section.
        webhooks=Allowed.of(WebhooksSettings(**given.get("webhooks", {})).allow),
        settings=given["settings"],
        config=Path(given["config"]) if given["config"] else None,
    )
    address, here = (address_of(one, secure=context.secure) for one in (sockets[0], sockets[-1]))
    # Programs on this machine ask there.
    _write(api_address_file(state), f"{here}\n", 0o644)
    _log.info("The console is at %s", address if here == address else f"{address}, and on this machine at {here}")
    exposed = exposure(settings.host)
    if exposed is not None:
        _log.warning("%s", exposed)
    if certificate is not None and settings.tls == "generated":
        _log.info("Its certificate is the gate's own; a browser shows it as SHA-256 %s", fingerprint(certificate[0]))
    _offer_first_start(context, address)
    config = uvicorn.Config(
        create_app(context),
        # Any callable that makes a protocol will do.
        http=partial(Connection, doors=doors),  # type: ignore[arg-type]
        loop="asyncio",
        ws="none",
        backlog=BACKLOG,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    _Server(config, context, names if settings.tls == "generated" else ()).run(sockets)
    return 0


def _certificate(settings: ApiSettings, state: Path, names: tuple[str, ...]) -> tuple[Path, Path] | None:
    if settings.tls == "own" and settings.certificate is not None and settings.key is not None:
        return own_certificate(settings.certificate, settings.key)
    return generated_certificate(state, names) if settings.tls == "generated" else None


def _offer_first_start(context: Context, address: str) -> None:
    """Where there is no user yet, print the code that makes the owner."""
    try:
        with closing(open_database(context.state)) as connection:
            known = accounts.has_owner(connection)
    except FacegateError as error:
        _log.error("%s", error)
        return
    if known:
        context.owner_code_file.unlink(missing_ok=True)
        return
    _write(context.owner_code_file, f"{context.owner_code.code}\n", 0o600)
    _log.info("Nobody administers this gate yet. Open %s and give the code %s", address, context.owner_code.code)


def _write(path: Path, text: str, mode: int) -> None:
    """Whoever reads it finds it whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
        file.write(text)
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
