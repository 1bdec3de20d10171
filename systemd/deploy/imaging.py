"""Make the image of a card out of the packages of `make deb`: a root that is only read, and a state beside it.

mmdebstrap puts Debian and the packages together, genimage makes file systems and a card of them; what a card has beside
its packages lies in systemd/card.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.building import SOURCE, declared_version
from deploy.programs import Failed, run
from deploy.wheels import SUITES

_CARD = SOURCE / "systemd/card"
# The Python of this suite is the one that Facegate is developed on, and a PC needs nothing of its maker's to start.
_SUITE, _ARCHITECTURE = "bookworm", "amd64"
_SYSTEM = (
    "busybox", "ca-certificates", "dbus", "e2fsprogs", "gpiod", "initramfs-tools", "iproute2", "kmod",
    "linux-image-amd64", "nano", "openssh-server", "python3", "sudo", "systemd-boot-efi", "systemd-resolved",
    "systemd-sysv", "systemd-timesyncd", "udev", "zstd",
)  # fmt: skip
# A gate has no reader of manuals; licences stay.
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
_KEPT = ("/usr/share/doc/*/copyright",)
# By what they bring.
_PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "genimage": "genimage",
    "mkdosfs": "dosfstools",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "zstd": "zstd",
}


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    try:
        _refuse_what_cannot_be()
        made = _image(chosen.version, chosen.packages, chosen.to)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="systemd/image", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--version", default=declared_version(), help="of the packages, by default the sources' own")
    parser.add_argument("--packages", type=Path, metavar="DIR", default=Path("dist"), help="where the packages are")
    parser.add_argument("--to", type=Path, metavar="DIR", default=Path("dist"), help="where the image goes")
    return parser


def _refuse_what_cannot_be() -> None:
    if os.geteuid() != 0:
        raise Failed("Only root makes a card's image: its files are root's. Say: sudo systemd/image")
    absent = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if absent:
        raise Failed(f"Programs are missing on this machine. Say: apt install {' '.join(absent)}")


def _image(version: str, packages: Path, to: Path) -> Path:
    """The image's file. Raises Failed."""
    debs = _packages(version, packages)
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="facegate-image-", dir="/var/tmp") as folder:
        scratch = Path(folder)
        # apt fetches as a user of its own.
        scratch.chmod(0o755)
        _make_root(scratch, debs)
        print("Make the file systems, and a card of them", flush=True)
        run(
            "genimage", "--config", _CARD / "genimage.cfg", "--rootpath", scratch / "root",
            "--tmppath", scratch / "tmp", "--inputpath", scratch / "images", "--outputpath", scratch / "images",
        )  # fmt: skip
        made = to / f"facegate_{version}_{_ARCHITECTURE}.img.zst"
        run("zstd", "--quiet", "--force", "-T0", scratch / "images/card.img", "-o", made)
    return made


def _packages(version: str, folder: Path) -> list[Path]:
    """Facegate's own, of one version. Raises Failed where one is not there."""
    mark = SUITES[_SUITE].mark
    found = []
    for name, kind in (
        ("facegate", "all"),
        (f"facegate-{version}", _ARCHITECTURE),
        (f"facegate-codecs-{version}", _ARCHITECTURE),
        ("facegate-models-open", "all"),
    ):
        deb = folder / f"{name}_{version}+{mark}_{kind}.deb"
        if not deb.is_file():
            raise Failed(f"There is no {deb}. Say first: make deb SUITE={_SUITE} ARCH={_ARCHITECTURE}")
        found.append(deb)
    return found


def _make_root(scratch: Path, debs: list[Path]) -> None:
    """The system's tree, with the state's part of it in /state."""
    ours = scratch / "ours"
    shutil.copytree(_CARD / "root", ours)
    (ours / "debs").mkdir()
    for deb in debs:
        shutil.copy(deb, ours / "debs")
    for path in ours.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    done = subprocess.run(
        [
            "mmdebstrap", "--variant=minbase", f"--architectures={_ARCHITECTURE}",
            # What a power cut leaves of it nobody uses.
            "--dpkgopt=force-unsafe-io",
            # What it would take away belongs on a root that nobody can write to; `finish` takes away the rest.
            "--skip=cleanup/reproducible",
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
            *(f"--dpkgopt=path-include={pattern}" for pattern in _KEPT),
            f"--include={','.join(_SYSTEM)}",
            # Before the kernel comes, whose RAM disk holds some of it.
            f"--essential-hook=sync-in {ours} /",
            f"--customize-hook={_CARD / 'finish'}",
            _SUITE, scratch / "root",
        ],
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failed("mmdebstrap could not make the system; what it says above says why.")
