"""facegate doctor --camera: what a camera gives, or what is wrong with it, before it is in the settings."""

from __future__ import annotations

import os
import pwd
from dataclasses import asdict
from pathlib import Path

import click

from commands.common import print_json
from gate.care.health import vision_status
from gate.config import Settings, load_settings
from gate.errors import UsageError
from gate.processes.camera_report import CameraReport
from gate.processes.starting import credential
from gate.state_folder import SERVICE_CREDENTIALS, configuration_file, state_directory
from gate.vision.address import with_password, without_password

_NOBODY = "nobody"


def try_camera(state: Path | None, config: Path | None, source: str, as_json: bool) -> int:
    """Print what the camera at `source` is like; empty: that of the settings. Exit 1 where it gives nothing."""
    directory = state_directory(state)
    settings = load_settings(
        config or configuration_file(directory), **({"camera": {"source": source}} if source else {})
    )
    if not settings.camera.wanted:
        raise UsageError("There is no camera: camera.source is empty. Name one: facegate doctor --camera ADDRESS")
    vision = None if source else vision_status(directory)
    report = (vision.cameras.get("camera") if vision else None) or _tried(settings)
    if as_json:
        shown = without_password(settings.camera.source)
        gives = asdict(report.gives) if report.gives else None
        trouble = report.fault.trouble if report.fault else None
        print_json({"source": shown, "gives": gives, "trouble": trouble, "said": report.sentence})
    else:
        click.secho(report.sentence, fg="red" if report.fault else "green")
    return 1 if report.fault or not report.gives else 0


def _tried(settings: Settings) -> CameraReport:
    # Whoever root becomes may not read where Python lies: all that is needed is loaded before.
    import gate.vision.network
    from gate.vision.camera_trial import tried

    gate.vision.network.load()
    password = credential("camera-password") or _kept_password()
    # A camera is a stranger: root does not take apart what it sends.
    if os.geteuid() == 0:
        _become(settings.door.vision_user or _NOBODY)
    source = with_password(settings.camera.source, password)
    return tried(settings.camera.model_copy(update={"source": source}))


def _kept_password() -> str | None:
    try:
        return (SERVICE_CREDENTIALS / "camera-password").read_text("utf-8").strip() or None
    except OSError:
        return None


def _become(user: str) -> None:
    """For good, with the groups that the camera's own service has."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        found = pwd.getpwnam(_NOBODY)
    os.setgroups(_groups_of(found))
    os.setresgid(found.pw_gid, found.pw_gid, found.pw_gid)
    os.setresuid(found.pw_uid, found.pw_uid, found.pw_uid)


def _groups_of(user: pwd.struct_passwd) -> list[int]:
    import grp

    # The unit adds these; whoever has no such device has no such group.
    devices = [one.gr_gid for one in grp.getgrall() if one.gr_name in ("video", "render")]
    return [*os.getgrouplist(user.pw_name, user.pw_gid), *devices]
