"""Taking Facegate away from a machine that has it from a checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy import services
from deploy.machine import as_the_kernel_was
from deploy.place import CONFIG, STATE, Installation
from deploy.programs import run

_RUN = Path("/run/facegate")
# What the services make of the settings, and the way to where they listen.
_DERIVED = (
    *(f"settings/{name}.json" for name in ("door", "vision", "readers", "link", "broker", "centre", "errand", "api")),
    "run",
)


def uninstall(place: Installation) -> None:
    """Everything but the state, the settings that were changed, and the users whose files the state holds."""
    release = place.current
    if release is None:
        print("Facegate is not installed here; nothing to do.")
        return
    if place.live:
        place.step("stop the services", lambda: services.stop("facegate.target", "facegate-backup.timer"))
        place.step(
            "forget when the last backup was",
            lambda: run("systemctl", "clean", "--what=state", "facegate-backup.timer", may_fail=True),
        )
    place.step("remove the services and /opt/facegate", lambda: _remove_all(place, release))
    if place.live:
        place.step("reload systemd", lambda: run("systemctl", "daemon-reload"))
        if not place.dry_run and _RUN.is_dir():
            shutil.rmtree(_RUN)
    left = [f"/{path}" for path in (STATE, CONFIG.parent) if (place.root / path).exists()]
    if left and not place.dry_run:
        print(f"Left: {' and '.join(left)}, and the users of the services.")


def _remove_all(place: Installation, release: Path) -> None:
    config, sample = place.root / CONFIG, place.root / release / "systemd/facegate.toml"
    if config.is_file() and config.read_bytes() == sample.read_bytes():
        config.unlink()
    for path in place.files:
        (place.root / path).unlink(missing_ok=True)
    as_the_kernel_was(place)
    for derived in _DERIVED:
        (place.root / STATE / derived).unlink(missing_ok=True)
    shutil.rmtree(place.root / place.layout.current.parent)
    for made in reversed(place.directories):
        directory = place.root / made
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
