"""facegate doctor"""

from __future__ import annotations

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
    from models.pack import verify

    gate = home(state, config)

    def verify_models() -> str:
        verify(gate.models_dir, gate.settings.models.pack)
        return f"The pack {gate.settings.models.pack} is whole."

    findings = examine(site_of(gate.state, gate.settings, verify_models))
    bad = sum(finding.grade is Grade.BAD for finding in findings)
    if as_json:
        print_json({"bad": bad, "findings": [asdict(finding) for finding in findings]})
        return 1 if bad else 0
    for finding in findings:
        click.secho(f"{finding.grade:5}", fg=_COLOURS[finding.grade], nl=False)
        click.echo(f"{finding.name:12} {finding.seen}{f' {finding.do}' if finding.do else ''}")
    return 1 if bad else 0
