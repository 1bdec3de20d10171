"""A system for aarch64 without an init: each command has a room of its own, whose processes end with it."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import Done
from tests.soak import container

_ROOM = (
    "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--as-pid2", "--console=pipe", "--settings=no",
    "--resolv-conf=off", "--timezone=off", "--link-journal=no", f"--machine=arm64-{os.getpid()}",
)  # fmt: skip
# That of a Raspberry Pi 4, as qemu calls it.
_PROCESSOR = "cortex-a72"
# ONNX Runtime reads there what the processor is, and dies of another kind's; qemu shows that of this machine.
_TOLD, _TELLS = "/root/cpuinfo", "/proc/cpuinfo"


class System:
    """One, by its root: say commands in it."""

    def __init__(self, root):
        self.root = root

    def run(self, *command, keep=False, network=False, show=(), lend=(), check=True, timeout=600, **environment):
        """The finished command.

        What it writes is gone after it, unless it is to `keep` it. It sees the folders `show` at their own names, and
        writes into those of `lend`, each (of the host, in the system).
        """
        shutil.copy(Path(__file__).parent / "guest/cpuinfo", f"{self.root}{_TOLD}")
        options = [*_ROOM, f"--directory={self.root}", f"--bind-ro={_TOLD}:{_TELLS}", f"--setenv=QEMU_CPU={_PROCESSOR}"]
        options += [] if keep else ["--volatile=overlay"]
        options += [] if network else ["--private-network"]
        options += [f"--bind-ro={folder}" for folder in show]
        options += [f"--bind={ours}:{theirs}" for ours, theirs in lend]
        options += [f"--setenv={name}={value}" for name, value in (container.environment() | environment).items()]
        done = _ended([*options, *map(str, command)], timeout)
        if check and done.code != 0:
            raise RuntimeError(f"{command}: {done.code} {done.out[-2000:]}{done.err[-2000:]}")
        return done


def _ended(command, timeout):
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            # Killed, it would leave what runs in the room.
            process.terminate()
            raise
    return Done(process.returncode, out, err)
