"""What an archive on a stick offers, and having it: found out, fetched, installed, each step by itself.

Nothing changes the gate before `Upgrade.install`, and what is installed is the copy that was looked at.
"""

from __future__ import annotations

import errno
import re
import shutil
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from deploy.apt import Archive, Package
from deploy.archive import COMPONENT, FOLDER
from deploy.place import PACKAGES
from deploy.programs import Failed, is_older, newest, run
from deploy.refused import Refused, Why
from deploy.stick import Missing, Unlike, take
from deploy.wheels import ARCHITECTURES, SUITES, own_architecture, own_suite

TRUSTED = Path("/etc/facegate/stick-key.gpg")
"""The public half of the key with which archives for this gate are signed."""
WORK = Path("/var/cache/facegate-upgrade")
"""Where the copy lies: root's, while an upgrade is under way."""
_LARGEST_INDEX = 1 << 20
# Beside the packages and what is in them: a backup is made, and the machine goes on.
_ROOM = 200_000_000
_CHANGES = "usr/share/doc/facegate/CHANGELOG.md"
# Of a list of changes, what a page can show.
_LONGEST_CHANGES = 50_000


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


class Upgrade:
    """An upgrade out of the archive at `place`. Only `install` changes the gate."""

    def __init__(self, place: Path) -> None:
        self._folder, self._copy = place / FOLDER, WORK / "archive"
        self._taken: set[Package] = set()
        self._suite, self._architecture = own_suite(), own_architecture()

    def look(self) -> Offer:
        """What it would change, out of an index that is as it was signed. Raises Refused."""
        if not TRUSTED.is_file():
            raise Refused(Why.NO_KEY)
        self._take_index()
        self._archive = Archive(self._copy, self._suite, TRUSTED)
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
        installed = installed_packages("facegate").get("facegate", "")
        _refuse_no_newer(version, installed, mark)
        return self._offer(installed.removesuffix(mark), version, mark, packages)

    def fetch(self, offer: Offer) -> None:
        """The packages themselves. Raises Refused."""
        needed = sum(one.size + one.installed_size for one in offer.packages) + _ROOM
        if shutil.disk_usage(WORK).free < needed:
            raise no_room(needed)
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
            raise Failed(f"{error} {in_use()} is in use. To go on: sudo dpkg --configure -a") from error
        if in_use() != offer.version:
            raise Failed(f"{offer.version} did not come up, and {in_use()} runs as before. See: sudo facegate doctor")

    def _take_index(self) -> None:
        dists = f"dists/{self._suite}"
        index = f"{dists}/{COMPONENT}/binary-{self._architecture}/Packages"
        try:
            self._digest, _ = (
                take_off(self._folder, name, self._copy, _LARGEST_INDEX) for name in (f"{dists}/InRelease", index)
            )
        except Missing as error:
            raise self._other_system(self._made_for()) from error
        except Unlike as error:
            raise Refused(Why.ALTERED, what=error) from error

    def _take_package(self, one: Package) -> None:
        if one in self._taken:
            return
        try:
            found = take_off(self._folder, one.file, self._copy, one.size)
        except (Missing, Unlike) as error:
            raise Refused(Why.ALTERED, what=error) from error
        if found != one.sha256:
            raise Refused(Why.ALTERED, what=f"{one.file} is another")
        self._taken.add(one)

    def _offer(self, installed: str, version: str, mark: str, packages: list[Package]) -> Offer:
        new, there = version.removesuffix(mark), installed_packages("facegate*")
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


def take_off(folder: Path, name: str, into: Path, at_most: int) -> str:
    """A file of the stick, copied; its SHA-256. Raises Refused where it cannot be read or kept, else as `take`."""
    try:
        return take(folder, name, into, at_most)
    except OSError as error:
        if is_full(error):
            raise no_room(at_most + _ROOM) from error
        raise Refused(Why.UNREADABLE, what=error.strerror) from error


def is_full(error: OSError) -> bool:
    """Whether it is the card that has no room, and not the stick that is worn."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def no_room(needed: int = _ROOM) -> Refused:
    """That so many bytes are needed where the copy lies."""
    free = shutil.disk_usage(WORK.parent).free
    return Refused(Why.NO_ROOM, needed=needed // 1_000_000, free=free // 1_000_000)


def _refuse_no_newer(version: str, installed: str, mark: str) -> None:
    if is_older(version, installed):
        raise Refused(Why.OLDER, version=version.removesuffix(mark), installed=installed.removesuffix(mark))
    if version == installed and in_use() != version.removesuffix(mark):
        raise Refused(Why.NOT_IN_USE, version=version.removesuffix(mark), current=in_use())
    if version == installed:
        raise Refused(Why.NOTHING_NEW, version=version.removesuffix(mark))


def _changes_in(package: Path, installed: str) -> str:
    """Its list of changes down to the version that is installed; empty where it has none."""
    unpacked = WORK / "facegate"
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


def installed_packages(pattern: str) -> dict[str, str]:
    """The packages that are installed, by name, and their versions."""
    listed = run(
        "dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\t${Package}\t${Version}\n", pattern, may_fail=True
    )
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    return {name: version for status, name, version in lines if status.startswith("ii")}


def in_use() -> str:
    """The version that runs."""
    link = Path("/") / PACKAGES.current
    return link.readlink().name if link.is_symlink() else "no version"
