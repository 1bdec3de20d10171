"""apt with one archive as its only source: nothing else that the machine knows of is asked, and no network."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.archive import COMPONENT
from deploy.programs import Failed, run
from deploy.refused import Refused, Why


@dataclass(frozen=True)
class Package:
    """A package in the archive's index, whose signature apt has verified."""

    name: str
    version: str
    architecture: str
    file: str
    """Its path in the archive."""
    size: int
    sha256: str
    installed_size: int
    """Bytes on the disk, unpacked."""


class Archive:
    """The copy of an archive in `folder`, which nobody but root can change, as apt has it."""

    def __init__(self, folder: Path, suite: str, key: Path) -> None:
        self._own = folder.parent / "apt"
        for name in ("lists/partial", "cache/archives/partial"):
            (self._own / name).mkdir(parents=True)
        self._source = self._own / "sources.list"
        self._source.write_text(f"deb [signed-by={key}] file:{folder} {suite} {COMPONENT}\n", "ascii")

    def verify(self) -> None:
        """Reads the index anew, if it is as it was signed. Raises Refused."""
        # The clock of a gate without a network may be behind; what is too old is known by its version.
        done = self._get("update", "-oAPT::Update::Error-Mode=any", "-oAcquire::Check-Date=false")
        # apt asks gpgv or sqv, whichever it has.
        if any(word in done.stderr for word in ("NO_PUBKEY", "Missing key")):
            raise Refused(Why.OTHER_KEY)
        if done.returncode != 0:
            raise Refused(Why.ALTERED, what=f"apt says: {_said_by_apt(done)}")

    def packages(self) -> list[Package]:
        """Those in the index; none where it has none for this kind of machine."""
        wanted = ("indextargets", "--format", "$(FILENAME)", "Created-By: Packages")
        names = self._get(*wanted).stdout.split()
        return [
            _package(stanza)
            for name in names
            for stanza in Path(name).read_text("utf-8").split("\n\n")
            if stanza.strip()
        ]

    def install(self, wanted: Sequence[Package], *, simulate: bool) -> None:
        """These, with nothing more. Raises Failed with what apt says."""
        named = [f"{one.name}={one.version}" for one in wanted]
        # What holds a package back would hold a gate's own upgrade back.
        options = ("--yes", "--no-install-recommends", "--no-remove", "--allow-change-held-packages")
        done = self._get("install", *options, *(["--simulate"] if simulate else []), *named)
        if not simulate:
            print(done.stdout, done.stderr, sep="", end="", flush=True)
        if done.returncode != 0:
            raise Failed(_said_by_apt(done))

    def _get(self, what: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = {
            "Dir::Etc::SourceList": self._source,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self._own / "lists",
            "Dir::Cache": self._own / "cache",
            "Acquire::Languages": "none",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "APT::Get::AllowUnauthenticated": "false",
            "DPkg::Lock::Timeout": "120",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        return run("apt-get", what, *given, *arguments, environment=environment, may_fail=True)


def _package(stanza: str) -> Package:
    fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", stanza, re.MULTILINE))
    return Package(
        fields["Package"], fields["Version"], fields["Architecture"], fields["Filename"], int(fields["Size"]),
        fields["SHA256"], int(fields.get("Installed-Size", "0")) * 1024,
    )  # fmt: skip


def _said_by_apt(done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong, in one line, without what else it prints."""
    unmet = [line.strip() for line in done.stdout.splitlines() if " : Depends: " in line]
    errors = [line.removeprefix("E: ") for line in done.stderr.splitlines() if line.startswith("E: ")]
    return (unmet + errors or [""])[0] or " ".join(done.stderr.split())
