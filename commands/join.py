"""facegate join"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.common import ask_for, counted, home, json_option, print_json, state_option
from commands.drop_root import as_owner, owner_of
from gate.errors import UsageError
from gate.store.compound import role
from gate.store.people import credentials


@click.command()
@click.argument("address")
@click.argument("code")
@click.option("--port", type=click.IntRange(1, 65535), help="Its pairing port.  [default: centre.pairing_port]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def join(
    address: str, code: str, port: int | None, yes: bool, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Have this gate follow the centre at ADDRESS, by the CODE of its invitation.

    Whoever is on the centre's register comes in here too from then on. PINs and cards that this gate gave before open
    nothing any more: the doors of a compound know codes by one key.
    """
    ask_for("nats")
    from gate.fleet.joined import write_joined
    from gate.fleet.joining import pair
    from gate.fleet.pairing import code_of

    # As root: the door's key, the link's secrets and the database each belong to another.
    gate = home(state, config, part=None)
    typed, directory, by = code_of(code), gate.state, gate.by

    def looked() -> dict[str, Any]:
        with gate.store() as connection:
            people = len(credentials.having_any(connection))
            return {"people": people, "id": connection.execute("SELECT id FROM gate").fetchone()[0]}

    here = as_owner(owner_of(directory), looked)
    if here["people"] and not yes:
        had = counted(here["people"], "resident")
        click.confirm(f"Take PINs and cards from {had} of this gate?", abort=True, err=True)
    paired = pair(address, port or gate.settings.centre.pairing_port, typed, here["id"], gate.settings.gate)

    def kept() -> dict[str, Any]:
        write_joined(directory, paired.joined)
        return {}

    def followed() -> dict[str, Any]:
        with gate.store() as connection:
            return {"people": role.follow(connection, paired.salt, address, by=by)}

    as_owner(owner_of(directory, "door"), lambda: _take_key(directory, paired.door_key))
    had = as_owner(owner_of(directory), followed)["people"]
    as_owner(owner_of(directory, "link"), kept)
    if as_json:
        print_json({"gate": here["id"], "centre": address, "people": had})
    else:
        click.echo(f"This gate follows {address}. Restart it: sudo systemctl restart facegate.target")


def _take_key(state: Path, key: bytes) -> dict[str, Any]:
    from gate.door.code_key import key_file, take_key

    try:
        take_key(state, key)
    except OSError as error:
        raise UsageError(f"{key_file(state)} cannot be written ({error.strerror}). Say it with sudo.") from error
    return {}
