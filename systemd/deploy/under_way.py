"""A switch that has begun, on the card until it is over: where the power fails in its middle, it is gone on with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from deploy.place import Installation
from deploy.state import Kept


@dataclass(frozen=True)
class UnderWay:
    """From which version to which, and the database as it was."""

    before: Path
    after: Path
    kept: Kept | None
    goes_back: bool = False
    """Whether the version after did not come up."""


def write_down(place: Installation, switch: UnderWay) -> None:
    """What is to be known after a power cut; it counts once the card has it."""
    kept = switch.kept and {"backup": str(switch.kept.backup), "schema": switch.kept.schema}
    versions = {"before": switch.before.name, "after": switch.after.name}
    content = {**versions, "kept": kept, "goes_back": switch.goes_back}
    place.put(_file(place), (json.dumps(content) + "\n").encode(), 0o600)
    place.files.discard(_file(place))


def under_way(place: Installation) -> UnderWay | None:
    """A switch that was cut short; None where none was, or where one of its versions is here no more."""
    try:
        found = json.loads((place.root / _file(place)).read_text("utf-8"))
        before, after = (place.layout.releases / str(found[name]) for name in ("before", "after"))
        kept = found["kept"] and Kept(Path(found["kept"]["backup"]), int(found["kept"]["schema"]))
        goes_back = found["goes_back"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return None
    there = all((place.root / release / "pyvenv.cfg").is_file() for release in (before, after))
    return UnderWay(before, after, kept, goes_back) if there else None


def is_over(place: Installation) -> None:
    """Nothing is to be gone on with."""
    (place.root / _file(place)).unlink(missing_ok=True)


def _file(place: Installation) -> Path:
    return place.layout.current.with_name("switching.json")
