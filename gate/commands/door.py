"""facegate door"""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands.home import Home, home, json_option, print_json, state_option
from gate.errors import Refusal
from gate.link import Client, LinkDown, runtime_directory, socket_of


@click.group()
def door() -> None:
    """The door, from its own machine."""


@door.command()
@state_option
@json_option
def status(state: Path | None, config: Path | None, as_json: bool) -> None:
    """What the door is doing."""
    answer = _ask(home(state, config), "status")
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        click.echo(f"{name.replace('_', ' ')}: {value}")


@door.command("open")
@state_option
@json_option
def open_door(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Open once, as a person's decision; it is on record who asked."""
    answer = _ask(home(state, config), "open")
    if as_json:
        print_json({"opened": answer["granted"], "reason": answer["reason"]})
    if not answer["granted"]:
        raise Refusal(f"The door did not open: {answer['reason']}.")
    if not as_json:
        click.echo("The door opens.")


@door.command()
@state_option
@json_option
def lockdown(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Refuse every credential until released, also over a restart; exit and fire still open."""
    _order(home(state, config), "lockdown", as_json, "Lockdown. End it with: facegate door release")


@door.command()
@state_option
@json_option
def hold(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Keep the gate open by its hold relay until released or restarted."""
    _order(home(state, config), "hold", as_json, "The gate is held open. End it with: facegate door release")


@door.command()
@state_option
@json_option
def release(state: Path | None, config: Path | None, as_json: bool) -> None:
    """End a lockdown, a hold and a tamper block."""
    _order(home(state, config), "release", as_json, "Released.")


@door.command("relay-off")
@state_option
@json_option
def relay_off(state: Path | None, config: Path | None, as_json: bool) -> None:
    """De-energise the relay at once; needs no running door."""
    gate = home(state, config)
    try:
        _ask(gate, "release-relay")
        by = "the running door"
    except LinkDown:
        from gate.door.hardware import release_relay

        release_relay(gate.settings.door, runtime_directory(gate.state, "door"))
        by = "claiming its pin"
    if as_json:
        print_json({"released": True, "by": by})
        return
    click.echo(f"The relay is off, by {by}.")


def _order(gate: Home, order: str, as_json: bool, done: str) -> None:
    answer = _ask(gate, order)
    if as_json:
        print_json({"done": answer["granted"], "reason": answer["reason"]})
    if not answer["granted"]:
        raise Refusal(f"The door refused: {answer['reason']}.")
    if not as_json:
        click.echo(done)


def _ask(gate: Home, what: str) -> dict[str, object]:
    client = Client(socket_of(gate.state, "door"))
    try:
        return client.ask({"do": what})
    finally:
        client.close()
