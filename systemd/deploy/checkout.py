"""Install Facegate as services, upgrade it in place, or take it away. Needs Python and pip alone.

Each version lies whole in /opt/facegate/releases, and `current` points at one of them: an upgrade is prepared beside
the running gate, the gate is closed only while its services restart, and what fails goes back to the version before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from deploy import services
from deploy.building import GROUPS, build, release_name
from deploy.machine import let_pins_go
from deploy.models import fetch_models, section_of_settings
from deploy.place import PACKAGES, STATE, Installation
from deploy.placing import is_whole, put_in_place
from deploy.programs import Failed
from deploy.python_version import python_version
from deploy.switching import check_settings, switch_over
from deploy.under_way import under_way
from deploy.uninstalling import uninstall


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    try:
        _check_place(chosen.root, chosen.dry_run)
        place = Installation(chosen.root and chosen.root.resolve(), chosen.dry_run)
        if chosen.uninstall:
            uninstall(place)
        else:
            place.groups = place.groups & set(GROUPS) | {*chosen.groups, *_needed_by_packs(place)}
            _install(place)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="systemd/install", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, metavar="DIR", help="an image's root instead of this machine")
    parser.add_argument(
        "--with",
        dest="groups",
        action="append",
        default=[],
        choices=GROUPS,
        help="libraries for charts and reports, packs of insightface, or many gates; kept by later upgrades",
    )
    parser.add_argument("--uninstall", action="store_true", help="take it away; state and changed settings stay")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    return parser


def _check_place(root: Path | None, dry_run: bool) -> None:
    if root is not None:
        if not root.is_dir():
            raise Failed(f"There is no directory {root}. Mount the image there, or leave --root out.")
        return
    if not Path("/run/systemd/system").is_dir():
        raise Failed("This machine does not run systemd. For an image give --root DIR; else use: facegate run")
    if Path("/", PACKAGES.current).is_symlink():
        raise Failed(
            "Facegate is installed from packages here. Upgrade it with apt, or first say:"
            " sudo apt remove --allow-remove-essential facegate"
        )
    if os.geteuid() != 0 and not dry_run:
        raise Failed("Only root may install services. Say: sudo systemd/install")


def _needed_by_packs(place: Installation) -> set[str]:
    """A gate that judges by a pack of insightface had the library with every version before there were groups."""
    models = section_of_settings(place, "models")
    folder = place.root / str(models.get("dir", STATE / "models")).lstrip("/")
    named = str(models.get("pack", "")).startswith("insightface:")
    return {"insightface"} if named or any(folder.glob("insightface-*")) else set()


def _install(place: Installation) -> None:
    """Install, or upgrade what is there. Raises Failed; a gate that ran then runs as before."""
    version = python_version(place)
    release = place.layout.releases / release_name(version, place.groups)
    before = place.current
    if not (place.root / release).is_dir():
        place.step(f"build {release.name} in /{release}", lambda: _build(place, release, version))
    check_settings(place, release)
    fetch_models(place, release)
    whole = before == release and is_whole(place) and under_way(place) is None
    if whole and (not place.live or services.running(services.wanted())):
        print(f"{release.name} is installed; nothing to do.")
        return
    before = switch_over(place, before, release, partial(put_in_place, place))
    let_pins_go(place)
    for older in _older_than(place, {release, before}):
        place.step(f"remove {older.name}", partial(shutil.rmtree, place.root / older))
    if not place.dry_run:
        _say_what_next(place, before)


def _build(place: Installation, release: Path, version: tuple[int, int]) -> None:
    place.directory(release.parent)
    build(place.root / release, place.layout, version, place.groups)


def _older_than(place: Installation, keep: set[Path | None]) -> list[Path]:
    releases = place.layout.releases
    folder = place.root / releases
    found = [releases / path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(path for path in found if path not in keep)


def _say_what_next(place: Installation, before: Path | None) -> None:
    if not place.live:
        print("Installed. The users are made and the services start when the image boots.")
    elif before is None:
        print("Installed. Now set the pins and the camera in /etc/facegate/facegate.toml, then:")
        print("  sudo systemctl restart facegate.target && sudo facegate doctor && sudo facegate drill")
    else:
        print("Upgraded. Look at it with: sudo facegate doctor")
