"""Build Debian packages out of this checkout, for one distribution and one kind of machine.

Like kernels, versions are co-installable: facegate-VERSION holds one whole, facegate has it take over. What is under
the GPL is a package of its own, facegate-codecs-VERSION, which is not to be handed on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

from deploy.building import SOURCE, build_tools, declared_version, environment, for_everybody_to_read, put_facegate
from deploy.deb import Deb
from deploy.models import FREE_PACKS
from deploy.place import CHECKOUT, PACKAGES
from deploy.programs import PYTHON, Failed
from deploy.wheels import ARCHITECTURES, SUITES, Target, fetch_wheels, own_architecture, own_suite

_SYSTEMD = SOURCE / "systemd"
_SHARE, _UNITS = Path("usr/share/facegate"), Path("usr/lib/systemd/system")
# Wheels that hold libraries under the GPL, by what they put beside others.
_CODECS = ("av", "av.libs", "av-*.dist-info", "pillow_heif*", "_pillow_heif*")
# Of systemd/, what lies in a release.
_OF_A_RELEASE = {"units", "sysusers.conf", "tmpfiles.conf", "udev.rules", "facegate.toml"}


@dataclass(frozen=True)
class Build:
    """What is built, for what, and where to."""

    version: str
    target: Target
    to: Path

    def deb(self, kind: str, package: str, scratch: Path) -> Deb:
        """One of its packages, empty; `kind` is a folder of systemd/debian."""
        python, following = (f"{self.target.python[0]}.{self.target.python[1] + more}" for more in (0, 1))
        words = {
            "PACKAGE": package,
            "VERSION": self.version,
            "DEBIAN_VERSION": f"{self.version}+{self.target.suite}",
            "ARCHITECTURE": self.target.architecture,
            "PYTHON": python,
            "NEXT_PYTHON": following,
        }
        return Deb(scratch / package, package, _SYSTEMD / "debian" / kind, words)


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    try:
        target = Target.of(chosen.suite or own_suite(), chosen.architecture or own_architecture())
        chosen.to.mkdir(parents=True, exist_ok=True)
        for made in _packages(Build(chosen.version, target, chosen.to), chosen.models):
            print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="systemd/package", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--suite", choices=sorted(SUITES), help="the distribution; by default this machine's")
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), help="by default this machine's")
    parser.add_argument("--version", default=declared_version(), help="by default the sources' own")
    parser.add_argument("--models", type=Path, metavar="DIR", help="installed packs, for facegate-models-open")
    parser.add_argument("--to", type=Path, metavar="DIR", default=Path("dist"), help="where the packages go")
    return parser


def _packages(build: Build, models: Path | None) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix="facegate-deb-") as folder:
        scratch = Path(folder)
        made = [_facegate(build, scratch), *_release(build, scratch)]
        return made + ([_models(build, scratch, models)] if models else [])


def _facegate(build: Build, scratch: Path) -> Path:
    """What is there once: the way to switch, and links to the units of the version in use."""
    deb = build.deb("facegate", "facegate", scratch)
    for name in ("deploy", "facegate.toml"):
        deb.put(_SYSTEMD / name, _SHARE / name)
    for name in ("facegate-switch", "facegate-upgrade"):
        deb.put(_SYSTEMD / name, Path("usr/sbin") / name)
    deb.put(SOURCE / "CHANGELOG.md", Path("usr/share/doc/facegate/CHANGELOG.md"))
    deb.link(Path("usr/bin/facegate"), PACKAGES.current / "bin/facegate")
    in_use = PACKAGES.current / "systemd"
    for unit in sorted((_SYSTEMD / "units").iterdir()):
        target = _UNITS / unit.name
        # What is enabled is no link: systemctl would remember where that led on the day.
        if unit.suffix == ".target":
            deb.put(unit, target)
        else:
            deb.link(target, in_use / "units" / unit.name)
    for unit in sorted((_SYSTEMD / "debian/facegate/units").iterdir()):
        deb.put(unit, _UNITS / unit.name)
    for what in ("look", "install"):
        deb.link(_UNITS / f"facegate.target.wants/facegate-upgrade@{what}.path", _UNITS / "facegate-upgrade@.path")
    deb.link(_UNITS / "facegate.target.wants/facegate-finish.service", _UNITS / "facegate-finish.service")
    deb.put(_SYSTEMD / "debian/facegate/tmpfiles.conf", Path("usr/lib/tmpfiles.d/facegate-upgrade.conf"))
    deb.link(Path("usr/lib/sysusers.d/facegate.conf"), in_use / "sysusers.conf")
    deb.link(Path("usr/lib/tmpfiles.d/facegate.conf"), in_use / "tmpfiles.conf")
    deb.link(Path("usr/lib/udev/rules.d/70-facegate.rules"), in_use / "udev.rules")
    return deb.build(build.to)


def _release(build: Build, scratch: Path) -> list[Path]:
    """One version whole, but for its codecs, and these."""
    deb = build.deb("release", f"facegate-{build.version}", scratch)
    codecs = build.deb("codecs", f"facegate-codecs-{build.version}", scratch)
    release = deb.root / PACKAGES.releases / build.version
    packages = environment(release, PACKAGES, build.target.python)
    with build_tools() as tools:
        fetch_wheels(build.target, packages, tools)
        put_facegate(packages, tools)
    _suit_python(release, build.target.python)
    for_everybody_to_read(release)
    apart = codecs.root / packages.relative_to(deb.root)
    apart.mkdir(parents=True)
    for pattern in _CODECS:
        for path in packages.glob(pattern):
            path.rename(apart / path.name)
    deb.remarks, codecs.remarks = _licences(packages), _licences(apart)
    return [deb.build(build.to), codecs.build(build.to)]


def _suit_python(release: Path, python: tuple[int, int]) -> None:
    """Units and links that name this Python and no later one: its libraries lie in a folder of that name."""
    program = f"{PYTHON.parent}/python{python[0]}.{python[1]}"
    (release / "bin/python").unlink()
    (release / "bin/python").symlink_to(program)
    for path in (release / "systemd").iterdir():
        if path.name not in _OF_A_RELEASE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for unit in (release / "systemd/units").iterdir():
        text = unit.read_text("utf-8").replace(f"/{CHECKOUT.current}/", f"/{PACKAGES.current}/")
        unit.write_text(text.replace(f"@{PYTHON} ", f"@{program} "), "utf-8")


def _models(build: Build, scratch: Path, models: Path) -> Path:
    deb = build.deb("models", "facegate-models-open", scratch)
    packs = [models / name for name in FREE_PACKS if (models / name).is_dir()]
    if not packs:
        raise Failed(f"There is no free pack in {models}. Say: facegate models install open")
    for pack in packs:
        deb.put(pack, _SHARE / "models" / pack.name)
    return deb.build(build.to)


def _licences(packages: Path) -> str:
    """Each library with its version, and the licence that it has of itself."""
    lines = []
    for folder in sorted(packages.glob("*.dist-info")):
        said = PathDistribution(folder).metadata
        named = said["License-Expression"] or (said["License"] or "").split("\n")[0].strip()
        classified = [one.split(" :: ")[-1] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
        lines.append(f"{said['Name']} {said['Version']}: {named or ', '.join(classified) or 'see its folder'}")
    return "\n".join(lines) + "\n"
