"""facegate audit"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from gate.commands.home import home, json_option, print_json, print_table, record_look, state_option
from gate.errors import FacegateError, Refusal, UsageError
from gate.spreadsheet import csv_line
from gate.store import audit as store
from gate.store.audit import Anchor, Line
from gate.vocabulary import AuditEvent, Kind

ANCHOR_NAME = "audit-anchor.json"
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
    with home(state, config).store() as connection:
        lines = list(store.lines(connection, last=count))
        record_look(connection, "the record")
    if as_json:
        print_json({"lines": [asdict(line) for line in lines]})
        return
    rows = [
        (
            line.sequence,
            line.at.replace("T", " ")[:19],
            line.kind,
            line.personal.get("name"),
            _in_words(line.details),
        )
        for line in lines
    ]
    print_table(("line", "when (UTC)", "what", "who", "details"), rows, "Nothing is on record yet.")


@audit.command()
@click.option("--anchor", type=click.Path(path_type=Path), help="The anchor an export wrote; by default the last one.")
@state_option
@json_option
def verify(anchor: Path | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Whether no line was altered, lost, moved, or cut off the end since the last export."""
    gate = home(state, config)
    kept = gate.state / ANCHOR_NAME
    path = anchor or (kept if kept.exists() else None)
    anchored = _read_anchor(path) if path else None
    with gate.store() as connection:
        finding = store.verify(connection, anchored)
        last, pruned = store.anchor(connection), store.base(connection).sequence
    count = last.sequence - pruned if last else 0
    if as_json:
        bad = asdict(finding) if finding else None
        print_json({"verified": finding is None, "lines": count, "pruned": pruned, "first_bad": bad})
    if finding:
        raise Refusal(f"The record does not verify at line {finding.sequence}: {finding.problem}.")
    if not as_json:
        reach = f", and reaches line {anchored.sequence} of the anchor" if anchored else "; no anchor was given"
        gone = f", after {pruned} that were pruned" if pruned else ""
        click.echo(f"The record verifies: {count} lines{gone}{reach}.")


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["jsonl", "csv"]), help="By default as the file's name ends.")
@state_option
@json_option
def export(file: Path, kind: str | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Write the whole record to FILE (- for standard output), and an anchor beside it to keep elsewhere."""
    gate = home(state, config)
    chosen = kind or ("csv" if file.suffix == ".csv" else "jsonl")
    with gate.store() as connection:
        try:
            count = _export(store.lines(connection), file, chosen)
            store.append(connection, AuditEvent(Kind.EXPORTED, {"format": chosen, "lines": count}))
            anchored = store.anchor(connection)
            text = json.dumps(asdict(anchored)) + "\n" if anchored else ""
            (gate.state / ANCHOR_NAME).write_text(text, "ascii")
            if file.is_file():
                file.with_name(file.name + ".anchor.json").write_text(text, "ascii")
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
    elif file.is_file():
        click.echo(f"{count} lines are in {file}; keep {file.name}.anchor.json on another machine.")


def _export(lines: Iterator[Line], file: Path, kind: str) -> int:
    if str(file) == "-":
        return _write(lines, sys.stdout, kind)
    with file.open("w", encoding="utf-8", newline="") as out:
        return _write(lines, out, kind)


def _write(lines: Iterator[Line], out: TextIO, kind: str) -> int:
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


def _read_anchor(path: Path) -> Anchor:
    try:
        given = json.loads(path.read_text("ascii"))
        return Anchor(int(given["sequence"]), str(given["hash"]))
    except OSError as error:
        raise UsageError(f"The anchor {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"The anchor {path} is not one that an export wrote.") from error


def _in_words(details: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items() if not isinstance(value, dict))
