"""facegate leave"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.common import Home, counted, home, json_option, print_json, state_option
from commands.drop_root import as_owner, owner_of
from gate.errors import Refusal
from gate.state_folder import centre_file
from gate.store.compound import role
from gate.store.compound.role import Part


@click.command()
@click.option("--forget", is_flag=True, help="Erase here whoever is on the register.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def leave(forget: bool, yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Have this gate follow its centre no more. Whoever is on the register stays here, as its own.

    What is revoked at the centre afterwards opens here as before: erase at this gate whoever is not to come in, or
    all of them with --forget. At the centre and at its other gates nobody is erased by it.
    """
    gate = home(state, config, part=None)
    if not yes:
        erased = " Everybody on its register is erased at this gate." if forget else ""
        click.confirm(f"Follow the centre no more?{erased}", abort=True, err=True)
    told = leave_centre(gate, forget=forget)
    if as_json:
        print_json(told)
    else:
        stay = f"{counted(told['people'], 'resident')} of the register stay."
        if forget:
            stay = f"{counted(told['erased'], 'resident')} of the register erased here."
        click.echo(f"This gate goes on by itself; {stay} Restart it: sudo systemctl restart facegate.target")


def leave_centre(gate: Home, *, forget: bool) -> dict[str, int]:
    """Follow the centre no more from the next start of the services on; how many people of the register stay here, and
    how many were erased. Raises Refusal."""
    from centre.broker import forget_broker
    from centre.secrets import centre_folder, forget_secrets
    from gate.fleet.joined import forget_joined

    directory, by = gate.state, gate.by
    follows = centre_file(directory).exists()

    def left() -> dict[str, Any]:
        with gate.store() as connection:
            part = role.part(connection)
            # A backup of before it joined knows of no centre, and the link does.
            if part is not Part.GATE and not (part is Part.ALONE and follows):
                raise Refusal("This gate follows no centre.")
            on_register = role.people_of_register(connection)
            people = role.leave(connection, by=by)
            erased = role.forget(connection, on_register, by=by) if forget else 0
            return {"people": people - erased, "erased": erased}

    def forgotten() -> dict[str, Any]:
        forget_joined(directory)
        return {}

    def handed_back() -> dict[str, Any]:
        # As a second centre, or with a broker, it had keys of the first one's.
        forget_secrets(directory)
        forget_broker(directory)
        return {}

    told = as_owner(owner_of(directory), left)
    as_owner(owner_of(directory, "link"), forgotten)
    as_owner(owner_of(directory, centre_folder(directory).name), handed_back)
    return told
