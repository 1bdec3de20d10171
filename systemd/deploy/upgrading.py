"""Upgrade the gate from a stick, without a network.

What lies on the stick is copied, and only the copy is looked at: whether it is as it was signed, with the key that this
gate trusts, for its distribution and machine, and newer than what is installed. Then apt installs it with that copy as
its only source, and facegate-switch does the rest.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from deploy.apt import Archive, Package
from deploy.archive import COMPONENT, FOLDER, KEY, fingerprint
from deploy.place import PACKAGES
from deploy.programs import Failed, is_older, newest, run
from deploy.refused import Refused, Why
from deploy.stick import Missing, Partition, Unlike, mounted, plugged_in, take
from deploy.telling import digest_shown, is_at_work, tell
from deploy.wheels import ARCHITECTURES, SUITES, own_architecture, own_suite

_TRUSTED = Path("/etc/facegate/stick-key.gpg")
_WORK = Path("/var/cache/facegate-upgrade")
_MOUNT = Path("/run/facegate/upgrade/stick")
_ALONE = Path("/run/facegate/upgrade/lock")
_LARGEST_INDEX, _LARGEST_KEY = 1 << 20, 1 << 16
# Beside the packages and what is in them: a backup is made, and the machine goes on.
_ROOM = 200_000_000
_CHANGES = "usr/share/doc/facegate/CHANGELOG.md"
# Of a list of changes, what a page can show.
_LONGEST_CHANGES = 50_000


class Say(Protocol):
    """Tells whoever asked how far it is."""

    def __call__(self, phase: str, **said: Any) -> None:
        """`said` is what is known by then."""


@dataclass(frozen=True)
class Offer:
    """What the archive would change."""

    installed: str
    version: str
    """Both as the versions call themselves."""
    packages: tuple[Package, ...]
    changes: str
    """What the new version's list has above the installed one."""
    digest: str
    """Of the signed index: the same is the same archive."""


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    say: Say = tell if chosen.console else _print
    before = _in_use()
    try:
        if os.geteuid() != 0:
            raise Failed("Only root may upgrade the gate. Say: sudo facegate-upgrade")
        with _alone():
            if chosen.console == "install" and not digest_shown():
                raise Failed("Nothing is shown that could be installed.")
            try:
                _do(chosen, say)
            except Refused as error:
                say("refused", why=error.why.name, values=error.values)
                raise
            except Failed as error:
                say("failed", said=str(error))
                raise
        # Apart from it: whoever looks at a stick meanwhile need not wait.
        if (now := _in_use()) != before:
            _remove_all_but({before, now})
    except Refused as error:
        if error.why is Why.BUSY and not is_at_work():
            say("refused", why=error.why.name, values=error.values)
        print(error if error.why is Why.NOTHING_NEW else f"Nothing was changed. {error}", file=sys.stderr)
        return 0 if error.why is Why.NOTHING_NEW else 1
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="facegate-upgrade", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="PLACE",
        help="the folder where the stick is mounted, or its device; by default the stick that is plugged in",
    )  # fmt: skip
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--look", action="store_true", help="say what would change, and change nothing")
    what.add_argument(
        "--trust", metavar="FINGERPRINT", help="take the stick's key, if its fingerprint is the one that you were told"
    )
    what.add_argument(
        "--console", choices=("look", "install"),
        help="as the console asks for it by facegate-upgrade@.path: look, or install what it was shown",
    )  # fmt: skip
    return parser


def _do(chosen: argparse.Namespace, say: Say) -> None:
    shown = digest_shown() if chosen.console == "install" else None
    with _scratch():
        with _place(chosen.source) as place:
            if chosen.trust:
                _trust(place, chosen.trust)
                return
            say("looking")
            upgrade = Upgrade(place)
            offer = upgrade.look()
            if shown is not None and shown != offer.digest:
                raise Refused(Why.NOT_SHOWN)
            said = asdict(offer) | {"packages": [f"{one.name} ({one.size / 1e6:.0f} MB)" for one in offer.packages]}
            if chosen.console != "install":
                say("shown", **said)
            if chosen.look or chosen.console == "look":
                return
            say("fetching", **said)
            upgrade.fetch(offer)
        say("installing", **said)
        upgrade.install(offer)
        say("installed", **said)


