"""A bare Debian that boots the real systemd in a container, for the proofs that need one."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import REPOSITORY

# What docs/building.md has its reader install, beside a bare system.
PACKAGES = "git,python3,python3-pip,sudo,ca-certificates"
_SYSTEM = "systemd,systemd-sysv,dbus,udev,systemd-timesyncd,adduser"
_BARE = REPOSITORY / ".cache" / "debian"
_AT_HOME = ("env", "--chdir=/root")
_SPACES = ("--mount", "--uts", "--ipc", "--pid", "--net")
_NEEDED = ("debootstrap", "systemd-nspawn", "nsenter")


def missing():
    """Why there can be no container here, or None."""
    if os.geteuid() != 0:
        return "only root starts a container"
    absent = [name for name in _NEEDED if shutil.which(name) is None]
    return f"{', '.join(absent)} missing" if absent else None


class Container:
    """A booted one: say commands in it. Its network is this machine's, or a loopback of its own."""

    def __init__(self, root, *, network=True, options=()):
        self.root = root
        self._options = [*options, *([] if network else ["--private-network"])]
        self._start()

    def reboot(self):
        """Down in order, and up again."""
        self.stop()
        self._start()

    def stop(self):
        """Down in order."""
        self.run("systemctl", "poweroff", check=False)
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._process.wait()

    def kill(self):
        """At once, with all that runs in it."""
        os.kill(self._leader, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def _start(self):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", *self._options]
        command += ["-D", str(self.root), "--boot"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 180
        while True:
            # Asked each time: the first child that is there makes the second, which is the one, and ends.
            self._leader = _leader(self._process)
            found = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            if found in ("running", "degraded"):
                return
            assert time.monotonic() < deadline, f"the container is {found}"
            time.sleep(0.2)

    def run(self, *command, check=True, timeout=300, **options):
        """The finished process; its output is text."""
        done = subprocess.run(
            self._in_it(command), capture_output=True, text=True, timeout=timeout, env=environment(), check=False,
            **options,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def begin(self, *command):
        """The process, running; what it says is to be read."""
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(self._in_it(command), stdin=subprocess.DEVNULL, text=True, env=environment(), **both)

    def _in_it(self, command):
        return ["nsenter", f"--target={self._leader}", *_SPACES, *_AT_HOME, *command]


def environment():
    """What a command in one has of this process's environment: how to fetch, and nothing else."""
    fetching = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    return fetching | {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


def bare(root, *more, architecture=None):
    """A new bare tree at `root`, with some packages more; the first of each kind is fetched and kept.

    One for another `architecture`, as Debian calls it, wants its programs to run here while it is made.
    """
    kept = _BARE.with_name("-".join((_BARE.name, *filter(None, (architecture,)), *more)))
    if not kept.is_dir():
        new = kept.with_name(f"{kept.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        suite = _release()["VERSION_CODENAME"]
        wanted = f"--include={','.join((_SYSTEM, PACKAGES, *more))}"
        for_another = [f"--arch={architecture}"] if architecture else []
        command = ["debootstrap", "--variant=minbase", *for_another, wanted, suite, str(new), _mirror()]
        subprocess.run(command, check=True, capture_output=True)
        new.rename(kept)
    subprocess.run(["cp", "-a", "--reflink=auto", str(kept), str(root)], check=True)
    for path in ("/etc/pip.conf", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(path).is_file():
            shutil.copyfile(path, f"{root}{path}")


def put_sources(root, at="root/facegate"):
    """The project's own files, as a clone would have them."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        target = root / at / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target)


@contextmanager
def booted(root, *options):
    """The container, up until the block ends; `options` are systemd-nspawn's."""
    container = Container(root, options=options)
    try:
        yield container
    finally:
        container.stop()


def _leader(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while not (found := children.read_text().split()):
        assert process.poll() is None, "the container does not start"
        assert time.monotonic() < deadline, "the container does not start"
        time.sleep(0.05)
    return int(found[0])


def _release():
    lines = Path("/etc/os-release").read_text().splitlines()
    return dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)


def _mirror():
    """Where this machine gets its own packages."""
    for path in [*Path("/etc/apt/sources.list.d").glob("*"), Path("/etc/apt/sources.list")]:
        for word in path.read_text().split() if path.is_file() else ():
            if word.rstrip("/").endswith(("/debian", "/ubuntu")):
                return word
    raise AssertionError("this machine names no mirror of its distribution")
