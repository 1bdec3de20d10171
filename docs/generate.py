"""Writes docs/configuration.md and docs/door.md from the code they tell of; a test holds them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from gate.config import Settings
from gate.door import machine, signals
from gate.door.settings import CONSEQUENCES
from gate.door.states import Answer, Event, Leaf, Mode, Place
from gate.door.table import TABLE

HEAD = """# Configuration

Generated from the settings by `python docs/generate.py`. One TOML file; a key `pulse_s` of the section `[door]` can
also be set as `FACEGATE_DOOR__PULSE_S`. A key that is not here is an error.
"""


def reference() -> str:
    """The whole page."""
    schema = TypeAdapter(Settings).json_schema()
    return HEAD + _section(schema, schema, "", Settings().model_dump(mode="json"))


def _section(schema: dict[str, Any], whole: dict[str, Any], name: str, defaults: dict[str, Any]) -> str:
    rows, sections = [], ""
    for key, entry in schema["properties"].items():
        inner = _resolve(entry, whole)
        path = f"{name}.{key}" if name else key
        if "properties" in inner:
            sections += _section(inner, whole, path, defaults[key])
        else:
            default = "" if defaults[key] is None else f"`{defaults[key]}`"
            rows.append(f"| `{key}` | {default} | {_text(entry, inner)} |")
    title = f"\n## [{name}]\n\n" if name else "\n## At the top\n\n"
    table = "| key | default | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    return (title + table if rows else "") + sections


def _resolve(entry: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    reference = entry.get("$ref")
    if reference is None:
        return entry
    found: dict[str, Any] = whole["$defs"][reference.rsplit("/", 1)[1]]
    return found


def _text(entry: dict[str, Any], inner: dict[str, Any]) -> str:
    text = " ".join(entry.get("description", inner.get("description", "")).split())
    return text.replace("|", "\\|")


DOOR_HEAD = """# The door

Generated from `gate/door` by `python docs/generate.py`: the table below is the one the door runs.

"""


def door() -> str:
    """The whole page of the door."""
    theory = (machine.__doc__ or "").strip()
    return (
        DOOR_HEAD
        + theory
        + "\n\n## Modes\n\n"
        + _diagram(Mode, "normal")
        + "\n## The leaf\n\n"
        + _diagram(Leaf, "shut")
        + "\n## Who asks\n\n"
        + _answers()
        + "\n## Kinds of lock\n\n| `door.lock` | what it means |\n|---|---|\n"
        + "".join(f"| `{lock}` | {text} |\n" for lock, text in CONSEQUENCES.items())
        + "\n## Light and sound\n\n"
        + _signals()
    )


def _diagram(states: type[Mode] | type[Leaf], first: str) -> str:
    edges: dict[tuple[str, str], list[str]] = {}
    for (state, event, given), (to, _) in TABLE.items():
        target = "the highest of what stands" if to is Place.STANDING else to.value
        if not isinstance(state, states) or to is Place.SAME or target == state.value:
            continue
        # One word for each event, however many conditions lead the same way.
        label = event.value if given is None or len(_given(state, event, to)) != 1 else f"{event.value} [{given.value}]"
        labels = edges.setdefault((state.value, target), [])
        if label not in labels:
            labels.append(label)
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        '    state "the highest of what stands" as standing',
        f"    [*] --> {first}",
    ]
    if states is Leaf:
        del lines[2]
    for (state, target), labels in edges.items():
        name = "standing" if target == "the highest of what stands" else target
        lines.append(f"    {state} --> {name} : {', '.join(labels)}")
    return "\n".join(lines) + "\n```\n"


def _given(state: Mode | Leaf, event: Event, to: object) -> list[object]:
    return [key[2] for key, row in TABLE.items() if key[:2] == (state, event) and row[0] == to]


def _answers() -> str:
    asks = (Event.CREDENTIAL, Event.COMMAND, Event.REX, Event.HOLD)
    lines = ["| mode | " + " | ".join(asks) + " |", "|---" * (len(asks) + 1) + "|"]
    for mode in Mode:
        cells = []
        for event in asks:
            said = {}
            for (state, asked, given), (_, answer) in TABLE.items():
                if (state, asked) == (mode, event) and answer is not None and given is not None:
                    said.setdefault(answer, []).append(given.value)
            cells.append("; ".join(_cell(answer, given, len(said)) for answer, given in said.items()))
        lines.append(f"| {mode} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(answer: Answer | object, given: list[str], kinds: int) -> str:
    word = str(answer).replace("_", " ")
    return word if kinds == 1 else f"{word} ({', '.join(given)})"


def _signals() -> str:
    lines = ["| signal | pattern |", "|---|---|"]
    for signal, beats in signals.PATTERNS.items():
        parts = [f"{' and '.join(sorted(beat.on)) or 'dark'} {beat.seconds:g} s" for beat in beats]
        lines.append(f"| {signal} | {'steady: ' if len(beats) == 1 else ''}{', '.join(parts)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(reference(), "utf-8")
    Path(__file__).with_name("door.md").write_text(door(), "utf-8")
