"""What commands share: where the state is, what the settings say, and how answers are printed."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.drop_root import become, owner_of
from gate.config import Settings, load_settings
from gate.errors import FacegateError, UsageError
from gate.processes.terminal import in_one_line, spelt
from gate.state_folder import (
    CONFIG_NAME,
    configuration_file,
    is_service,
    models_directory,
    state_directory,
    user_folder,
)
from gate.store.database import database_of, open_database, sentences
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

if TYPE_CHECKING:
    from models.fetch import Progress
    from models.installed import Installed

DEFAULT_PACK = "open"


@dataclass(frozen=True, slots=True)
class Home:
    """A gate on this machine: its state directory and its effective settings."""

    state: Path
    settings: Settings
    by: str
    """What the record calls whoever gave the command: who they were before `home` made them another."""
    config: Path | None = None
    """The file the settings were read from."""

    @property
    def models_dir(self) -> Path:
        """Where its model packs are: the settings' folder, else one that all states of this user share."""
        return self.settings.models.dir or models_directory(self.state)

    def ready_pack(self) -> str:
        """The pack in use. The default one is fetched where it was never installed: it is free and asks no terms.

        Raises PackError.
        """
        from models.install import install
        from models.installed import pack_folder

        pack = self.settings.models.pack
        if pack == DEFAULT_PACK and not pack_folder(self.models_dir, pack).exists():
            click.echo(f"Fetching the model pack {pack}, once...", err=True)
            with fetch_progress() as progress:
                fetch_beside(install(pack, self.models_dir, progress=progress), self.models_dir, None, progress)
        return pack

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """Its database, with SQLite's errors in words. A refusal that tells something of a resident is on record."""
        with closing(open_database(self.state)) as connection, sentences(database_of(self.state)):
            try:
                yield connection
            except FacegateError as error:
                if error.tells is not None:
                    record_look(connection, error.tells, self.by)
                raise


@dataclass(frozen=True, slots=True)
class Beside:
    """What comes with a pack: the one of its second look, and the liveness check that anybody may use; None: neither is
    there for it, or it could not be had."""

    second: Installed | None
    liveness: Installed | None


def fetch_beside(installed: Installed, models_dir: Path, source: Path | None, progress: Progress) -> Beside:
    """Fetch what comes with a pack, the liveness check with the default one; a gate does without what cannot be had."""
    from gate.vision.liveness_packs import FREE
    from models.errors import PackError
    from models.install import install

    def fetched(pack: str | None, without: str) -> Installed | None:
        if pack is None:
            return None
        try:
            return install(pack, models_dir, source=source, progress=progress)
        except PackError as error:
            until = f"Until then {without}. Run: facegate models install {pack}"
            click.secho(f"{error} {until}", fg="yellow", err=True)
            return None

    lively = FREE if installed.pack == DEFAULT_PACK else None
    return Beside(
        fetched(installed.second, "nobody is looked at a second time"),
        fetched(lively, "only edges are looked for of what a face is shown on"),
    )


def record_look(connection: sqlite3.Connection, what: str, by: str) -> None:
    """Put on record that someone looked at personal data from this machine."""
    audit.append(connection, AuditEvent(Kind.LOOKED_AT, {"what": what, "by": by}))


def home(state: Path | None, config: Path | None = None, *, part: str | None = "db", **overrides: Any) -> Home:
    """The gate the options name. Root becomes the state's own user, or where it is root's that of its folder `part`.

    What root names (the configuration, the files of `commands.caller_files`) is opened before.
    """
    directory, by = state_directory(state), f"uid {os.getuid()}"
    if config is not None or is_service(directory):
        config = config or configuration_file(directory)
        settings = load_settings(config, **overrides)
        become(owner_of(directory, part))
        _pass_over(directory / CONFIG_NAME, config)
        return Home(directory, settings, by, config)
    become(owner_of(directory, part))
    config = configuration_file(directory)
    return Home(directory, load_settings(config, **overrides), by, config)


def _pass_over(found: Path, config: Path | None) -> None:
    """What lies where a development state has its configuration is not passed over in silence."""
    if found.exists() and (config is None or not found.samefile(config)):
        click.secho(f"{found} is not read: the configuration is {config}.", fg="yellow", err=True)


def state_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--state and --config."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        envvar="FACEGATE_CONFIG",
        help="The configuration, a TOML file.",
    )
    directory = click.option(
        "--state",
        type=click.Path(path_type=Path),
        envvar="FACEGATE_STATE",
        help="Where this gate keeps its state.",
    )
    return directory(config(command))


def counted(number: int, what: str) -> str:
    """1 template, 2 templates."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")


def print_json(answer: dict[str, Any]) -> None:
    """The answer for machines."""
    click.echo(json.dumps(answer, ensure_ascii=False))


def say_no(sentence: str, answer: dict[str, Any] | None) -> int:
    """Say that the answer is no; `answer` is what is told beside that where JSON was asked for, None where it was not.

    Returns the exit code.
    """
    if answer is not None:
        print_json(answer | {"error": sentence})
    click.secho(sentence, fg="red", err=True)
    return 1


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """The answer for people; `empty` is what to say when there are no rows."""
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else in_one_line(spelt(str(cell))) for cell in row))
    # Not on a terminal nothing is cut to fit one.
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 400
    console.print(table)


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """How far it is, drawn on standard error where that is a terminal; yields a function to call once a step."""
    from rich.console import Console
    from rich.progress import Progress

    # What is drawn moves the cursor, and shows nothing that others wrote.
    console = Console(file=sys.__stderr__)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def fetch_progress() -> Iterator[Progress]:
    """Bars for downloads on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

    console = Console(file=sys.__stderr__)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show


def ask_for(library: str) -> None:
    """Raises UsageError, before anything took its time, where a library is missing that a gate does without."""
    from models.extras import lacks

    if why := lacks(library):
        raise UsageError(why)


def library_folder(name: str) -> Path:
    """Where another library is installed to be measured beside this one."""
    folder = user_folder("XDG_CACHE_HOME", ".cache") / "peers" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
