"""facegate join"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import ask_for, counted, home, json_option, print_json, state_option
from gate.errors import Refusal, UsageError
from gate.store.compound.joining import Decided

if TYPE_CHECKING:
    from commands.following import Following

# So many are called by name, where all are asked about at once.
_NAMED = 10
_CHOICES = {
    "same": "they are the same person: photos of here go to whom the centre names",
    "another": "they are two people: this one is proposed to the centre too",
    "here": "leave them at this gate alone",
}
_ERASED = {"everywhere": "erase them at the centre and at every gate", "back": "have them here again"}
_OTHERS = {"bring": "propose them to the centre, for all gates", "here": "leave them at this gate alone"}


@click.command()
@click.argument("address")
@click.argument("code")
@click.option("--port", type=click.IntRange(1, 65535), help="Its pairing port.  [default: centre.pairing_port]")
@click.option("--both", type=click.Choice([*_CHOICES]), help="What becomes of whoever is at the centre too, unasked.")
@click.option("--others", type=click.Choice([*_OTHERS]), help="What becomes of the others of this gate, unasked.")
@click.option(
    "--erased", type=click.Choice([*_ERASED]), help="What becomes of whoever was erased here, and is at the centre."
)
@click.option("--yes", is_flag=True, help="Do not ask: who is not said of stays at this gate alone.")
@state_option
@json_option
def join(
    address: str, code: str, port: int | None, both: str | None, others: str | None, erased: str | None, yes: bool,
    state: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Have this gate follow the centre at ADDRESS, by the CODE of its invitation.

    Whoever is on the centre's register comes in here too from then on. Where this gate has people already, each is
    looked for there by name, home and face first, and you say who is the same; until then nothing is changed. PINs and
    cards that this gate gave before open nothing any more: the doors of a compound know codes by one key.
    """
    ask_for("nats")
    from commands.following import Following
    from gate.fleet.pairing import code_of

    # As root: the door's key, the link's secrets and the database each belong to another.
    gate = home(state, config, part=None)
    typed, coming = code_of(code), Following(gate, address)
    if coming.codes and not (yes or coming.former or coming.follows):
        had = counted(coming.codes, "resident")
        click.confirm(f"Take PINs and cards from {had} of this gate?", abort=True, err=True)
    coming.pair(typed, port)
    if coming.follows and not coming.same_compound:
        _tell_what_is_dropped(coming, asks=not yes)
    if coming.has_people or coming.former:
        click.echo("The centre's register is looked at; nothing is changed here yet.", err=True)
    with coming.compared():
        if coming.former:
            # It was the register's own word, but for who agreed to one gate alone.
            both, others = both or "another", others or "bring"
        asks = not (yes or as_json)
        everywhere, back = _of_erased(coming.erased, erased, asks=asks)
        decided = replace(_decided(coming.people, both, others, asks=asks), erased=everywhere, back=back)
        done = coming.follow(decided)
    _tell(
        coming.gate_id,
        coming.address,
        coming.people,
        decided,
        done | {"second": coming.second, "broker": coming.broker},
        as_json=as_json,
    )


def _tell_what_is_dropped(coming: Following, *, asks: bool) -> None:
    """This gate followed the centre of another compound: that hears no more from it."""
    lost = [f"{counted(coming.codes, 'resident')} of this gate lose PIN and card" if coming.codes else ""]
    if coming.waiting:
        lost.append(f"{counted(coming.waiting, 'change')} made here and still to be sent there are not sent")
    if coming.revoked:
        lost.append(
            f"{counted(coming.revoked, 'revocation')} made here and still to be sent there are not heard there:"
            " revoke them there too"
        )
    said = "; ".join(one for one in lost if one)
    click.echo(f"This gate followed the centre of another compound.{said and f' {said}.'}", err=True)
    if asks and said:
        click.confirm("Follow this one?", abort=True, err=True)


