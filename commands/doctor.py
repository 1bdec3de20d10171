"""facegate doctor"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.common import home, json_option, print_json, state_option

if TYPE_CHECKING:
    from models.pack import Models


@click.command()
@state_option
@click.option(
    "--camera",
    is_flag=False,
    flag_value="",
    metavar="[SOURCE]",
    help="Try a camera instead: SOURCE as camera.source would be, or that of the settings.",
)
@json_option
def doctor(state: Path | None, config: Path | None, camera: str | None, as_json: bool) -> int:
    """What is wrong with this installation, and how to mend it. Exit 1 when something must be mended."""
    if camera is not None:
        from commands.camera import try_camera

        return try_camera(state, config, camera, as_json)
    from gate.care.doctor import examine
    from gate.care.doctor.finding import Grade
    from gate.care.doctor.site import site_of
    from models.pack import open_models

    gate = home(state, config)

    @contextmanager
    def opened() -> Iterator[Models]:
        yield open_models(gate.models_dir, gate.settings.models.pack)

    findings = examine(site_of(gate.state, gate.settings, gate.models_dir, opened))
    bad = sum(finding.grade is Grade.BAD for finding in findings)
    if as_json:
        print_json({"bad": bad, "findings": [asdict(finding) for finding in findings]})
        return 1 if bad else 0
    colours = {Grade.OK: "green", Grade.LOOK: "yellow", Grade.BAD: "red"}
    for finding in findings:
        click.secho(f"{finding.grade:5}", fg=colours[finding.grade], nl=False)
        click.echo(f"{finding.name:12} {finding.seen}{f' {finding.do}' if finding.do else ''}")
    return 1 if bad else 0
