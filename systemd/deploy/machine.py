"""What a machine needs beside files: users, the state's folders, a kernel that lets outputs go."""

from __future__ import annotations

from pathlib import Path

from deploy.place import Installation
from deploy.programs import run

_BOOT_CONFIG = Path("boot/firmware/config.txt")
_STRICT = "dtparam=strict_gpiod"
_STRICT_BLOCK = f"\n# Facegate: an output is let go when the process that held it dies\n[all]\n{_STRICT}\n"


def make_users(systemd: Path) -> None:
    """The users, and the state's folders with their rights, as the files in that folder say."""
    run("systemd-sysusers", systemd / "sysusers.conf")
    run("systemd-tmpfiles", "--create", systemd / "tmpfiles.conf")
    run("udevadm", "control", "--reload", may_fail=True)
    run("udevadm", "trigger", "--subsystem-match=gpio", "--subsystem-match=input", may_fail=True)
    run("systemctl", "daemon-reload")


def let_pins_go(place: Installation) -> None:
    """A Raspberry Pi's kernel keeps the output of a dead process unless it is told not to (raspberrypi/linux#6117)."""
    config = place.root / _BOOT_CONFIG
    if not config.is_file():
        return
    text = config.read_text("utf-8")
    if any(line.split("#")[0].strip() == _STRICT for line in text.splitlines()):
        return
    place.step(
        f"add {_STRICT} to /{_BOOT_CONFIG}, which counts from the next start of the board",
        lambda: config.write_text(text.rstrip("\n") + "\n" + _STRICT_BLOCK, "utf-8"),
    )


def as_the_kernel_was(place: Installation) -> None:
    """Takes out what was added for the pins; a line of somebody else's stays."""
    boot = place.root / _BOOT_CONFIG
    if boot.is_file() and _STRICT_BLOCK in (text := boot.read_text("utf-8")):
        boot.write_text(text.replace(_STRICT_BLOCK, ""), "utf-8")
