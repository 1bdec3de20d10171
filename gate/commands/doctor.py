"""facegate doctor"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from gate.commands.home import home, json_option, print_json, state_option
from gate.doctor import Grade, examine, site_of

_COLOURS = {Grade.OK: "green", Grade.LOOK: "yellow", Grade.BAD: "red"}


@click.command()
@state_option
@json_option
def doctor(state: Path | None, config: Path | None, as_json: bool) -> int:
    """What is wrong with this installation, and how to mend it. Exit 1 when something must be mended."""
    from gate.promise import Standing
    from gate.standing import standing_of
    from gate.store.database import open_read_only
    from models.pack import check_files, verify

    gate = home(state, config)

    def verify_models() -> str:
        verify(gate.models_dir, gate.settings.models.pack)
        return f"The pack {gate.settings.models.pack} is whole."

    def verify_liveness() -> str:
        said = []
        for pack in gate.settings.liveness_packs:
            spec = check_files(gate.models_dir, pack).liveness
            if spec is not None:
                measured = spec.calibration
                said.append(
                    f"{pack}: {spec.proves} (BPCER {100 * measured.bpcer:.1f} %, APCER {100 * measured.apcer:.1f} %,"
                    f" {measured.measured})."
                )
        return " ".join(said)

    def standing() -> Standing:
        with closing(open_read_only(gate.state)) as connection:
            return standing_of(connection, gate.models_dir, gate.settings.models.pack, gate.settings.vision)

    findings = examine(site_of(gate.state, gate.settings, verify_models, verify_liveness, standing))
    bad = sum(finding.grade is Grade.BAD for finding in findings)
    if as_json:
        print_json({"bad": bad, "findings": [asdict(finding) for finding in findings]})
        return 1 if bad else 0
    for finding in findings:
        click.secho(f"{finding.grade:5}", fg=_COLOURS[finding.grade], nl=False)
        click.echo(f"{finding.name:12} {finding.seen}{f' {finding.do}' if finding.do else ''}")
    return 1 if bad else 0
