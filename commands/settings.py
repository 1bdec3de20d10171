"""facegate settings"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from commands.common import home, json_option, print_json, state_option
from gate.config import parts_of, shown
from gate.places import folder as make_folder


@click.command()
@click.option("--write", is_flag=True, help="Write what each service reads at its start.")
@state_option
@json_option
def settings(write: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Show the settings in effect, or say what is wrong with them."""
    # What the services read at their start is root's to write: no service is to.
    gate = home(state, config, part=None)
    if write:
        folder = make_folder(gate.state / "settings", 0o700)
        parts = parts_of(gate.settings, gate.state, gate.models_dir, gate.config)
        for name, part in parts.items():
            _replace(folder / f"{name}.json", json.dumps(part) + "\n")
        for written in folder.glob("*.json"):
            # Of a process that is wanted no longer: it would go on with what it was told.
            if written.stem not in parts:
                written.unlink()
        return
    if as_json:
        print_json(shown(gate.settings))
    else:
        print_settings(shown(gate.settings))


def print_settings(values: dict[str, Any], prefix: str = "") -> None:
    """One line a setting."""
    for name, value in values.items():
        if isinstance(value, dict):
            print_settings(value, f"{prefix}{name}.")
        else:
            click.echo(f"{prefix}{name} = {'' if value is None else value}")


def _replace(path: Path, text: str) -> None:
    """Whoever reads it finds the old or the new one, whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
