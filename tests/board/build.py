"""What the board is made of: Debian's kernel and system, two modules built for it, and the gate by its installer.

Each part lies in `.cache/board` under a digest of what went into it, and is made anew where that has changed.
"""

import hashlib
import json
import lzma
import os
import platform
import re
import shutil
import struct
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import pytest

from evaluate.demo.walkup import Scene, footage, walker_from
from tests.board.pins import AT_REST, PINS
from tests.conftest import REPOSITORY
from tests.parts import absent, install, made, shipped
from tests.parts import run as _run
from tests.soak import container

CACHE = REPOSITORY / ".cache" / "board"
GUEST = Path(__file__).parent / "guest"
# What the machine that runs this needs, by what it is needed for.
NEEDED = {
    "qemu-system-x86": "the board itself",
    "debootstrap": "its system",
    "linux-source-6.1": "the source of the kernel's simulated pins",
    "linux-headers-amd64": "building modules for its kernel",
    "v4l2loopback-source": "its camera",
    "busybox-static": "its start",
    "swtpm": "its TPM",
    "e2fsprogs": "its disk",
    "cpio": "its start",
    "bzip2": "unpacking the camera's source",
    "xz-utils": "unpacking the kernel's source",
    "patch": "its pins",
    "gcc": "building modules",
    "make": "building modules",
    "mmdebstrap": "the image of a card",
    "genimage": "the image of a card",
    "dosfstools": "the image of a card",
    "mtools": "the image of a card",
    "zstd": "the image of a card",
    "fdisk": "looking at the image of a card",
    "kmod": "choosing modules",
}
# What its system has beside that of a bare one.
SYSTEM = ("gpiod", "kmod", "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0", "libtss2-tcti-device0", "v4l-utils")
# In the order in which they are loaded, before there is a disk.
EARLY = ("virtio_pci", "virtio_blk", "crc32c-intel", "crc32c_generic", "ext4", "virtio_console", "configfs")
LATE = ("v4l2loopback", "xhci_pci", "usbhid", "hid_generic", "evdev")
DISK_BYTES = 3 << 30
# Who has come is seen on so many pictures, to and fro.
_STANDING = 7
# The newest that gpiozero's factory works with; Debian 12 has none.
LGPIO = "lgpio==0.2.2.0"


@dataclass(frozen=True)
class Board:
    """What a machine is started from."""

    kernel: Path
    initramfs: Path
    disk: Path


def missing():
    """Why there can be no board here, or None."""
    if os.geteuid() != 0:
        return "only root makes a system's disk"
    release = Path("/etc/os-release").read_text()
    if "VERSION_CODENAME=bookworm" not in release or platform.machine() != "x86_64":
        return "the board's kernel and system are built on Debian 12 on x86-64"
    wanted = [f"{name} ({NEEDED[name]})" for name in absent(NEEDED)]
    return f"missing: {', '.join(wanted)}; make board installs them" if wanted else None


def board(models_dir, photos, detector):
    """The board, made where it is not there yet."""
    if why := missing():
        pytest.skip(f"{why}: no board")
    version = _version()
    kernel, chip = _kernel(version), _chip(version)
    film = _film(photos, detector)
    disk = _disk(kernel, film, models_dir, photos)
    return Board(_unpacked(kernel), _initramfs(kernel, chip), disk / "board.img")


def _version():
    """Of the newest kernel whose headers are here."""
    headers = sorted(Path("/usr/src").glob("linux-headers-*-amd64"), key=lambda path: path.stat().st_mtime)
    return headers[-1].name.removeprefix("linux-headers-")


def _kernel(version):
    """Debian's kernel, the modules that the board needs, and its camera's."""

    def fill(folder):
        package, built = folder / "package", folder / "built"
        _run("apt-get", "download", "-qq", f"linux-image-{version}", cwd=folder)
        _run("dpkg", "-x", *folder.glob("linux-image-*.deb"), package)
        built.mkdir()
        _run("tar", "-xjf", "/usr/src/v4l2loopback.tar.bz2", "-C", built)
        _build(built / "modules/v4l2loopback", version)
        extra = package / "lib/modules" / version / "extra"
        extra.mkdir()
        shutil.copy(built / "modules/v4l2loopback/v4l2loopback.ko", extra)
        _run("depmod", "-b", package, version)
        shutil.copy(package / "boot" / f"vmlinuz-{version}", folder / "vmlinuz")
        _keep_modules(package, version, folder / "lib/modules" / version)
        _early(package, version, folder / "early")
        for scrap in (package, built):
            shutil.rmtree(scrap)
        for archive in folder.glob("*.deb"):
            archive.unlink()

    return made(CACHE, "kernel", fill, version, EARLY, LATE)


def _unpacked(kernel):
    """The kernel out of its own archive: an emulated processor takes half a minute for that, at each start."""

    def fill(folder):
        (folder / "vmlinux").write_bytes(vmlinux_in((kernel / "vmlinuz").read_bytes()))

    return made(CACHE, "vmlinux", fill, kernel) / "vmlinux"


def vmlinux_in(image):
    """What a kernel's image has packed."""
    # As in Documentation/x86/boot.rst: the sectors of its setup, and where behind them the archive lies.
    begins = (image[0x1F1] + 1) * 512
    offset, length = struct.unpack_from("<II", image, 0x248)
    return lzma.LZMADecompressor().decompress(image[begins + offset : begins + offset + length])


