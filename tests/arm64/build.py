"""What is proved for aarch64: a bare Debian for it, with the gate in it by the installer.

It lies in `.cache/arm64` under a digest of what went into it, and is made anew where that has changed.
"""

import json
import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.arm64.system import System
from tests.conftest import REPOSITORY
from tests.parts import absent, install, made, shipped
from tests.soak import container

CACHE = REPOSITORY / ".cache" / "arm64"
ARCHITECTURE = "arm64"
# What the machine that runs this needs, by what it is needed for.
NEEDED = {
    "qemu-user-static": "running programs for aarch64",
    "debootstrap": "their system",
    "systemd-container": "a room for each command in it",
}
# The default pack, and that of its second look.
PACKS = ("open", "opencv-zoo")
MODELS = "/var/lib/facegate/models"
SOURCES = "root/facegate"
_INSTALLED_WITHIN_S = 2400


@dataclass(frozen=True)
class Installed:
    """A system with the gate in it: what the installer said, and the seconds that it took."""

    system: System
    said: str
    seconds: float


def missing():
    """Why nothing for aarch64 can be run here, or None."""
    if os.geteuid() != 0:
        return "only root has a kernel run programs for another processor"
    if "\nID=debian" not in f"\n{Path('/etc/os-release').read_text()}" or platform.machine() != "x86_64":
        return "the system for aarch64 is made on Debian on x86-64"
    wanted = [f"{name} ({NEEDED[name]})" for name in absent(NEEDED)]
    return f"missing: {', '.join(wanted)}; make arm64 installs them" if wanted else None


def gate(models_dir):
    """A bare system in which the installer was called, as on a board that has the sources and the model packs."""

    def fill(folder):
        system = System(folder / "root")
        container.bare(system.root, architecture=ARCHITECTURE)
        container.put_sources(system.root, SOURCES)
        for pack in PACKS:
            shutil.copytree(models_dir / pack, system.root / "var/lib/facegate/models" / pack)
        fetched = CACHE / "pip"
        fetched.mkdir(exist_ok=True)
        began = time.monotonic()
        said = system.run(
            f"/{SOURCES}/systemd/install", "--root", "/",
            keep=True, network=True, lend=[(fetched, "/root/.cache/pip")], timeout=_INSTALLED_WITHIN_S,
        ).out  # fmt: skip
        told = {"said": said, "seconds": time.monotonic() - began}
        (folder / "installed.json").write_text(json.dumps(told))

    packs = [(models_dir / pack / "installed.json").read_text() for pack in PACKS]
    folder = made(CACHE, "gate", fill, shipped(), *packs)
    return Installed(System(folder / "root"), **json.loads((folder / "installed.json").read_text()))


if __name__ == "__main__":
    sys.exit(install(NEEDED))
