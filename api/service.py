"""The api process: the console and the API, over TLS, on the address the settings name."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
import ssl
import sys
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import uvicorn

from api.app import create_app
from api.bootstrap import Console, bootstrap
from api.camera_for_centre import answer_centre
from api.chores import forget_faces, tidy_each_night
from api.context import Context
from api.for_centre import carry_out, say_state
from api.front.connections import Connection
from api.front.listening import BACKLOG, address_of
from api.front.tls import fingerprint, renew_for_ever
from api.home_assistant.service import tell_home_assistant
from api.webhooks import send_for_ever
from gate.api_settings import exposure
from gate.errors import FacegateError
from gate.processes.addresses import api_address_file
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter, tell_ready
from gate.state_folder import centre_file
from gate.store.database import open_database
from gate.store.people import photo_links
from gate.store.site import accounts

_log = logging.getLogger(__name__)

# On the same cores the door comes first, then vision (gate.vision.service.NICE).
_NICE = 15


class _Server(uvicorn.Server):
    """Serves a console, and does beside it what the api does by itself."""

    def __init__(self, console: Console) -> None:
        super().__init__(_configuration(console))
        self._console = console

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tell_ready()
        self._chores = [
            asyncio.create_task(_feed_watchdog()),
            asyncio.create_task(tidy_each_night(self._console.context)),
            asyncio.create_task(forget_faces(self._console.context)),
            asyncio.create_task(send_for_ever(self._console.context)),
            asyncio.create_task(tell_home_assistant(self._console.context)),
        ]
        # Written where this gate follows a centre; whoever joins or leaves starts the gate anew.
        if os.path.exists(centre_file(self._console.context.state)):
            for chore in (say_state, carry_out, answer_centre):
                self._chores.append(asyncio.create_task(chore(self._console.context)))
        if self._console.settings.tls == "generated" and isinstance(self.config.ssl, ssl.SSLContext):
            renewing = renew_for_ever(self.config.ssl, self._console.context.state, self._console.names)
            self._chores.append(asyncio.create_task(renewing))


async def _feed_watchdog() -> None:
    watchdog = Watchdog()
    while True:
        watchdog.feed(fresh=True)
        await asyncio.sleep(0.5)


def _configuration(console: Console) -> uvicorn.Config:
    certificate, key = console.certificate or (None, None)
    return uvicorn.Config(
        create_app(console.context),
        http=partial(Connection, doors=console.doors),  # type: ignore[arg-type]  # any callable that makes a protocol will do
        loop="asyncio",
        ws="none",
        backlog=BACKLOG,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def main() -> int:
    """Entry point: one line of JSON on standard input, as gate.config.parts_of writes it for `api`."""
    speak_as("api")
    # It would write a line for whatever anybody sends.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    given = settings_from_starter()
    os.nice(_NICE)
    stop_with_starter()
    try:
        console = bootstrap(given)
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    console.context.importer.clear()
    _lose_photos(console.context)
    _offer_first_start(console.context, _announced(console))
    _Server(console).run(console.sockets)
    return 0


def _lose_photos(context: Context) -> None:
    """What residents had sent was in the memory of the process before: they are asked for it once more."""
    try:
        with closing(open_database(context.state)) as connection:
            photo_links.lose_all(connection)
    except (FacegateError, sqlite3.Error) as error:
        _log.error("%s", error)


def _announced(console: Console) -> str:
    """Where a browser finds it, once that is told to the log and to the programs of this machine."""
    secure = console.context.secure
    address, here = (address_of(one, secure=secure) for one in (console.sockets[0], console.sockets[-1]))
    # Programs on this machine ask there.
    _tell_machine(api_address_file(console.context.state), f"{here}\n", 0o644)
    _log.info("The console is at %s", address if here == address else f"{address}, and on this machine at {here}")
    exposed = exposure(console.settings.host)
    if exposed is not None:
        _log.warning("%s", exposed)
    if console.certificate is not None and console.settings.tls == "generated":
        shown = fingerprint(console.certificate[0])
        _log.info("Its certificate is the gate's own; a browser shows it as SHA-256 %s", shown)
    return address


def _offer_first_start(context: Context, address: str) -> None:
    """Where there is no user yet, print the code that makes the owner."""
    try:
        with closing(open_database(context.state)) as connection:
            known = accounts.has_owner(connection)
    except FacegateError as error:
        _log.error("%s", error)
        return
    if known:
        with suppress(OSError):
            context.owner_code_file.unlink(missing_ok=True)
        return
    _tell_machine(context.owner_code_file, f"{context.owner_code.code}\n", 0o600)
    _log.info("Nobody administers this gate yet. Open %s and give the code %s", address, context.owner_code.code)


def _tell_machine(path: Path, text: str, mode: int) -> None:
    """A console that serves is worth more than a file that says so."""
    try:
        _write(path, text, mode)
    except OSError as error:
        _log.error("%s cannot be written (%s); the console goes on without. Make room there.", path, error.strerror)


def _write(path: Path, text: str, mode: int) -> None:
    """Whoever reads it finds it whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
        file.write(text)
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
