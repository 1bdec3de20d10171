"""The files of a release that lie elsewhere: units, users, rules, the first settings, the links."""

from __future__ import annotations

from pathlib import Path

from deploy.building import SOURCE
from deploy.machine import make_users, take_up_rules
from deploy.place import CONFIG, CREDENTIALS, Installation

_UNITS = Path("etc/systemd/system")
_LINKS = {
    _UNITS / "multi-user.target.wants/facegate.target": "/etc/systemd/system/facegate.target",
    Path("usr/local/bin/facegate"): "/opt/facegate/current/bin/facegate",
}


def put_in_place(place: Installation, release: Path) -> None:
    """Put the files of `release` in place, and point `current` at it."""
    kept = place.files
    # First, for where the power fails in between: what starts then finds its users.
    if place.live:
        place.step("make the users and the state directory", lambda: make_users(place.root / release / "systemd"))
    place.step(
        f"put units and settings in /etc, and point /{place.layout.current} at {release.name}",
        lambda: _put_files(place, release),
    )
    gone = sorted(kept - place.files)
    for path in gone:
        (place.root / path).unlink(missing_ok=True)
    if not place.dry_run:
        place.keep_manifest()
    if place.live:
        place.step("have systemd and udev read them", take_up_rules)


def is_whole(place: Installation) -> bool:
    """Whether every file that this checkout would put there lies there, as it has it."""
    files = all(
        (place.root / target).is_file() and (place.root / target).read_bytes() == source.read_bytes()
        for source, target in _files(SOURCE / "systemd").items()
    )
    return files and all((place.root / link).is_symlink() for link in _LINKS) and (place.root / CONFIG).is_file()


def _put_files(place: Installation, release: Path) -> None:
    systemd = place.root / release / "systemd"
    place.files = set()
    for source, target in _files(systemd).items():
        place.put(target, source.read_bytes())
    for link, to in _LINKS.items():
        place.point(link, to)
    place.directory(CREDENTIALS, 0o700)
    if not (place.root / CONFIG).exists():
        place.put(CONFIG, (systemd / "facegate.toml").read_bytes(), 0o640)
        place.files.discard(CONFIG)
    place.point(place.layout.current, f"releases/{release.name}")


def _files(systemd: Path) -> dict[Path, Path]:
    """Where each file of systemd/ belongs."""
    units = {unit: _UNITS / unit.name for unit in sorted((systemd / "units").iterdir())}
    return units | {
        systemd / "sysusers.conf": Path("etc/sysusers.d/facegate.conf"),
        systemd / "tmpfiles.conf": Path("etc/tmpfiles.d/facegate.conf"),
        systemd / "udev.rules": Path("etc/udev/rules.d/70-facegate.rules"),
    }
