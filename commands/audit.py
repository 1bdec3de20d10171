"""facegate audit"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from commands.caller_files import is_within, new_file, opened_by_giver
from commands.common import home, json_option, print_json, print_table, record_look, say_no, state_option
from gate.care.witnesses import ask_journal, given, keep_exported, kept_in
from gate.errors import FacegateError
from gate.spreadsheet import csv_line
from gate.state_folder import state_directory
from gate.store.record import audit as store
from gate.store.record.anchors import OUT_OF_REACH, Comparison, Keeper, Replaced, compare, replaced_by_restores
from gate.store.record.audit import Line
from gate.vocabulary import AuditEvent, Kind

_KEPT = {
    Keeper.JOURNAL: "in the journal",
    Keeper.BACKUP: "in backups",
    Keeper.EXPORT: "of the last export",
    Keeper.GIVEN: "given",
}
_COLUMNS = (
    "sequence",
    "at",
    "kind",
    "details",
    "personal",
    "id",
    "gate_id",
    "boot_id",
    "mono",
    "commitments",
    "previous",
    "hash",
)


@click.group()
def audit() -> None:
    """The record of what was granted, refused, enrolled, changed and looked at."""


@audit.command()
@click.option("-n", "count", default=20, show_default=True, type=click.IntRange(1), help="How many lines.")
@state_option
@json_option
def tail(count: int, state: Path | None, config: Path | None, as_json: bool) -> None:
    """The last lines."""
    gate = home(state, config)
    with gate.store() as connection:
        lines = list(store.lines(connection, last=count))
        record_look(connection, "the record", gate.by)
    if as_json:
        print_json({"lines": [asdict(line) for line in lines]})
        return
    rows = [
        (
            line.sequence,
            line.at.replace("T", " ")[:19],
            line.kind,
            line.named,
            _in_words(line.details),
        )
        for line in lines
    ]
    print_table(("line", "when (UTC)", "what", "who", "details"), rows, "Nothing is on record yet.")


@audit.command()
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="FILE|NUMBER:HASH",
    help="What somebody kept elsewhere: an export's anchor, bodies of webhooks, a log of the door, a backup or a folder"
    " of them. The journal, the state's own backups and the last export are asked by themselves.",
)
@state_option
@json_option
def verify(anchors: tuple[str, ...], state: Path | None, config: Path | None, as_json: bool) -> int:
    """Whether no line was altered, lost, moved, cut off the end, or written anew since somebody outside saw it."""
    # The journal, and what only root may read, come before anything that services may write.
    directory = state_directory(state)
    journal = ask_journal(directory)
    elsewhere = {what: given(what) for what in anchors if not is_within(Path(what), directory)}
    gate = home(state, config)
    others = [one for what in anchors for one in (elsewhere[what] if what in elsewhere else given(what))]
    witnesses = [*journal.witnesses, *kept_in(gate.state), *others]
    with gate.store() as connection:
        flaw = store.verify(connection)
        compared = compare(connection, witnesses, time.time())
        last, pruned = store.anchor(connection), store.base(connection).sequence
        restores = replaced_by_restores(connection)
    flaw = flaw or compared.flaw
    count = last.sequence - pruned if last else 0
    bad = asdict(flaw) if flaw else None
    outside = {**_counts(compared), "newest": asdict(compared.newest.anchor) if compared.newest else None}
    said = {"verified": flaw is None, "lines": count, "pruned": pruned, "first_bad": bad, "anchors": outside}
    if flaw:
        told = f"The record does not verify at line {flaw.sequence}: {flaw.problem}."
        return say_no(told, said if as_json else None)
    if as_json:
        print_json(said)
    else:
        gone = f", after {pruned} that were pruned" if pruned else ""
        click.echo(f"The record verifies: {count} lines{gone}.")
        for sentence in (*_proved(compared, restores), *filter(None, [journal.unread])):
            click.echo(sentence)
    return 0


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["jsonl", "csv"]), help="By default as the file's name ends.")
@state_option
@json_option
def export(file: Path, kind: str | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Write the whole record to FILE (- for standard output), and an anchor beside it to keep elsewhere."""
    chosen = kind or ("csv" if file.suffix == ".csv" else "jsonl")
    names = _names(file)
    try:
        outs = [opened_by_giver(name, state) for name in names]
        gate = home(state, config)
        with gate.store() as connection, ExitStack() as files:
            opened = [files.enter_context(one or new_file(name)) for one, name in zip(outs, names, strict=True)]
            if opened and chosen == "csv":
                # A spreadsheet takes UTF-8 for what it is when the file says so.
                opened[0].write("\ufeff")
            count = _write(store.lines(connection), opened[0] if opened else sys.stdout, chosen)
            store.append(connection, AuditEvent(Kind.EXPORTED, {"format": chosen, "lines": count}))
            anchored = store.anchor(connection)
            text = json.dumps(asdict(anchored)) + "\n" if anchored else ""
            keep_exported(gate.state, text)
            if len(opened) > 1:
                opened[1].write(text)
    except OSError as error:
        raise FacegateError(f"The record cannot be written to {file}: {error.strerror}.") from error
    if as_json:
        print_json(
            {
                "file": str(file),
                "format": chosen,
                "lines": count,
                "anchor": asdict(anchored) if anchored else None,
            }
        )
    elif len(names) > 1:
        click.echo(f"{count} lines are in {file}; keep {file.name}.anchor.json on another machine.")


def _names(file: Path) -> list[Path]:
    """What an export writes: the file, and its anchor beside it unless it is a device or standard output."""
    if str(file) == "-":
        return []
    return [file] if file.exists() and not file.is_file() else [file, file.with_name(file.name + ".anchor.json")]


def _write(lines: Iterator[Line], out: IO[str], kind: str) -> int:
    count = 0
    if kind == "csv":
        out.write(csv_line(_COLUMNS))
    for line in lines:
        values = asdict(line)
        if kind == "csv":
            cells = (values[column] for column in _COLUMNS)
            out.write(csv_line(json.dumps(c, ensure_ascii=False) if isinstance(c, dict) else c for c in cells))
        else:
            out.write(json.dumps(values, ensure_ascii=False) + "\n")
        count += 1
    return count


def _counts(compared: Comparison) -> dict[str, object]:
    held = {keeper.value: count for keeper, count in compared.held.items()}
    return {"held": held, "before_start": compared.before_start, "lost_by_restore": compared.lost}


def _proved(compared: Comparison, restores: Sequence[Replaced]) -> Iterator[str]:
    """What the comparison shows, and what it cannot, in sentences."""
    if compared.newest is not None:
        kept = ", ".join(f"{_KEPT[keeper]} {count}" for keeper, count in compared.held.items())
        yield f"Anchors agree ({kept}): up to line {compared.newest.anchor.sequence} it is the record that they saw."
    if not any(keeper in compared.held for keeper in OUT_OF_REACH):
        yield (
            "No anchor was kept out of reach of whoever can write the database: the lines belong together, but all of"
            " them could have been written anew."
        )
    if compared.before_start:
        yield f"{compared.before_start} are of lines that were pruned since, and show nothing any more."
    if compared.lost:
        lines = ", ".join(
            f"{one.kept + 1} to {one.through or 'the end'} ({datetime.fromtimestamp(one.at, UTC):%Y-%m-%d %H:%M} UTC)"
            for one in restores
        )
        yield f"{compared.lost} are of lines that a restore replaced, by the record's own word: {lines}. Was it you?"


def _in_words(details: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items() if not isinstance(value, dict))