def _chip(version):
    """The module of the board's pins."""

    def fill(folder):
        names = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")
        inside = [f"linux-source-6.1/{name}" for name in names]
        _run("tar", "-xJf", "/usr/src/linux-source-6.1.tar.xz", "-C", folder, "--strip-components=1", *inside)
        _run("patch", "--quiet", "--strip=1", "--fuzz=0", "--directory", folder, "--input", patch)
        for name in names:
            shutil.copy(folder / name, folder)
        (folder / "Makefile").write_text("obj-m := gpio-sim.o\n")
        _build(folder, version)

    patch = Path(__file__).with_name("pins.patch")
    return made(CACHE, "chip", fill, version, patch.read_text()) / "gpio-sim.ko"


def _build(folder, version):
    _run("make", "-s", "-C", f"/usr/src/linux-headers-{version}", f"M={folder}", "modules")
    for module in folder.glob("*.ko"):
        _run("strip", "--strip-debug", module)


def _needed(package, version, name):
    """The files of a module and of those it stands on, in the order in which they load."""
    said = _run("modprobe", "-d", package, "-S", version, "--show-depends", name)
    return [Path(found) for found in re.findall(r"^insmod (\S+)", said, re.MULTILINE)]


def _keep_modules(package, version, kept):
    """Of the kernel's modules those that the board uses, a hundredth of them."""
    whole = package / "lib/modules" / version
    kept.mkdir(parents=True)
    for path in {path for name in (*EARLY, *LATE) for path in _needed(package, version, name)}:
        target = kept / path.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in whole.glob("modules.*"):
        shutil.copy(path, kept)
    _run("depmod", "-b", kept.parent.parent.parent, version)


def _early(package, version, folder):
    """What is loaded before there is a disk, and in which order."""
    folder.mkdir()
    order = list(dict.fromkeys(path for name in EARLY for path in _needed(package, version, name)))
    for path in order:
        shutil.copy(path, folder)
    (folder / "order").write_text("".join(f"{path.name}\n" for path in order))


def _initramfs(kernel, chip):
    """What starts the system, and brings along into its /run all that is the board's and not the gate's."""

    def fill(folder):
        tree = folder / "tree"
        shutil.copytree(GUEST / "run", tree / "run", symlinks=True)
        shutil.copytree(GUEST / "tools", tree / "run/board", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(kernel / "early", tree / "modules")
        shutil.copy(chip, tree / "modules")
        with (tree / "modules/order").open("a") as order:
            order.write("gpio-sim.ko\n")
        for name in ("bin", "proc", "sys", "dev"):
            (tree / name).mkdir()
        shutil.copy("/bin/busybox", tree / "bin/busybox")
        shutil.copy(GUEST / "init", tree / "init")
        (tree / "init").chmod(0o755)
        at_rest = [f"{PINS[name]} {'up' if is_open else 'down'}\n" for name, is_open in AT_REST.items()]
        (tree / "at-rest").write_text("".join(at_rest))
        _run("bash", "-c", f"find . | cpio --quiet -o -H newc > {folder / 'initramfs'}", cwd=tree)
        shutil.rmtree(tree)

    guest = [
        f"{path}{path.read_text()}" for path in sorted(GUEST.rglob("*")) if path.is_file() and path.suffix != ".pyc"
    ]
    return made(CACHE, "initramfs", fill, kernel, chip, PINS, AT_REST, *guest) / "initramfs"


def _film(photos, detector):
    """What the camera can show, raw: nobody, the resident on a photo that nobody was enrolled from, a stranger."""
    shown = {"resident": photos / "obama2.jpg", "stranger": photos / "biden.jpg"}

    def fill(folder):
        scenes, count = {}, 0
        with (folder / "film.i420").open("wb") as film:
            for name, photo in {"empty": None, **shown}.items():
                walker = photo and walker_from(photo, detector)
                # For one picture a second slowly: whoever comes takes as many as they take at a gate.
                pictures = list(islice(footage([Scene(walker, 4.0)], 7), 0, None, 4 if walker else 12))
                for picture in pictures:
                    film.write(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())
                # Who has come stands there, and is never twice the same picture.
                stands = len(pictures) - _STANDING if walker else 0
                scenes[name] = {"first": count, "stands": count + stands, "last": count + len(pictures) - 1}
                count += len(pictures)
        (folder / "scenes.json").write_text(json.dumps(scenes))

    return made(CACHE, "film", fill, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in shown.values()))


def _disk(kernel, film, models_dir, photos):
    """The system with the gate in it, as a card is written for a new gate."""

    def fill(folder):
        root = folder / "root"
        container.bare(root, *SYSTEM)
        shutil.copytree(kernel / "lib/modules", root / "usr/lib/modules", dirs_exist_ok=True)
        for pack in ("open", "opencv-zoo"):
            shutil.copytree(models_dir / pack, root / "var/lib/facegate/models" / pack)
        _run(REPOSITORY / "systemd/install", "--root", root)
        # Where the distribution's own python3-lgpio would be, which every version of the gate sees.
        target = root / "usr/lib/python3/dist-packages"
        _pip("install", "--quiet", "--no-deps", "--only-binary=:all:", "--target", target, LGPIO)
        (root / "etc/hostname").write_text("board\n")
        shutil.copy(GUEST / "facegate.toml", root / "etc/facegate")
        shutil.copytree(film, root / "opt/film")
        shutil.copytree(photos, root / "opt/photos")
        _run("mkfs.ext4", "-q", "-d", root, folder / "board.img", f"{DISK_BYTES >> 10}k")
        shutil.rmtree(root)

    settings = (GUEST / "facegate.toml").read_text()
    return made(CACHE, "disk", fill, kernel, film, shipped(), SYSTEM, LGPIO, DISK_BYTES, settings)


def _pip(*arguments):
    _run("/usr/bin/python3", "-m", "pip", *arguments, "--root-user-action=ignore", "--disable-pip-version-check")


if __name__ == "__main__":
    sys.exit(install(NEEDED))
