"""Libraries that a gate does without."""

from __future__ import annotations

from importlib.util import find_spec

# The group of pyproject.toml, and of requirements/, that brings each.
_GROUPS = {"matplotlib": "measure", "insightface": "insightface", "nats": "fleet", "aiomqtt": "mqtt"}


def lacks(library: str) -> str | None:
    """None where a library of a group is installed, else the sentence that says what is missing and how to get it."""
    if find_spec(library) is not None:
        return None
    group = _GROUPS[library]
    return (
        f"This needs {library}, which a gate does without; bring it with: sudo systemd/install --with {group}"
        f" (outside a gate: pip install --no-deps --require-hashes -r requirements/{group}.txt)."
    )
