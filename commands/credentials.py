"""facegate residents pin, facegate residents phone, facegate residents card"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import click

from commands.common import Home, home, json_option, print_json, state_option
from enroll.codes import card_as_found, card_of_number, new_pin, new_rolling
from gate.errors import Refusal, UsageError
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.processes.requests import UnknownCard
from gate.store.people import credentials, residents

# What an authenticator shows above the digits.
_ISSUER = "Facegate"


@click.command()
@click.argument("who")
@click.option("--remove", is_flag=True, help="Take their PIN away.")
@state_option
@json_option
def pin(who: str, remove: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Draw a PIN for WHO, by name or id, and print it once. The one they had opens nothing any more."""
    gate = home(state, config)
    with gate.store() as connection, _door(gate) as door:
        person = residents.find(connection, who)
        if remove:
            if not credentials.remove_pin(connection, person, by=gate.by):
                raise Refusal(f"{person.name} has no PIN.")
            drawn = None
        else:
            drawn = new_pin(connection, partial(asking.seal, door), person, by=gate.by)
    if as_json:
        told = {"flat": drawn.flat, "pin": drawn.pin, "duress": drawn.duress, "typed": drawn.typed} if drawn else {}
        print_json({"resident": person.id, "removed": remove} | told)
    elif drawn is None:
        click.echo(f"The PIN of {person.name} is removed.")
    else:
        click.echo(f"{person.name} presses: {drawn.typed}")
        click.echo(
            f"Forced to open, they press {drawn.duress} for {drawn.pin}: the gate opens as ever, and the record has the"
            " alarm. Both are shown only now, and kept nowhere."
        )


@click.command()
@click.argument("who")
@click.option("--remove", is_flag=True, help="Their phone opens nothing any more.")
@state_option
@json_option
def phone(who: str, remove: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Set up an authenticator on the phone of WHO, by name or id: its key is printed once, to be typed into the app.

    On the console it is scanned.
    """
    gate = home(state, config)
    with gate.store() as connection, _door(gate) as door:
        person = residents.find(connection, who)
        if remove:
            if not credentials.remove_rolling(connection, person, by=gate.by):
                raise Refusal(f"{person.name} has no code on a phone.")
            drawn = None
        else:
            drawn = new_rolling(connection, partial(asking.seal, door), person, by=gate.by)
    if as_json:
        told = {"flat": drawn.flat, "key": drawn.key, "address": drawn.address(_ISSUER, person.name)} if drawn else {}
        told |= {"fragment": drawn.fragment} if drawn else {}
        print_json({"resident": person.id, "removed": remove} | told)
    elif drawn is None:
        click.echo(f"The code on the phone of {person.name} is removed.")
    else:
        click.echo(f"The key for the authenticator of {person.name}: {drawn.key}")
        click.echo(
            f"At the keypad they press {drawn.flat} #, the six digits that it shows, and # again; each opens once."
            " The key is shown only now, and kept nowhere."
        )


@click.command()
@click.argument("who")
@click.argument("number", required=False)
@click.option("--shown", is_flag=True, help="The card that was just shown to a reader, and is nobody's.")
@click.option("--label", help="What it is called, such as: blue fob.")
@click.option("--lost", metavar="ID", help="The card with this id opens nothing until it is found again.")
@click.option("--found", metavar="ID", help="It was found again.")
@click.option("--remove", metavar="ID", help="It is nobody's any more.")
@state_option
@json_option
def card(
    who: str, number: str | None, shown: bool, label: str | None, lost: str | None, found: str | None,
    remove: str | None, state: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Give WHO, by name or id, the card of this NUMBER or the one just shown; or say what became of one.

    The ids of their cards: facegate residents show WHO.
    """
    if [number is not None, shown, *(one is not None for one in (lost, found, remove))].count(True) != 1:
        raise UsageError("Say one thing: a card's number, --shown, --lost, --found or --remove.")
    gate = home(state, config)
    with gate.store() as connection, _door(gate) as door:
        person = residents.find(connection, who)
        if number is not None:
            identity = card_of_number(connection, partial(asking.seal, door), person, number, label, by=gate.by)
            said = "is added"
        elif shown:
            one = _just_shown(door)
            identity = card_as_found(connection, person, one.finder, label, by=gate.by)
            said = f"ending in {one.ending} is added"
        elif lost is not None:
            identity, said = lost, "opens nothing until it is found again"
            credentials.suspend_card(connection, person, lost, by=gate.by)
        elif found is not None:
            identity, said = found, "opens again"
            credentials.resume_card(connection, person, found, by=gate.by)
        else:
            identity, said = str(remove), "is removed"
            credentials.remove_card(connection, person, identity, by=gate.by)
    if as_json:
        print_json({"resident": person.id, "card": identity})
        return
    click.echo(f"The card of {person.name} {said} ({identity}).")


def _just_shown(door: Client) -> UnknownCard:
    """The one card of the last minute that is nobody's. Raises Refusal where there is none, or more than one."""
    cards = asking.unknown_cards(door)
    if not cards:
        raise Refusal("No card that is nobody's was shown in the last minute. Show it to a reader, and ask again.")
    if len(cards) > 1:
        now = time.monotonic()
        told = ", ".join(f"{one.ending} at {one.reader} {now - one.taken_mono:.0f} s ago" for one in cards)
        raise Refusal(
            f"Several were shown in the last minute (ending in {told}). Wait a minute, and show the one alone."
        )
    return cards[0]


@contextmanager
def _door(gate: Home) -> Iterator[Client]:
    with closing(Client(socket_of(gate.state, "door"))) as client:
        yield client
