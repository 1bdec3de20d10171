"""Writes docs/configuration.md from the settings themselves; a test holds the two together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from gate.config import Settings

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


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(reference(), "utf-8")
