"""From one version to another, and back by itself where the other does not come up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deploy import services
from deploy.place import CONFIG, STATE, Installation
from deploy.programs import Failed
from deploy.release import facegate, has_folders, packages_of, run_module
from deploy.state import KEEPER, bring_back, keep_database, move_for
from deploy.under_way import UnderWay, is_over, under_way, write_down


def check_settings(place: Installation, release: Path) -> None:
    """A configuration the new version refuses is better found before the switch than after it."""
    config = place.root / CONFIG
    if not config.is_file() or place.dry_run:
        return
    nowhere = place.root / place.layout.current.parent / "none"
    found = facegate(place, release, "settings", "--config", config, state=nowhere, may_fail=True)
    if found.returncode != 0:
        raise Failed(f"{found.stderr.strip()} Nothing was changed.")


def switch_over(
    place: Installation, before: Path | None, release: Path, put_in_place: Callable[[Path], None]
) -> Path | None:
    """From `before` to `release`, which `put_in_place` has be the one in use; returns what it went over from.

    One that the power cut short is gone on with: it knows the version that ran, and the database as that had it.
    Raises Failed; a gate that ran then runs as before.
    """
    cut = None if place.dry_run else under_way(place)
    if cut is not None and cut.after != release:
        before, cut = _settled(place, cut, put_in_place), None
    switch = cut or _begun(place, before, release)
    # A power cut must not find the link on the card without all of what it leads to; nor has the door to wait for it.
    os.sync()
    try:
        if switch is not None and switch.goes_back:
            raise Failed("The power failed while it went back.")
        put_in_place(release)
        if place.live:
            _start(place, release)
    except Failed as error:
        if switch is None:
            raise
        print(f"{error} Going back to {switch.before.name}.", file=sys.stderr)
        _go_back(place, switch, put_in_place, str(error))
        raise Failed(f"The upgrade failed; {switch.before.name} runs as before.") from error
    if switch is not None:
        record_switch(place, switch.before, release, "")
        is_over(place)
        return switch.before
    return before


def _begun(place: Installation, before: Path | None, release: Path) -> UnderWay | None:
    """A new switch, written down; None where there is no way back."""
    kept = keep_database(place, before)
    if before is None or before == release or not place.live or place.dry_run:
        return None
    switch = UnderWay(before, release, kept)
    write_down(place, switch)
    return switch


def _settled(place: Installation, cut: UnderWay, put_in_place: Callable[[Path], None]) -> Path | None:
    """Which version is in use once a switch that was cut short is at its end, whichever that is."""
    try:
        switch_over(place, cut.before, cut.after, put_in_place)
    except Failed as error:
        print(error, file=sys.stderr)
    return place.current


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


def _go_back(place: Installation, switch: UnderWay, put_in_place: Callable[[Path], None], why: str) -> None:
    """The version before, with its units, and its database where the new version had migrated it."""
    before, kept = switch.before, switch.kept
    services.stop("facegate.target")
    write_down(place, replace(switch, goes_back=True))
    put_in_place(before)
    if not has_folders(place, before):
        move_for(place, before)
    if kept:
        bring_back(place, before, kept)
    _start(place, before)
    record_switch(place, before, switch.after, why)
    is_over(place)
