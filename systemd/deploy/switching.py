"""From one version to another, and back by itself where the other does not come up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy import services
from deploy.place import CONFIG, STATE, Installation
from deploy.programs import Failed
from deploy.release import facegate, has_folders, packages_of, run_module
from deploy.state import KEEPER, Kept, bring_back, keep_database, move_for


def check_settings(place: Installation, release: Path) -> None:
    """A configuration the new version refuses is better found before the switch than after it."""
    config = place.root / CONFIG
    if not config.is_file() or place.dry_run:
        return
    nowhere = place.root / place.layout.current.parent / "none"
    found = facegate(place, release, "settings", "--config", config, state=nowhere, may_fail=True)
    if found.returncode != 0:
        raise Failed(f"{found.stderr.strip()} Nothing was changed.")


def switch_over(place: Installation, before: Path | None, release: Path, put_in_place: Callable[[Path], None]) -> None:
    """`put_in_place` has a release be the one in use. Raises Failed; a gate that ran then runs as before."""
    kept = keep_database(place, before)
    # A power cut must not find the link on the card without all of what it leads to; nor has the door to wait for it.
    os.sync()
    try:
        put_in_place(release)
        if place.live:
            _start(place, release)
    except Failed as error:
        if before is None or before == release:
            raise
        print(f"{error} Going back to {before.name}.", file=sys.stderr)
        _go_back(place, before, kept, put_in_place)
        record_switch(place, before, release, str(error))
        raise Failed(f"The upgrade failed; {before.name} runs as before.") from error
    record_switch(place, before, release, "")


def record_switch(place: Installation, before: Path | None, release: Path, trouble: str) -> None:
    """The record says which version took over, or why it did not; a version from before it could is let be."""
    in_use = place.current
    if not place.live or before is None or before == release or in_use is None:
        return
    if (packages_of(place, in_use) / "gate/care/version_switch.py").is_file():
        said = (place.root / STATE, before.name, release.name, trouble)
        found = run_module(place, in_use, "gate.care.version_switch", *said, user=KEEPER, may_fail=True)
        if found.returncode != 0:
            print(f"The record does not say it: {found.stderr.strip()}", file=sys.stderr)


def _start(place: Installation, release: Path) -> None:
    def restart() -> None:
        # What has to move may stop them first.
        must_run = services.must_run()
        move_for(place, release)
        services.restart(must_run)
        if facegate(place, release, "door", "status", may_fail=True).returncode != 0:
            raise Failed("The door does not answer; see: journalctl -u facegate-door")

    place.step("restart the services", restart)


def _go_back(place: Installation, before: Path, kept: Kept | None, put_in_place: Callable[[Path], None]) -> None:
    """The version before, with its units, and its database where the new version had migrated it."""
    services.stop("facegate.target")
    put_in_place(before)
    if not has_folders(place, before):
        move_for(place, before)
    if kept:
        bring_back(place, before, kept)
    _start(place, before)
