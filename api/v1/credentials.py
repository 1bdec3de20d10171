"""PINs, rolling codes and cards of residents. What opens the gate is told once, when it is drawn, and never again."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api import ways_in
from api.actors import Registrar
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES, HttpProblem
from api.v1.residents import found_resident
from enroll import codes
from gate.store.people import credentials
from gate.vocabulary import Method

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["ways in"], responses=RESPONSES)


class Credential(BaseModel):
    """A PIN, a rolling code or a card that somebody has, without its digits or its number. Times are ISO 8601, UTC."""

    id: str
    kind: Method
    label: str | None = Field(description="What a card is called; null for others.")
    flat: str | None = Field(
        description="The digits of their home, typed before a PIN or a rolling code; null: it is typed alone."
    )
    made_at: str
    suspended_at: str | None = Field(description="Since when a card is reported lost, and opens nothing.")


class Pin(BaseModel):
    """A PIN that was drawn just now, in the place of the one before. It is told this once and kept nowhere: hand it to
    whoever it is for."""

    flat: str | None = Field(description="The digits of their home, typed first; null: the PIN is typed alone.")
    pin: str
    duress: str = Field(description="Typed by somebody who is forced to: the gate opens as ever, and `duress` is told.")
    typed: str = Field(description="All the keys in their order.")


class DuressTrial(BaseModel):
    """That their PIN under duress is tried out, and no alarm meanwhile."""

    until: datetime


class RollingCode(BaseModel):
    """What was drawn just now for one phone, in the place of the one before. It is told this once and kept nowhere."""

    flat: str = Field(description="The digits of their home, typed before the six that the phone shows.")
    key: str = Field(description="For an authenticator into which it is typed: base32.")
    address: str = Field(description="For an authenticator that scans it as a QR code: otpauth://.")
    fragment: str = Field(description="What stands behind the # of the page /code, which draws it as a picture.")


class NewCard(BaseModel):
    """A card by its number, or by the `id` of one that was just shown."""

    model_config = ConfigDict(extra="forbid")
    number: str | None = Field(None, max_length=100, description="As it is printed, or as a reader types it.")
    shown: str | None = Field(None, max_length=64, description="The `id` out of /api/v1/cards/unknown.")
    label: str | None = Field(None, max_length=200, description="What it is called, such as: blue fob.")


class UnknownCard(BaseModel):
    """A card that was shown in the last minute and is nobody's. Its `id` is good for adding it, no more."""

    id: str
    reader: str
    ending: str = Field(description="The last signs of its number, so that whoever holds it knows it for theirs.")
    seconds_ago: float


@router.get("/residents/{resident}/credentials")
def list_credentials(resident: str, connection: Store, actor: Registrar) -> list[Credential]:
    """What they have beside their face: the PIN, the rolling code, then cards in the order in which they came."""
    person = found_resident(connection, resident)
    record_look(connection, actor, "ways in")
    return [_shown(one) for one in credentials.of_resident(connection, person.id)]


@router.post("/residents/{resident}/pin", status_code=201)
def draw_pin(resident: str, connection: Store, context: Shared, actor: Registrar) -> Pin:
    """Draw a PIN. The one they had opens nothing any more. Asked twice it draws twice, and the last one counts."""
    drawn = ways_in.draw_pin(context, connection, found_resident(connection, resident), by=actor.label)
    return Pin(flat=drawn.flat, pin=drawn.pin, duress=drawn.duress, typed=drawn.typed)


@router.delete("/residents/{resident}/pin", status_code=204)
def remove_pin(resident: str, connection: Store, actor: Registrar) -> None:
    """Their PIN opens nothing any more."""
    if not credentials.remove_pin(connection, found_resident(connection, resident), by=actor.label):
        raise HttpProblem(404, "They have no PIN.")


