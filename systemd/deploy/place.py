"""Where Facegate is or will be, and how a file gets there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STATE = Path("var/lib/facegate")
CONFIG = Path("etc/facegate/facegate.toml")
CREDENTIALS = Path("etc/facegate/credentials")


@dataclass(frozen=True)
class Layout:
    """Where the versions lie, each whole in a folder of its own, and the link that says which is in use."""

    releases: Path
    current: Path
    manifest: Path | None
    """What was put where; None where dpkg knows it."""


CHECKOUT = Layout(Path("opt/facegate/releases"), Path("opt/facegate/current"), Path("opt/facegate/installed.json"))
PACKAGES = Layout(Path("usr/lib/facegate"), Path("usr/lib/facegate/current"), None)


class Installation:
    """One place where Facegate is or will be: this machine, or an image under `root`."""

    def __init__(self, root: Path | None, dry_run: bool, layout: Layout = CHECKOUT) -> None:
        self.root = root or Path("/")
        self.live = root is None
        self.dry_run = dry_run
        self.layout = layout
        self.files: set[Path] = set()
        self.directories: list[Path] = []
        self.groups: set[str] = set()
        self._read_manifest()

    @property
    def current(self) -> Path | None:
        """The release in use, relative to the root."""
        link = self.root / self.layout.current
        return self.layout.releases / link.readlink().name if link.is_symlink() else None

    def step(self, what: str, do: Callable[[], object]) -> None:
        """Say what is done, and do it unless this is a dry run."""
        print(f"would {what}" if self.dry_run else f"{what[0].upper()}{what[1:]}", flush=True)
        if not self.dry_run:
            do()

    def directory(self, path: Path, mode: int = 0o755) -> None:
        """Make a directory and its parents; those that were not there are remembered."""
        for part in reversed((path, *path.parents)):
            if not (self.root / part).is_dir():
                (self.root / part).mkdir(mode=mode if part == path else 0o755)
                (self.root / part).chmod(mode if part == path else 0o755)
                self.directories.append(part)

    def put(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        """Write a file whole or not at all."""
        self.directory(path.parent)
        new = (self.root / path).with_name(path.name + ".new")
        new.write_bytes(content)
        new.chmod(mode)
        new.replace(self.root / path)
        self.files.add(path)

    def point(self, link: Path, to: str) -> None:
        """Make or turn a symbolic link in one step."""
        self.directory(link.parent)
        new = (self.root / link).with_name(link.name + ".new")
        new.unlink(missing_ok=True)
        new.symlink_to(to)
        new.replace(self.root / link)
        # What follows, a database migrated on a partition of its own, must not reach the card before it.
        opened = os.open((self.root / link).parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(opened)
        os.close(opened)
        self.files.add(link)

    def keep_manifest(self) -> None:
        """Write down what was put where, for the upgrade and for the end."""
        if self.layout.manifest is None:
            return
        content = {
            "files": sorted(map(str, self.files)),
            "directories": list(map(str, self.directories)),
            "groups": sorted(self.groups),
        }
        (self.root / self.layout.manifest).write_text(json.dumps(content, indent=1) + "\n", "ascii")

    def _read_manifest(self) -> None:
        if self.layout.manifest is not None and (self.root / self.layout.manifest).is_file():
            found = json.loads((self.root / self.layout.manifest).read_text("ascii"))
            self.files = set(map(Path, found["files"]))
            self.directories = list(map(Path, found["directories"]))
            self.groups = set(found.get("groups", ()))
