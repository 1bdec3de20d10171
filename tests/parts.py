"""What slow proofs are built of: this machine's packages, and parts that are kept while what went into them is so."""

import hashlib
import inspect
import os
import shutil
import subprocess

from tests.conftest import REPOSITORY

# Of this tree, what the installer takes.
_SHIPPED = (
    "gate/",
    "models/",
    "enroll/",
    "api/",
    "evaluate/",
    "commands/",
    "systemd/",
    "requirements/",
    "pyproject.toml",
)


def absent(needed):
    """Of Debian packages, by what each is needed for, those that this machine has not."""
    known = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *needed],
        capture_output=True, text=True, check=False,
    ).stdout.splitlines()  # fmt: skip
    return [name for name in needed if f"{name} installed" not in known]


def install(needed):
    """Install those that are absent, each with its reason; the exit code."""
    if os.geteuid() != 0 or not (missing := absent(needed)):
        return 0
    for name in missing:
        print(f"Installing {name}: {needed[name]}", flush=True)
    command = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *missing]
    subprocess.run(["apt-get", "update", "--quiet=2"], check=False)
    return subprocess.run(command, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, check=False).returncode


def made(cache, name, fill, *ingredients):
    """The folder of a part in `cache`, filled by `fill(folder)` where what goes into it has changed."""
    digest = hashlib.sha256("\0".join(map(str, (inspect.getsource(fill), *ingredients))).encode()).hexdigest()[:12]
    final = cache / f"{name}-{digest}"
    if not final.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        for older in cache.glob(f"{name}-*"):
            shutil.rmtree(older)
        new = final.with_name(f"{final.name}.new")
        new.mkdir()
        fill(new)
        new.rename(final)
    return final


def shipped():
    """A digest of all that the installer takes from this tree."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY).split("\0")
    digest = hashlib.sha256()
    for name in sorted(names):
        if name.startswith(_SHIPPED) and (REPOSITORY / name).is_file():
            digest.update(name.encode() + b"\0" + (REPOSITORY / name).read_bytes() + b"\0")
    return digest.hexdigest()


def run(*command, cwd=None):
    """What a program said. Raises with its own words where it fails."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout
