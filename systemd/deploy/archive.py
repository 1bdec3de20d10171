"""Make a signed archive of built packages on a stick, for gates without a network.

It holds the newest version in the folder of packages, for every distribution and every kind of machine that it was
built for. It is signed with a key that is made once: whoever has that key decides what runs at the gates.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.programs import Failed, newest, run
from deploy.wheels import SUITES

# What lies on a stick: this folder, in it an apt archive and the key, in whose name a gate is to take it.
FOLDER, KEY = "facegate", "key.gpg"
COMPONENT = "main"
_KEYS = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "facegate-stick-key"


@dataclass(frozen=True)
class _Built:
    """The packages of the newest version for one distribution."""

    suite: str
    version: str
    architectures: tuple[str, ...]
    files: tuple[Path, ...]


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    try:
        if not chosen.to.is_dir():
            raise Failed(f"There is no folder {chosen.to}. Mount the stick there, or name another.")
        built = [_newest(chosen.packages, suite, chosen.without_codecs) for suite in SUITES]
        found = [one for one in built if one is not None]
        if not found:
            raise Failed(f"There are no packages of Facegate in {chosen.packages}. Say: make deb")
        key = _public_key(chosen.keys)
        _put(found, chosen.to, chosen.keys, key)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or chosen.to} cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    for one in found:
        size = sum(path.stat().st_size for path in one.files)
        print(f"{one.version} for {one.suite} on {' and '.join(one.architectures)} ({size / 1e6:.0f} MB)")
    if any("-codecs-" in path.name for one in found for path in one.files):
        print("For your own gates: it holds facegate-codecs, not to be handed on. Without it: --without-codecs")
    print(f"The key that signed it, {chosen.to / FOLDER / KEY}, has the fingerprint (SHA-256):")
    print(f"  {in_fours(fingerprint(key))}")
    return 0


def fingerprint(key: bytes) -> str:
    """Of the file whole, as `sha256sum` has it: one that holds a second key beside the first has another."""
    return hashlib.sha256(key).hexdigest()


def in_fours(digits: str) -> str:
    """As people compare it.

    >>> in_fours("0123456789ab")
    '0123 4567 89ab'
    """
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="systemd/stick", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", type=Path, metavar="DIR", default=Path("dist"), help="what `make deb` built")
    parser.add_argument("--to", type=Path, metavar="DIR", required=True, help="where the stick is mounted")
    parser.add_argument("--keys", type=Path, metavar="DIR", default=_KEYS, help="where the key is kept; made if absent")
    parser.add_argument("--without-codecs", action="store_true", help="for others: without what is under the GPL")
    return parser


def _newest(packages: Path, suite: str, without_codecs: bool) -> _Built | None:
    """None where nothing was built for that distribution. Raises Failed where a package of it is missing."""
    mark = SUITES[suite].mark
    versions = [path.name.split("_")[1] for path in packages.glob(f"facegate_*+{mark}_all.deb")]
    if not versions:
        return None
    version = newest(versions)
    files = [
        path
        for path in sorted(packages.glob(f"facegate*_{version}_*.deb"))
        if not without_codecs or "-codecs-" not in path.name
    ]
    release = f"facegate-{version.removesuffix(f'+{mark}')}_{version}_"
    machines = [path.stem.removeprefix(release) for path in files if path.name.startswith(release)]
    if not machines:
        raise Failed(f"{packages} has facegate {version}, and not the version itself. Say: make deb SUITE={suite}")
    return _Built(suite, version, tuple(machines), tuple(files))


def _public_key(keys: Path) -> bytes:
    """The public half of the key, which is made where there is none. Raises Failed."""
    exported = keys / "public.gpg"
    if not exported.is_file():
        keys.mkdir(parents=True, mode=0o700, exist_ok=True)
        # Without a passphrase, so that one command makes a stick: whoever can read the folder has the key.
        _gpg(keys, "--passphrase", "", "--quick-generate-key", "Facegate packages", "ed25519", "sign", "never")
        _gpg(keys, "--yes", "--output", exported, "--export")
    return exported.read_bytes()


def _gpg(keys: Path, *arguments: object) -> None:
    try:
        run("gpg", "--homedir", keys, "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments)
    finally:
        # What it leaves running holds the key.
        run("gpgconf", "--homedir", keys, "--kill", "gpg-agent", may_fail=True)


def _put(built: list[_Built], to: Path, keys: Path, key: bytes) -> None:
    """The archive, made beside the one that may lie there and put in its place whole."""
    new = to / f"{FOLDER}.new"
    shutil.rmtree(new, ignore_errors=True)
    for one in built:
        _put_suite(one, new, keys)
    (new / KEY).write_bytes(key)
    shutil.rmtree(to / FOLDER, ignore_errors=True)
    new.rename(to / FOLDER)
    os.sync()


def _put_suite(one: _Built, archive: Path, keys: Path) -> None:
    pool, dists = Path("pool") / one.suite, Path("dists") / one.suite
    (archive / pool).mkdir(parents=True)
    for path in one.files:
        # Not its mode: the stick may know none.
        shutil.copyfile(path, archive / pool / path.name)
    for machine in one.architectures:
        index = archive / dists / COMPONENT / f"binary-{machine}" / "Packages"
        index.parent.mkdir(parents=True)
        index.write_text(_ftparchive(archive, "--arch", machine, "packages", pool), "utf-8")
    words = {
        "Origin": "Facegate", "Label": "Facegate", "Suite": one.suite, "Codename": one.suite,
        "Components": COMPONENT, "Architectures": " ".join(one.architectures),
    }  # fmt: skip
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in words.items()]
    release = keys / "Release"
    release.write_text(_ftparchive(archive, *options, "release", dists), "utf-8")
    _gpg(keys, "--yes", "--output", archive / dists / "InRelease", "--clear-sign", release)


def _ftparchive(archive: Path, *arguments: object) -> str:
    if shutil.which("apt-ftparchive") is None:
        raise Failed("The program apt-ftparchive is missing on this machine. Install it: apt install apt-utils")
    # What it lists it names as it is called here.
    return run("env", f"--chdir={archive}", "apt-ftparchive", *arguments).stdout
