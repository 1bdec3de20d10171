"""The api process: the console and the API, over TLS, on the address the settings name."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from contextlib import closing
from pathlib import Path

import uvicorn

from api.app import create_app
from api.chores import tidy_each_night
from api.connections import Connection
from api.context import Context
from api.destinations import Allowed
from api.enroller import Enroller
from api.importer import Importer
from api.languages import Languages
from api.tls import fingerprint, generated_certificate, own_certificate
from api.webhooks import send_for_ever
from gate.config import ApiSettings, WebhooksSettings, exposure
from gate.errors import FacegateError
from gate.link import api_address_file, runtime_directory
from gate.process import Watchdog, settings_from_starter, stop_with_starter, tell_ready
from gate.store import accounts
from gate.store.database import open_database
from gate.store.retention import KeepSettings

_log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 400
# On the same cores the door comes first, then vision (gate.vision.service.NICE).
_NICE = 15


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, context: Context) -> None:
        super().__init__(config)
        self._context = context

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tell_ready()
        self._chores = [
            asyncio.create_task(_feed_watchdog()),
            asyncio.create_task(tidy_each_night(self._context)),
            asyncio.create_task(send_for_ever(self._context)),
        ]


async def _feed_watchdog() -> None:
    watchdog = Watchdog()
    while True:
        watchdog.feed(fresh=True)
        await asyncio.sleep(0.5)


def main() -> int:
    """Entry point: one line of JSON on standard input, as gate.config.parts_of writes it for `api`."""
    logging.basicConfig(level=logging.INFO, format="api: %(message)s")
    # It would write every webhook's address at every line it sends.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given = settings_from_starter()
    os.nice(_NICE)
    stop_with_starter()
    state = Path(given["state"])
    settings = ApiSettings(**given["api"])
    try:
        runtime_directory(state, "api")
        certificate = _certificate(settings, state)
        listener = socket.create_server((settings.host, settings.port), family=_family(settings.host))
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    except OSError as error:
        _log.error(
            "%s:%d cannot be listened on (%s). Change api.host or api.port.",
            settings.host,
            settings.port,
            error.strerror,
        )
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
        # Settings written by the version before have no such section.
        webhooks=Allowed.of(WebhooksSettings(**given.get("webhooks", {})).allow),
        settings=given["settings"],
        config=Path(given["config"]) if given["config"] else None,
    )
    address = _address(listener, secure=certificate is not None)
    _write(api_address_file(state), f"{address}\n", 0o644)
    _log.info("The console is at %s", address)
    exposed = exposure(settings.host)
    if exposed is not None:
        _log.warning("%s", exposed)
    if certificate is not None and settings.tls == "generated":
        _log.info("Its certificate is the gate's own; a browser shows it as SHA-256 %s", fingerprint(certificate[0]))
    _offer_first_start(context, address)
    config = uvicorn.Config(
        create_app(context),
        http=Connection,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    _Server(config, context).run([listener])
    return 0


def _certificate(settings: ApiSettings, state: Path) -> tuple[Path, Path] | None:
    if settings.tls == "own" and settings.certificate is not None and settings.key is not None:
        return own_certificate(settings.certificate, settings.key)
    return generated_certificate(state) if settings.tls == "generated" else None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(listener: socket.socket, *, secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    return f"http{'s' if secure else ''}://{f'[{host}]' if ':' in host else host}:{port}"


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
