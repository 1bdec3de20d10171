"""An invitation, drawn: what `facegate centre invite` does, and the console's errand of that name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commands.common import Home
from commands.drop_root import as_owner, owner_of
from gate.errors import Refusal, Sentence, UsageError
from gate.processes.fields import read, written
from gate.store.compound import gates, role, succession
from gate.store.compound.gates import Gate
from gate.store.compound.role import Part
from gate.store.people import credentials
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

KEYS_LOST = Sentence(
    "This centre lost its keys, and leads nobody: bring back the file secrets.json of its folder centre, from what was"
    " kept of this machine or from the second centre's; or begin with new ones: sudo facegate centre new-keys"
)
"""What is told of a centre whose gates know it by keys that are gone."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An invitation, as it is told to whoever carries it to the gate."""

    code: str = field(repr=False)
    """As it is read out."""
    ends_at: float
    """Seconds since 1970."""


def draw_invitation(gate: Home, second_at: str | None = None, broker_at: str | None = None) -> Drawn:
    """Draw the code with which one gate may join, in the place of the one before; `second_at` is where whoever uses it
    is reached as a second centre, `broker_at` where the broker is that its machine is to have. Raises UsageError,
    Refusal."""
    from centre.cluster import is_whole
    from centre.invitation import invite, write_invitation
    from centre.secrets import HandedOver, centre_folder, hand_over, hand_over_broker, has_secrets
    from gate.fleet import pairing

    # As root: the doors' key is the door's own, and no process that is reached over the network is given it.
    by, code, directory = gate.by, pairing.draw_code(), gate.state

    def checked() -> dict[str, Any]:
        with gate.store() as connection:
            if role.part(connection) is Part.GATE:
                succession.refuse_who_does_not_lead(connection)
            if role.part(connection) is not Part.CENTRE:
                raise UsageError("This is no centre yet. Start it: facegate centre run, or set centre.enabled.")
            if succession.superseded(connection) is not None:
                raise Refusal("Another centre leads in the place of this one. Invite there.")
            other = succession.second(connection)
            if second_at is not None and other is not None:
                raise Refusal(
                    "{name} is the second centre already. Take it away first: facegate centre remove {id}",
                    name=other.name,
                    id=other.id,
                )
            brokers = gates.with_brokers(gates.every(connection))
            there = next((one for one in brokers if broker_at is not None and _is_there(one, broker_at)), None)
            if there is not None:
                raise Refusal(
                    "The broker of {name} is reached at {place} already. Name the address of the other machine; to"
                    " invite {name} itself anew, take it away first: facegate centre remove {id}",
                    name=there.name, place=str(there.broker_at), id=there.id,
                )  # fmt: skip
            if broker_at is not None and is_whole(brokers):
                raise Refusal(
                    "{names} have brokers already, and with the centre's own there are three. Take one away first:"
                    " facegate centre remove GATE",
                    names=" and ".join(one.name for one in brokers),
                )
            codes = credentials.are_there(connection)
            followed = bool(gates.every(connection))
            audit.append(connection, AuditEvent(Kind.GATE_INVITED, {"by": by}))
        return {"codes": codes, "followed": followed}

    checks = as_owner(owner_of(directory), checked)
    codes, keeper = checks["codes"], owner_of(directory, centre_folder(directory).name)
    if checks["followed"] and not as_owner(keeper, lambda: {"has": has_secrets(directory)})["has"]:
        raise Refusal(KEYS_LOST)
    key = as_owner(owner_of(directory, "door"), lambda: {"key": _door_key(directory, codes=codes).hex()})["key"]
    given = None
    if second_at is not None:
        given = read(HandedOver, as_owner(keeper, lambda: written(hand_over(directory, second_at))))
    elif broker_at is not None:
        given = read(HandedOver, as_owner(keeper, lambda: written(hand_over_broker(directory, broker_at))))
    made = invite(code, os.urandom(pairing.SALT_BYTES), bytes.fromhex(key), time.time(), given)

    def kept() -> dict[str, Any]:
        write_invitation(directory, made)
        return {}

    as_owner(keeper, kept)
    return Drawn(pairing.shown(code), made.ends_at)


def _is_there(gate: Gate, place: str) -> bool:
    from gate.fleet.joined import place_of

    return place_of(str(gate.broker_at)).address == place_of(place).address


def _door_key(state: Path, *, codes: bool) -> bytes:
    from gate.door.code_key import key_file, shared_key

    if codes and not key_file(state).exists():
        raise UsageError(
            "The door's key for PINs and cards, {file}, is missing. Bring it back first, or begin anew:"
            " sudo facegate readers new-key",
            file=key_file(state),
        )
    try:
        return shared_key(state)
    except OSError as error:
        raise UsageError(
            "{file} cannot be read ({why}). Say it with sudo.", file=key_file(state), why=error.strerror
        ) from error
