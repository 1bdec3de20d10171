"""This machine's kernel hands programs for aarch64 to qemu."""

from contextlib import contextmanager
from pathlib import Path

from tests.parts import run

_FORMATS = Path("/proc/sys/fs/binfmt_misc")
_NAME = "qemu-aarch64"
# Of the package qemu-user-static, as systemd-binfmt would hand it on.
_HANDED_ON = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")


@contextmanager
def emulated():
    """Until the block ends. What was registered before stays, and must be open already where a root has no qemu."""
    register, format = _FORMATS / "register", _FORMATS / _NAME
    mount = not register.exists()
    if mount:
        run("mount", "-t", "binfmt_misc", "binfmt_misc", _FORMATS)
    add = not format.exists()
    try:
        if add:
            register.write_text(_HANDED_ON.read_text())
        flags = format.read_text().split("flags:")[1].split()[0]
        if "F" not in flags:
            raise RuntimeError(f"{format} is registered without the flag F: echo -1 > {format}, and say it again")
        yield
    finally:
        if add and format.exists():
            format.write_text("-1")
        if mount:
            run("umount", _FORMATS)
