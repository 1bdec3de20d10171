"""facegate drill"""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from commands.common import Home, home, json_option, print_json, state_option
from enroll.consent import LANGUAGES
from gate.drill.at_the_gate import Gate
from gate.drill.guided import PowerCut, guide
from gate.drill.results import Result
from gate.drill.sheet import Kept, Sheet, save, sheet_of
from gate.errors import UsageError
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind


class _Installer:
    def tell(self, words: str) -> None:
        click.secho(words, bold=True)

    def agree(self, question: str) -> bool:
        return click.confirm(question)


@click.command()
@click.option("--simulate", is_flag=True, help="All that needs no hands, on mock pins, beside the running gate.")
@click.option(
    "--patience",
    type=click.FloatRange(1, 100),
    default=1.0,
    show_default=True,
    metavar="TIMES",
    help="With --simulate: on a slow machine what is waited for may take so many times as long.",
)
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the sheet; else as in screen.language.")
@click.option("--by", help="Who proves it; by default who is logged in.")
@state_option
@json_option
def drill(
    simulate: bool,
    patience: float,
    language: str | None,
    by: str | None,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Prove the wiring and the safety rules at the gate, and print a commissioning sheet. Exit 1 when a check fails.

    Without --simulate it leads the installer through what needs hands, at the running gate.
    """
    if patience > 1 and not simulate:
        raise UsageError("--patience is for --simulate: at the gate the drill waits for you.")
    gate = home(state, config)
    try:
        if simulate:
            with tempfile.TemporaryDirectory(prefix="facegate-drill-") as scratch:
                results = _shown(_simulated(gate, Path(scratch), patience), as_json)
        else:
            real = Gate(gate.state)
            results = _shown(guide(real, gate.settings, gate.state / "drills", _Installer()), as_json)
    except PowerCut:
        return 0
    sheet = sheet_of(gate.settings, by or getpass.getuser(), results, _hashes(gate), simulated=simulate)
    page = _page(gate, sheet, language)
    _record(gate, sheet)
    proves = " The pins were mocked: this proves nothing of the wiring." if sheet.simulated else ""
    if as_json:
        print_json(sheet.as_json() | {"sheet": str(page)})
    else:
        click.echo(f"{len(results) - sheet.failed} passed, {sheet.failed} failed.{proves} The sheet: {page}")
    return 1 if sheet.failed else 0


def _page(gate: Home, sheet: Sheet, language: str | None) -> Path:
    """Save it in every language; where the page lies that is asked for."""
    from api.languages import DEFAULT, Languages

    folder = gate.state / "drills"
    page = save(sheet, folder, [one for one in Languages().all if one.tag != DEFAULT])
    return Kept(page, sheet.simulated).page_in(language or gate.settings.screen.language or DEFAULT)


def _simulated(gate: Home, scratch: Path, patience: float) -> Iterator[Result]:
    from gate.drill.simulated import simulate

    if not gate.settings.camera.wanted:
        yield from simulate(scratch, gate.models_dir.resolve(), "", patience)
        return
    from evaluate.demo.walkup import Scene, footage, write_video

    gate.ready_pack()
    video = scratch / "empty.mp4"
    write_video(video, footage([Scene(None, 2.0)], 1))
    yield from simulate(scratch, gate.models_dir.resolve(), str(video), patience)


def _shown(results: Iterable[Result], as_json: bool) -> list[Result]:
    found = []
    for result in results:
        found.append(result)
        word, colour = ("passed", "green") if result.passed else ("FAILED", "red")
        click.secho(word, fg=colour, nl=False, err=as_json)
        click.echo(f"  {result.name.replace('_', ' '):40} {result.figure}", err=as_json)
    return found


def _hashes(gate: Home) -> dict[str, str]:
    from models.errors import PackError
    from models.installed import read_installed

    try:
        installed = read_installed(gate.models_dir, gate.settings.models.pack)
    except PackError:
        return {}
    return {f"{installed.pack}/{file.name}": file.sha256 for file in installed.files}


def _record(gate: Home, sheet: Sheet) -> None:
    details: dict[str, object] = {
        "passed": len(sheet.results) - sheet.failed,
        "failed": [result.name for result in sheet.results if not result.passed],
        "simulated": sheet.simulated,
    }
    with gate.store() as connection:
        audit.append(connection, AuditEvent(Kind.DRILLED, details, {"by": sheet.by}))
