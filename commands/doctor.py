"""facegate doctor"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.home import home, json_option, print_json, state_option
from gate.care.doctor import Grade, examine, site_of

if TYPE_CHECKING:
    from gate.vision.proofs import Proof

_COLOURS = {Grade.OK: "green", Grade.LOOK: "yellow", Grade.BAD: "red"}


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
    from gate.care.forecast import Forecast, forecast_of
    from gate.store.database import open_read_only
    from gate.vision.proofs import proofs
    from gate.vision.strays import stray_residents
    from models.pack import check_files, open_models, verify

    gate = home(state, config)

    def verify_models() -> str:
        verify(gate.models_dir, gate.settings.models.pack)
        return f"The pack {gate.settings.models.pack} is whole."

    def verify_liveness() -> str:
        settings = gate.settings
        for pack in settings.liveness_packs:
            check_files(gate.models_dir, pack)
        asked = proofs(
            gate.models_dir, settings.liveness_packs, settings.vision.liveness, infrared=settings.infrared is not None
        )
        return " ".join(_told(proof) for proof in asked)

    def forecast() -> Forecast:
        with closing(open_read_only(gate.state)) as connection:
            return forecast_of(connection, gate.models_dir, gate.settings.models.pack, gate.settings.vision)

    def strays() -> tuple[str, ...]:
        models = open_models(gate.models_dir, gate.settings.models.pack)
        with closing(open_read_only(gate.state)) as connection:
            return stray_residents(connection, models)

    findings = examine(site_of(gate.state, gate.settings, verify_models, verify_liveness, forecast, strays))
    bad = sum(finding.grade is Grade.BAD for finding in findings)
    if as_json:
        print_json({"bad": bad, "findings": [asdict(finding) for finding in findings]})
        return 1 if bad else 0
    for finding in findings:
        click.secho(f"{finding.grade:5}", fg=_COLOURS[finding.grade], nl=False)
        click.echo(f"{finding.name:12} {finding.seen}{f' {finding.do}' if finding.do else ''}")
    return 1 if bad else 0


def _told(proof: Proof) -> str:
    if proof.bpcer is None or proof.apcer is None:
        return f"{proof.name}: {proof.proves} ({proof.measured})."
    rates = f"BPCER {100 * proof.bpcer:.1f} %, APCER {100 * proof.apcer:.1f} %"
    return f"{proof.name}: {proof.proves} ({rates}, {proof.measured})."
