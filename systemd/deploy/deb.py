"""One Debian package: its files, its scripts, its sums, put together by dpkg-deb."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from deploy.programs import run

_SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


class Deb:
    """A package that is being made under `root`; `templates` holds its control, its scripts and its copyright."""

    def __init__(self, root: Path, name: str, templates: Path, words: dict[str, str]) -> None:
        self.root = root
        self.remarks = ""
        """What its copyright says after what the template does."""
        self._name, self._templates, self._words = name, templates, words
        (root / "DEBIAN").mkdir(parents=True)

    def put(self, source: Path, target: Path) -> None:
        """A file, or a folder whole."""
        place = self.root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)

    def link(self, link: Path, to: Path) -> None:
        """From one path of the system to another, which need not be there."""
        place = self.root / link
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(f"/{to}", f"/{link.parent}"))

    def build(self, into: Path) -> Path:
        """The package's file. Raises Failed."""
        copyright_file = self.root / "usr/share/doc" / self._name / "copyright"
        copyright_file.parent.mkdir(parents=True, exist_ok=True)
        copyright_file.write_text(self._filled("copyright") + self.remarks, "utf-8")
        for path in self.root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        self._control()
        run("dpkg-deb", "--root-owner-group", "-Zzstd", "--build", self.root, into)
        (made,) = into.glob(f"{self._name}_{self._words['DEBIAN_VERSION']}_*.deb")
        return made

    def _control(self) -> None:
        files = sorted(path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        content = [path for path in files if "DEBIAN" not in path.relative_to(self.root).parts[:1]]
        size = sum(-(-path.stat().st_size // 1024) for path in content)
        control = self._filled("control").rstrip("\n") + f"\nInstalled-Size: {size}\n"
        (self.root / "DEBIAN/control").write_text(control, "utf-8")
        sums = (f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(self.root)}\n" for path in content)  # noqa: S324 - dpkg's own
        (self.root / "DEBIAN/md5sums").write_text("".join(sums), "utf-8")
        for name in _SCRIPTS:
            if (self._templates / name).is_file():
                (self.root / "DEBIAN" / name).write_text(self._filled(name), "utf-8")
                (self.root / "DEBIAN" / name).chmod(0o755)

    def _filled(self, name: str) -> str:
        text = (self._templates / name).read_text("utf-8")
        return re.sub(r"@([A-Z_]+)@", lambda found: self._words[found[1]], text)