def _print(phase: str, **said: Any) -> None:
    if phase == "shown":
        print(f"From {said['installed']} to {said['version']}:", *said["packages"], sep="\n  ")
        if said["changes"]:
            print(said["changes"])
    elif phase == "installing":
        print("The stick can be pulled out.")
    sys.stdout.flush()


class Upgrade:
    """An upgrade out of the archive at `place`. Only `install` changes the gate."""

    def __init__(self, place: Path) -> None:
        self._folder, self._copy = place / FOLDER, _WORK / "archive"
        self._taken: set[Package] = set()
        self._suite, self._architecture = own_suite(), own_architecture()

    def look(self) -> Offer:
        """What it would change, out of an index that is as it was signed. Raises Refused."""
        if not _TRUSTED.is_file():
            raise Refused(Why.NO_KEY)
        self._take_index()
        self._archive = Archive(self._copy, self._suite, _TRUSTED)
        self._archive.verify()
        packages = self._archive.packages()
        versions = [one.version for one in packages if one.name == "facegate"]
        # What it says of itself counts, and not the folder that somebody put it in.
        mark = f"+{SUITES[self._suite].mark}" if self._suite in SUITES else ""
        if not versions:
            raise self._other_system("another kind of machine")
        if not mark or not versions[0].endswith(mark):
            raise self._other_system(f"another distribution ({versions[0]})")
        version = newest(versions)
        installed = _installed("facegate").get("facegate", "")
        _refuse_no_newer(version, installed, mark)
        return self._offer(installed.removesuffix(mark), version, mark, packages)

    def fetch(self, offer: Offer) -> None:
        """The packages themselves. Raises Refused."""
        needed = sum(one.size + one.installed_size for one in offer.packages) + _ROOM
        free = shutil.disk_usage(_WORK).free
        if free < needed:
            raise Refused(Why.NO_ROOM, needed=needed // 1_000_000, free=free // 1_000_000)
        for one in offer.packages:
            self._take_package(one)
        try:
            self._archive.install(offer.packages, simulate=True)
        except Failed as error:
            raise Refused(Why.UNMET, what=error) from error

    def install(self, offer: Offer) -> None:
        """Raises Failed where the version does not come up, or the machine stopped on the way to it."""
        run("dpkg", "--configure", "-a", may_fail=True)
        try:
            self._archive.install(offer.packages, simulate=False)
        except Failed as error:
            raise Failed(f"{error} {_in_use()} is in use. To go on: sudo dpkg --configure -a") from error
        if _in_use() != offer.version:
            raise Failed(f"{offer.version} did not come up, and {_in_use()} runs as before. See: sudo facegate doctor")

    def _take_index(self) -> None:
        dists = f"dists/{self._suite}"
        index = f"{dists}/{COMPONENT}/binary-{self._architecture}/Packages"
        try:
            self._digest, _ = (
                _take(self._folder, name, self._copy, _LARGEST_INDEX) for name in (f"{dists}/InRelease", index)
            )
        except Missing as error:
            raise self._other_system(self._made_for()) from error
        except Unlike as error:
            raise Refused(Why.ALTERED, what=error) from error

    def _take_package(self, one: Package) -> None:
        if one in self._taken:
            return
        try:
            found = _take(self._folder, one.file, self._copy, one.size)
        except (Missing, Unlike) as error:
            raise Refused(Why.ALTERED, what=error) from error
        if found != one.sha256:
            raise Refused(Why.ALTERED, what=f"{one.file} is another")
        self._taken.add(one)

    def _offer(self, installed: str, version: str, mark: str, packages: list[Package]) -> Offer:
        new, there = version.removesuffix(mark), _installed("facegate*")
        wanted = ["facegate", f"facegate-{new}"]
        wanted += [f"facegate-codecs-{new}"] * any(name.startswith("facegate-codecs-") for name in there)
        wanted += [name for name in ("facegate-models-open",) if name in there]
        found = [one for name in wanted for one in packages if (one.name, one.version) == (name, version)]
        missing = set(wanted) - {one.name for one in found}
        if any(name.startswith("facegate-codecs-") for name in missing):
            raise Refused(Why.NO_CODECS)
        itself = found[0]
        self._take_package(itself)
        changes = _changes_in(self._copy / itself.file, installed)
        return Offer(installed, new, tuple(found), changes, self._digest)

    def _made_for(self) -> str:
        """What its folders are called, of those that can be."""
        return ", ".join(
            f"{suite} on {architecture}"
            for suite in SUITES
            for architecture in ARCHITECTURES
            if (self._folder / f"dists/{suite}/{COMPONENT}/binary-{architecture}").is_dir()
        )

    def _other_system(self, there: str) -> Refused:
        if not there:
            return Refused(Why.NO_ARCHIVE, folder=self._folder.parent)
        return Refused(Why.OTHER_SYSTEM, there=there, suite=self._suite, architecture=self._architecture)


def _take(folder: Path, name: str, into: Path, at_most: int) -> str:
    try:
        return take(folder, name, into, at_most)
    except OSError as error:
        raise Refused(Why.UNREADABLE, what=error.strerror) from error


def _trust(place: Path, told: str) -> None:
    copy = _WORK / KEY
    try:
        _take(place / FOLDER, KEY, _WORK, _LARGEST_KEY)
    except (Missing, Unlike) as error:
        raise Refused(Why.NO_ARCHIVE, folder=place) from error
    if fingerprint(copy.read_bytes()) != "".join(told.split()).lower():
        raise Refused(Why.OTHER_FINGERPRINT)
    new = _TRUSTED.with_name(f"{_TRUSTED.name}.new")
    shutil.copyfile(copy, new)
    new.replace(_TRUSTED)
    print("This gate takes what is signed with this key from now on, and with no other.")


def _refuse_no_newer(version: str, installed: str, mark: str) -> None:
    if is_older(version, installed):
        raise Refused(Why.OLDER, version=version.removesuffix(mark), installed=installed.removesuffix(mark))
    if version == installed and _in_use() != version.removesuffix(mark):
        raise Refused(Why.NOT_IN_USE, version=version.removesuffix(mark), current=_in_use())
    if version == installed:
        raise Refused(Why.NOTHING_NEW, version=version.removesuffix(mark))


def _changes_in(package: Path, installed: str) -> str:
    """Its list of changes down to the version that is installed; empty where it has none."""
    unpacked = _WORK / "facegate"
    run("dpkg-deb", "--extract", package, unpacked)
    if not (unpacked / _CHANGES).is_file():
        return ""
    return changes_since((unpacked / _CHANGES).read_text("utf-8"), installed)[:_LONGEST_CHANGES]


def changes_since(text: str, version: str) -> str:
    """The parts of a list of changes that stand above that version's.

    >>> changes_since("# Changelog\n\n## 0.2\n\n- New.\n\n## 0.1\n\n- Old.\n", "0.1")
    '## 0.2\n\n- New.'
    """
    _, *parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    newer = takewhile(lambda part: version not in part.splitlines()[0].split(), parts)
    return "".join(newer).strip()


def _installed(pattern: str) -> dict[str, str]:
    """The packages that are installed, by name, and their versions."""
    listed = run(
        "dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\t${Package}\t${Version}\n", pattern, may_fail=True
    )
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    return {name: version for status, name, version in lines if status.startswith("ii")}


def _in_use() -> str:
    link = Path("/") / PACKAGES.current
    return link.readlink().name if link.is_symlink() else "no version"


def _remove_all_but(kept: set[str]) -> None:
    """A gate that gets its upgrades from sticks has nobody who says `apt autoremove`."""
    versions = {path.name for path in (Path("/") / PACKAGES.releases).iterdir() if not path.is_symlink()} - kept
    names = [f"facegate{kind}-{version}" for version in sorted(versions) for kind in ("-codecs", "")]
    if older := [name for name in names if name in _installed("facegate-*")]:
        run("dpkg", "--purge", *older, may_fail=True)


@contextmanager
def _place(given: Path | None) -> Iterator[Path]:
    """The folder that holds the archive's: where a stick is mounted, as long as the block lasts."""
    if given is None:
        with plugged_in(_MOUNT, FOLDER) as folder:
            yield folder
    elif given.is_block_device():
        with mounted(Partition(str(given), None), _MOUNT) as folder:
            yield folder
    else:
        yield given


@contextmanager
def _scratch() -> Iterator[None]:
    """A folder that root alone can write in, and apt's own user can read."""
    shutil.rmtree(_WORK, ignore_errors=True)
    _WORK.mkdir(mode=0o755)
    try:
        yield
    finally:
        shutil.rmtree(_WORK, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    _ALONE.parent.mkdir(parents=True, exist_ok=True)
    with _ALONE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(Why.BUSY) from error
        yield
