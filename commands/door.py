"""facegate door"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from commands.common import home, json_option, print_json, say_no, state_option
from gate.errors import Refusal
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.processes.fields import written
from gate.processes.requests import Do, Reply
from gate.state_folder import state_directory

Answer = TypeVar("Answer")

_FIRES = ("fire", "fire_pause")
# What is ordered in a fire comes after it.
_IN_A_FIRE = {
    Do.LOCKDOWN: "It is a fire: the gate stays open. It is locked down when the fire is over.",
    Do.HOLD: "It is a fire: the gate stays open. It is held open when the fire is over, unless there is a lockdown or"
    " a tamper block then.",
}


@click.group()
def door() -> None:
    """The door, from its own machine."""


@door.command()
@state_option
@json_option
def status(state: Path | None, config: Path | None, as_json: bool) -> None:
    """What the door is doing."""
    said = written(_ask(asking.door_status, state, config))
    if as_json:
        print_json(said)
        return
    for name, value in said.items():
        click.echo(f"{name.replace('_', ' ')}: {value}")


@door.command("open")
@state_option
@json_option
def open_door(state: Path | None, config: Path | None, as_json: bool) -> int:
    """Open once, as a person's decision; it is on record who asked."""
    reply = _ask(partial(asking.order, do=Do.OPEN), state, config)
    said = {"opened": reply.granted, "reason": reply.reason}
    if not reply.granted:
        return say_no(f"The door did not open: {_why(reply)}.", said if as_json else None)
    if as_json:
        print_json(said)
    else:
        click.echo("The door opens.")
    return 0


@door.command()
@state_option
@json_option
def lockdown(state: Path | None, config: Path | None, as_json: bool) -> int:
    """Refuse every credential until released, also over a restart; exit and fire still open."""
    return _order(state, config, Do.LOCKDOWN, as_json, "Lockdown. End it with: facegate door release")


@door.command()
@state_option
@json_option
def hold(state: Path | None, config: Path | None, as_json: bool) -> int:
    """Keep the gate open by its hold relay until closed, released or restarted."""
    return _order(state, config, Do.HOLD, as_json, "The gate is held open. End it with: facegate door close")


@door.command()
@state_option
@json_option
def close(state: Path | None, config: Path | None, as_json: bool) -> int:
    """End a hold, and nothing else: a lockdown that was ordered since stands on."""
    return _order(state, config, Do.CLOSE, as_json, "No hold stands.")


@door.command()
@state_option
@json_option
def release(state: Path | None, config: Path | None, as_json: bool) -> int:
    """End a lockdown, a hold and a tamper block, whichever of them stand."""
    return _order(state, config, Do.RELEASE, as_json, "Released.")


@door.command("relay-off")
@state_option
@json_option
def relay_off(state: Path | None, config: Path | None, as_json: bool) -> None:
    """De-energise the relay at once; needs no running door."""
    try:
        reply = _ask(partial(asking.order, do=Do.RELEASE_RELAY), state, config, part="door")
        if not reply.granted:
            raise Refusal(f"The door refused: {_why(reply)}.")
        by = "the running door"
    except asking.NotUnderstood:
        raise
    except LinkDown:
        # Only where it is needed: gpiozero takes its time.
        from gate.door.relay_off import let_go

        gate = home(state, config, part="door")
        let_go(gate.settings.door, gate.state)
        by = "claiming its pin"
    if as_json:
        print_json({"released": True, "by": by})
        return
    click.echo(f"The relay is off, by {by}.")


def _order(state: Path | None, config: Path | None, order: Do, as_json: bool, done: str) -> int:
    reply, mode = _ask(partial(_given, do=order), state, config)
    said = {"done": reply.granted, "reason": reply.reason}
    if not reply.granted:
        return say_no(f"The door refused: {_why(reply)}.", said if as_json else None)
    if as_json:
        print_json(said)
    else:
        click.echo(_IN_A_FIRE.get(order, done) if mode in _FIRES else done)
    return 0


def _given(client: Client, do: Do) -> tuple[Reply, str | None]:
    """What the door answered, and in which mode it is then; None: it does not say."""
    reply, mode = asking.order(client, do), None
    with suppress(LinkDown):
        mode = asking.door_status(client).mode
    return reply, mode


def _why(reply: Reply) -> str:
    """Why the door refused an order, in the words of the console."""
    from api.wording import ORDER_REASONS

    return str(ORDER_REASONS.get(reply.reason or "", reply.reason or "it gave no reason"))


def _ask(question: Callable[[Client], Answer], state: Path | None, config: Path | None, *, part: str = "db") -> Answer:
    with closing(Client(socket_of(state_directory(state), "door"))) as client:
        # Connected as who gives the command: the door hears who that is, and keeps a place for root.
        with suppress(LinkDown):
            client.connect()
        home(state, config, part=part)
        return question(client)
