"""The image of a card, written and started as an installer would: power, and a page that asks for the one-time code."""

import http.client
import re
import shutil
import ssl
import subprocess
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import pytest

from tests.board import build
from tests.board.machine import CLOCK, MEMORY_MB
from tests.board.written import CARD_BYTES, CODE, Card, image
from tests.soak.test_decoder_unit import free_port

pytestmark = pytest.mark.board

# The same as the other board's: a processor that is computed is a hundred times as slow.
EMULATED = build.GUEST / "run/systemd/system"


@contextmanager
def powered(card, folder):
    """A PC with that card and a network, and nothing else of the board's; yields it until its power is cut."""
    kernel, initrd, line = card.boots_from(folder)
    port, began = free_port(), datetime.now(UTC).replace(microsecond=0)
    with (folder / "qemu.log").open("ab") as log:
        qemu = subprocess.Popen(
            [
                "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
                "-accel", "tcg", "-icount", CLOCK, "-rtc", f"clock=vm,base={began:%Y-%m-%dT%H:%M:%S}", "-cpu", "max",
                "-m", str(MEMORY_MB), "-kernel", kernel, "-initrd", initrd, "-append", line,
                "-drive", f"file={card.path},format=raw,if=none,id=card,cache=none",
                "-device", "virtio-blk-pci,drive=card", "-serial", f"file:{folder / 'console.log'}",
                "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:8443",
                "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield Power(qemu, port, began, folder / "console.log")
    finally:
        qemu.kill()
        qemu.wait()


class Power:
    """One start, from power-on to power cut."""

    def __init__(self, qemu, port, began, console):
        self._qemu, self._port, self._began, self._console = qemu, port, began, console

    def until(self, condition):
        """What a condition gives, once it gives something; how long that may take says the step's limit."""
        while not (found := condition()):
            assert self._qemu.poll() is None, f"qemu ended: {self.console}"
            time.sleep(1)
        return found

    @property
    def console(self):
        """What it said on its serial line."""
        return self._console.read_text(errors="replace") if self._console.exists() else ""

    def page(self, path, form=None):
        """An answer with its text, and the seconds from the start to it by the machine's own clock; None: no answer."""
        # Nobody vouches for the certificate that it made a moment ago.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=120, context=context)
        with suppress(OSError, http.client.HTTPException):
            headers = {"Origin": f"https://127.0.0.1:{self._port}", "Content-Type": "application/x-www-form-urlencoded"}
            if form is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, urlencode(form), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            after = parsedate_to_datetime(answer.headers["Date"]) - self._began
            return answer, text, after / timedelta(seconds=1)
        return None


@pytest.fixture(scope="module")
def card(models_dir, tmp_path_factory):
    """A written card, on which systemd waits for an emulated processor."""
    if why := build.missing():
        pytest.skip(f"{why}: no board")
    folder = tmp_path_factory.mktemp("image")
    card = Card(image(models_dir), folder / "card.img")
    for drop_in in EMULATED.glob("facegate-*.service.d/*.conf"):
        place = f"/etc/systemd/system/{drop_in.parent.name}"
        card.ask("root", f"mkdir {place}", f"write {drop_in} {place}/{drop_in.name}", write=True)
    yield card
    shutil.rmtree(folder)


@pytest.mark.step("image: nobody has a password, and no two cards have a key in common", 60)
def test_a_written_card_holds_no_secret(card):
    card.holds_no_secret()


@pytest.mark.step("image: the power goes while the first start has the state grow", 1200)
def test_the_power_goes_in_the_first_start(card, tmp_path):
    before = card.partition("state")[1]
    with powered(card, tmp_path) as machine:
        machine.until(lambda: card.has_grown_from(before))
    # And a table whose first copy is half written, as a cut a moment earlier would leave it: the other one was first.
    card.tear_table()
    assert card.partition("state")[1] > before


@pytest.mark.step("image: from the kernel's start to the first page, and the owner is made by the code", 1800)
def test_a_first_start_asks_for_nothing_but_the_code(card, tmp_path, seen):
    root = card.digest("root")
    with powered(card, tmp_path) as machine:
        answer, text, after_s = machine.until(lambda: machine.page("/owner"))
        assert answer.status == 200, text
        assert 'name="code"' in text
        seen(f"the first page {after_s:.0f} s after the kernel began")
        place, code = machine.until(lambda: CODE.search(machine.console)).groups()
        assert place == "https://facegate.local:8443"
        password = "a gate of a card that was written"
        answer, text, _ = machine.page("/owner", {"code": code, "name": "owner", "password": password})
        assert (answer.status, answer.headers["Location"]) == (303, "/"), text
    assert card.digest("root") == root, "the root was written to"
    assert re.fullmatch(r"[0-9a-f]{32}", card.ask("state", "cat /machine-id").strip())
    blocks = re.search(r"Block count:\s+(\d+)", card.ask("state", "stats -h"))
    assert int(blocks[1]) * 4096 > CARD_BYTES // 2, "the state has not grown"
    assert "ssh_host" not in card.ask("state", "ls -p /ssh"), "ssh was started, and nobody put a key on the card"
