"""What the tests of an import ask of it."""

from tests.running import wait_for


def until(manager, phase):
    return wait_for(
        lambda: (now := manager.get("/api/v1/imports/current").json())["phase"] == phase and now, 180, f"not {phase}"
    )


def actions(now):
    return [line["action"] for line in now["lines"]]
