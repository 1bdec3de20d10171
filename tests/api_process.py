"""The api alone, as a process of its own, and what asks it."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import httpx

from gate.config import load_settings, parts_of
from gate.processes.addresses import api_address_file
from tests.running import wait_for

# The api's own program, which waits so long for a request's headers.
ON_A_SHORT_PATIENCE = """
import sys
import api.front.connections as connections
from api.service import main
connections.HEADERS_WITHIN_S = {}
sys.exit(main())
"""


@contextmanager
def api_process(
    state, models_dir, *, webhooks=None, screen=None, door=None, log=None, by=(), headers_within_s=None, **api
):
    """The api with these settings; yields its address on this machine. Its log goes into the list `log`.

    `by` is a command that starts it, given its own.
    """
    program = (
        ["-m", "api.service"] if headers_within_s is None else ["-c", ON_A_SHORT_PATIENCE.format(headers_within_s)]
    )
    settings = load_settings(api={"port": 0, **api}, webhooks=webhooks or {}, screen=screen or {}, door=door or {})
    given = parts_of(settings, state, models_dir, None)["api"]
    (state / "run").mkdir(parents=True, exist_ok=True)
    api_address_file(state).unlink(missing_ok=True)
    process = subprocess.Popen(
        [*by, sys.executable, *program],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    process.stdin.write(json.dumps(given) + "\n")
    process.stdin.flush()
    kept = [] if log is None else log
    threading.Thread(target=lambda: kept.extend(process.stderr), daemon=True).start()
    try:
        wait_for(lambda: api_address_file(state).exists() and serves(address_of(state)), 180, "the api does not start")
        yield address_of(state)
    finally:
        process.terminate()
        process.wait(10)
        process.stdin.close()


@contextmanager
def api_that_can_hang(state, models_dir, **given):
    """The same, and a function that sends it a signal, such as to stop and to go on."""
    file = state / "pid"
    by = ("sh", "-c", f'echo $$ > "{file}"; exec "$@"', "sh")
    with api_process(state, models_dir, by=by, **given) as address:
        number = int(file.read_text())
        try:
            yield address, lambda which: os.kill(number, which)
        finally:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)


def address_of(state):
    return api_address_file(state).read_text().strip()


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def serves(address):
    try:
        return httpx.get(f"{address}/sign-in", verify=trusting(), timeout=5).status_code in (200, 303)
    except httpx.HTTPError:
        return False


def trusting():
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return trust
