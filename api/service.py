"""The api process: HTTP on the address the settings name."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from api.app import create_app
from gate.config import ApiSettings
from gate.errors import FacegateError
from gate.link import api_address_file, runtime_directory
from gate.process import Watchdog, settings_from_starter, stop_with_starter, tell_ready

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tell_ready()
        self._feeding = asyncio.create_task(_feed_watchdog())


async def _feed_watchdog() -> None:
    watchdog = Watchdog()
    while True:
        watchdog.feed(fresh=True)
        await asyncio.sleep(0.5)


def main() -> int:
    """Entry point: one line of JSON, {"state", "gate", "api"}, on standard input."""
    logging.basicConfig(level=logging.INFO, format="api: %(message)s")
    given = settings_from_starter()
    stop_with_starter()
    state = Path(given["state"])
    settings = ApiSettings(**given["api"])
    try:
        runtime_directory(state, "api")
        listener = socket.create_server((settings.host, settings.port))
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
    host, port = listener.getsockname()[:2]
    # Whoever reads it finds it whole.
    address = api_address_file(state)
    new = address.with_suffix(".new")
    new.write_text(f"http://{host}:{port}\n", "ascii")
    new.replace(address)
    app = create_app(given["gate"], state)
    _Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
