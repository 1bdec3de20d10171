"""facegate run"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from gate.commands.home import home, state_option


@click.command()
@state_option
@click.option("--source", help="The camera: an index, a path, rtsp://..., csi, a video file or a folder of pictures.")
def run(state: Path | None, config: Path | None, source: str | None) -> int:
    """Run the gate: vision, door and api, started again when they die."""
    from gate.supervise import Supervisor
    from models.pack import check_files

    logging.basicConfig(level=logging.INFO, format="facegate: %(message)s")
    overrides: dict[str, Any] = {"camera": {"source": source}} if source else {}
    gate = home(state, config, **overrides)
    check_files(gate.models_dir, gate.ready_pack())
    supervisor = Supervisor(gate.settings, gate.state, gate.models_dir, click.echo)
    click.echo(f"state = {gate.state}")
    _print_settings("", gate.settings.model_dump(mode="json"))
    if gate.settings.door.pin_factory == "mock":
        click.secho("No pin is driven: door.pin_factory is mock. Set it to lgpio on a gate.", fg="yellow", err=True)
    return supervisor.run()


def _print_settings(prefix: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _print_settings(f"{prefix}{name}.", value)
        else:
            click.echo(f"{prefix}{name} = {'' if value is None else value}")