def _decided(people: Sequence[dict[str, Any]], both: str | None, others: str | None, *, asks: bool) -> Decided:
    """What becomes of each, as it was said or is asked for now."""
    said = {one["id"]: both or ("here" if not asks else _asked(one)) for one in people if one["there"] is not None}
    rest = [one["id"] for one in people if one["there"] is None]
    if rest and others is None and asks:
        how = click.Choice([*_OTHERS])
        told = "".join(f"\n  {choice}: {words}" for choice, words in _OTHERS.items())
        click.echo(f"{counted(len(rest), 'resident')} of this gate were not found at the centre.{told}", err=True)
        others = click.prompt("All of them", type=how, err=True)
    same = tuple((one["id"], one["there"]["id"]) for one in people if said.get(one["id"]) == "same")
    brought = [one["id"] for one in people if said.get(one["id"]) == "another"]
    return Decided(same, (*brought, *(rest if others == "bring" else ())))


def _of_erased(
    people: Sequence[dict[str, Any]], said: str | None, *, asks: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """Who is erased everywhere, and who comes back, of those who were erased here while the centre did not hear of it,
    by their ids. Raises Refusal where nobody says."""
    ids = tuple(one["id"] for one in people)
    if not ids:
        return (), ()
    names = ", ".join(_who(one) for one in people[:_NAMED]) + (", ..." if len(people) > _NAMED else "")
    who = f"{counted(len(ids), 'resident')} of the centre's register were erased at this gate: {names}."
    if said is None and not asks:
        raise Refusal(
            f"{who} Nothing is changed here. Say with another code what becomes of them: --erased everywhere, or"
            " --erased back."
        )
    if said is None:
        told = "".join(f"\n  {choice}: {words}" for choice, words in _ERASED.items())
        click.echo(f"{who}{told}", err=True)
        said = click.prompt("All of them", type=click.Choice([*_ERASED]), err=True)
    return (ids, ()) if said == "everywhere" else ((), ids)


def _asked(one: dict[str, Any]) -> str:
    there = one["there"]
    told = "".join(f"\n  {choice}: {words}" for choice, words in _CHOICES.items())
    click.echo(
        f"{_who(one)}: at the centre there is {_who(there)} (found by {' and '.join(there['by'])}).{told}", err=True
    )
    return str(click.prompt("They are", type=click.Choice([*_CHOICES]), err=True))


def _who(one: dict[str, Any]) -> str:
    return f"{one['name']}, {one['unit']}" if one["unit"] else str(one["name"])


def _look_for_its_program() -> None:
    from centre.broker_service import program

    try:
        program()
    except UsageError as error:
        click.echo(str(error), err=True)


def _tell(
    gate: str, address: str, people: Sequence[dict[str, Any]], decided: Decided, done: dict[str, Any], *, as_json: bool
) -> None:
    stay = len(people) - len(decided.same) - len(decided.brought)
    if as_json:
        counts = {"people": done["people"], "same": len(decided.same), "brought": len(decided.brought), "here": stay}
        told = {
            "gate": gate,
            "centre": address,
            "second": done["second"],
            "broker": done["broker"],
            "found": people,
            "merged": done["merged"],
        }
        print_json(told | counts)
        return
    for one in done["merged"]:
        lost = f"; {counted(one['dropped'], 'photo')} of here are not kept" if one["dropped"] else ""
        click.echo(f"{one['name']} is one with whom the centre names{lost}.")
    if decided.brought:
        click.echo(f"{counted(len(decided.brought), 'resident')} are proposed to the centre; the pages say who waits.")
    if stay:
        click.echo(
            f"{counted(stay, 'resident')} stay at this gate alone. A face that two residents have opens for neither."
        )
    if done["second"] is not None:
        click.echo(
            f"It is the second centre, reached at {done['second']}. Set enabled = true in the section [centre] of its"
            " settings now; where the first is lost: sudo facegate centre promote"
        )
    if done["broker"] is not None:
        click.echo(
            f"This machine is to have a broker, reached at {done['broker']}. Once two gates have one, they and that of"
            " the centre are one cluster; what is wrong with it says there: facegate centre gates"
        )
        _look_for_its_program()
    click.echo(f"This gate follows {address}. Restart it: sudo systemctl restart facegate.target")
