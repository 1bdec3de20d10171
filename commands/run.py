"""facegate run"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from commands.common import Home, home, state_option
from commands.settings import print_settings
from gate.config import shown
from gate.errors import UsageError
from gate.state_folder import is_service


@click.command()
@state_option
@click.option(
    "--source",
    help="The camera: an index, a path, rtsp://..., csi, a video file or a folder of pictures; empty: there is none.",
)
def run(state: Path | None, config: Path | None, source: str | None) -> int:
    """Run the gate: vision, door, api and what else the settings name, started again when they die."""
    overrides: dict[str, Any] = {"camera": {"source": source}} if source is not None else {}
    return run_gate(home(state, config, **overrides))


def run_gate(gate: Home) -> int:
    """Run the processes of a gate until a signal asks to stop. Raises UsageError, PackError."""
    from gate.supervise import Supervisor

    logging.basicConfig(level=logging.INFO, format="facegate: %(message)s")
    if is_service(gate.state):
        raise UsageError("This is the installed gate's state, which runs as services: systemctl start facegate.target")
    if gate.settings.camera.wanted:
        _check_models(gate)
    supervisor = Supervisor(gate.settings, gate.state, gate.models_dir, gate.config, click.echo)
    click.echo(f"state = {gate.state}")
    print_settings(shown(gate.settings))
    if gate.settings.door.pin_factory == "mock":
        click.secho("No pin is driven: door.pin_factory is mock. Set it to lgpio on a gate.", fg="yellow", err=True)
    return supervisor.run()


def _check_models(gate: Home) -> None:
    """What looks through a camera is there, whole and measured. Raises PackError, FacegateError."""
    from gate.vision.liveness_packs import liveness_packs
    from models.installed import read_calibration, uncalibrated
    from models.pack import check_files
    from models.runtime import check_installed

    installed = check_files(gate.models_dir, gate.ready_pack())
    if read_calibration(gate.models_dir, installed) is None:
        raise uncalibrated(installed.pack)
    check_installed(gate.settings.vision.provider)
    for pack in liveness_packs(gate.models_dir, gate.settings.vision, gate.settings.models.liveness):
        check_files(gate.models_dir, pack)
