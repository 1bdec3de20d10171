"""What the tests of an import ask of it."""

from tests.running import wait_for


def until(manager, phase):
    return wait_for(
        lambda: (now := manager.get("/api/v1/imports/current").json())["phase"] == phase and now, 180, f"not {phase}"
    )


def looked_at(manager, *ticked):
    """What the form says of the import that is shown, with the lines that are ticked."""
    return {"key": manager.get("/api/v1/imports/current").json()["key"], "another": list(ticked)}


def actions(now):
    return [line["action"] for line in now["lines"]]
