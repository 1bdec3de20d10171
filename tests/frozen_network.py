"""A network between browser and gate that can freeze, and delivers what it held back when it thaws: a stopped socat."""

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager

import pytest

from tests.api_process import port_of


@contextmanager
def freezing_network(address):
    """Another address of the gate, which leads through the network, and a function that sends that a signal."""
    if shutil.which("socat") is None:
        pytest.skip("there is no socat on this machine; install it for a network that can freeze")
    # That the browser has hung up comes to the gate later than what it said before.
    there = f"TCP:127.0.0.1:{port_of(address)},shut-none"
    between = subprocess.Popen(
        ["socat", "-d", "-d", "-t", "5", "TCP-LISTEN:0,bind=127.0.0.1,fork", there],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip

    def send(which):
        # Each connection is a process of its group.
        os.killpg(between.pid, which)

    try:
        port = re.search(r"listening on .*:(\d+)", between.stderr.readline())[1]
        yield f"https://127.0.0.1:{port}", send
    finally:
        send(signal.SIGTERM)
        send(signal.SIGCONT)
        between.wait(5)
        between.stderr.close()
