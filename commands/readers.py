"""facegate readers"""

from __future__ import annotations

from pathlib import Path

import click

from commands.common import counted, home, json_option, print_json, state_option
from gate.errors import Refusal, UsageError
from gate.state_folder import reader_keys
from gate.store.compound import role
from gate.store.people import credentials

_THE_CENTRES = (
    "This gate follows a centre, whose doors know codes by one key: what was taken away here would be taken away at"
    " every gate. Join again, and the key comes from there: facegate centre invite at the centre, then here sudo"
    " facegate join ADDRESS CODE"
)


@click.group()
def readers() -> None:
    """Keypads and card readers."""


@readers.command("pair")
@click.argument("address", type=click.IntRange(0, 126))
@click.option("--port", help="The serial port of the line, where the settings name none.")
@click.option(
    "--seconds", default=120.0, type=click.FloatRange(1, 120), help="For how long it is tried.  [default: 120]"
)
@state_option
@json_option
def pair_reader(
    address: int, port: str | None, seconds: float, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Give the OSDP reader at ADDRESS, which is in install mode, a key of its own.

    Stop the readers first (sudo systemctl stop facegate-readers), since the line is theirs. The key is written where
    they find it, and nowhere else.
    """
    from gate.readers.keys_file import read_keys, write_keys
    from gate.readers.osdp import KEY_BYTES, pair

    # As root: the file belongs to root, and a service is only handed it.
    gate = home(state, config, part=None)
    line = port or gate.settings.readers.osdp_port
    if line is None:
        raise UsageError("No line is named. Set readers.osdp_port, or give --port /dev/serial/by-id/...")
    file = reader_keys(gate.state)
    keys = read_keys(file)
    # A reader whose key could not be kept afterwards would be put into install mode again, on its wall: so there is
    # room for one, first.
    write_keys(file, {address: bytes(KEY_BYTES)} | keys)
    write_keys(file, keys)
    if not as_json:
        click.echo(f"Waiting for the reader at address {address} on {line}, at most {seconds:g} s...")
    keys[address] = pair(line, gate.settings.readers.osdp_baud, address, seconds)
    write_keys(file, keys)
    if as_json:
        print_json({"paired": address, "file": str(file)})
    else:
        click.echo(
            f"The reader at address {address} has its key. Start the readers: sudo systemctl start facegate-readers"
        )


@readers.command("new-key")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@state_option
@json_option
def new_key(yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Begin anew where the door's key for PINs and cards is lost: nobody has any afterwards.

    Where the board was changed, bring the key of the old one instead: door/code.key in the state. A gate that follows
    a centre is given the key when it joins again.
    """
    gate = home(state, config)
    with gate.store() as connection:
        if role.part(connection) is role.Part.GATE:
            raise Refusal(_THE_CENTRES)
        people = len(credentials.having_any(connection))
        if people and not yes:
            click.confirm(f"Take PINs and cards from {counted(people, 'resident')}?", abort=True, err=True)
        removed = credentials.remove_all(connection, by=gate.by)
    if as_json:
        print_json({"people": removed})
    else:
        click.echo(f"{counted(removed, 'resident')} without PIN and card now. Draw new ones.")