@router.post("/residents/{resident}/pin/duress-trial", status_code=201)
def begin_trial(resident: str, connection: Store, actor: Registrar) -> DuressTrial:
    """For ten minutes their PIN under duress is tried out: the record has `duress_tried` and no alarm."""
    person = found_resident(connection, resident)
    return DuressTrial(until=credentials.begin_trial(connection, person, datetime.now(UTC), by=actor.label))


@router.post("/residents/{resident}/rolling-code", status_code=201)
def draw_rolling(resident: str, connection: Store, context: Shared, actor: Registrar) -> RollingCode:
    """Set up a phone with an authenticator (RFC 6238). The one they had opens nothing any more."""
    person = found_resident(connection, resident)
    drawn = ways_in.draw_rolling(context, connection, person, by=actor.label)
    address = drawn.address(context.gate, person.name)
    return RollingCode(flat=drawn.flat, key=drawn.key, address=address, fragment=drawn.fragment)


@router.delete("/residents/{resident}/rolling-code", status_code=204)
def remove_rolling(resident: str, connection: Store, actor: Registrar) -> None:
    """Their phone opens nothing any more."""
    if not credentials.remove_rolling(connection, found_resident(connection, resident), by=actor.label):
        raise HttpProblem(404, "They have no code on a phone.")


@router.get("/cards/unknown")
def list_unknown_cards(context: Shared, _actor: Registrar) -> list[UnknownCard]:
    """The cards that were shown in the last minute and are nobody's, the latest first."""
    return [
        UnknownCard(id=one.id, reader=one.reader, ending=one.ending, seconds_ago=round(one.seconds_ago, 1))
        for one in ways_in.shown_cards(context)
    ]


@router.post("/residents/{resident}/cards", status_code=201)
def add_card(
    resident: str, new: NewCard, connection: Store, context: Shared, actor: Registrar, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Credential:  # fmt: skip
    """Give them a card or a fob, by its number or as it was just shown to a reader."""
    person = found_resident(connection, resident)
    if (new.number is None) == (new.shown is None):
        raise HttpProblem(422, "Say which card, by its number or by the id of one that was just shown.")
    finder = None if new.number is None else ways_in.finder_of(context, new.number)

    def add() -> str:
        if finder is not None:
            return codes.card_as_found(connection, person, finder, new.label, by=actor.label)
        return ways_in.add_shown(context, connection, person, new.shown or "", new.label, by=actor.label)

    asked = (b"card", resident.encode(), new.model_dump_json(exclude={"number"}).encode(), finder or b"")
    card = answered_once(connection, actor, idempotency_key, asked, add)
    response.headers["Location"] = f"/api/v1/residents/{person.id}/credentials"
    return _card(connection, person.id, card)


@router.post("/residents/{resident}/cards/{card}/suspend")
def suspend_card(resident: str, card: str, connection: Store, actor: Registrar) -> Credential:
    """A card is lost: it opens nothing until it is found again."""
    person = found_resident(connection, resident)
    credentials.suspend_card(connection, person, card, by=actor.label)
    return _card(connection, person.id, card)


@router.post("/residents/{resident}/cards/{card}/resume")
def resume_card(resident: str, card: str, connection: Store, actor: Registrar) -> Credential:
    """A card was found again, and opens as before."""
    person = found_resident(connection, resident)
    credentials.resume_card(connection, person, card, by=actor.label)
    return _card(connection, person.id, card)


@router.delete("/residents/{resident}/cards/{card}", status_code=204)
def remove_card(resident: str, card: str, connection: Store, actor: Registrar) -> None:
    """A card is nobody's any more."""
    credentials.remove_card(connection, found_resident(connection, resident), card, by=actor.label)


def _card(connection: Store, resident: str, card: str) -> Credential:
    found = next((one for one in credentials.of_resident(connection, resident) if one.id == card), None)
    if found is None:
        raise HttpProblem(404, credentials.NO_CARD)
    return _shown(found)


def _shown(one: credentials.Credential) -> Credential:
    return Credential(
        id=one.id, kind=one.method, label=one.label, flat=one.flat, made_at=one.made_at, suspended_at=one.suspended_at
    )
