"""The people of the compound, their consents, and what is known of their templates."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.actors import Registrar
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, once
from api.problems import RESPONSES, HttpProblem
from api.v1.paging import part_of
from api.ways_in import ways_of
from enroll.application import add_without_face
from gate.names import clean_home, clean_name
from gate.store.database import transaction
from gate.store.people import changes, consents, corrections, credentials, erasure, finding, residents, templates
from gate.store.people.erasure import Receipt
from gate.store.people.residents import Resident as Stored
from gate.vocabulary import Method

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["residents"], responses=RESPONSES)


Identity = Annotated[str, Field(max_length=64)]
"""An id as a client sends it. Whatever is bounded is read as text first: half a character is none (422)."""
_Sought = Annotated[str | None, Query(max_length=400)]


class Outdated(HttpProblem):
    """Somebody else changed a resident in the meantime."""

    tells = "a resident"


class Resident(BaseModel):
    """Someone who lives here. A face is optional: `templates` may be 0."""

    id: str
    name: str
    unit: str | None
    group: str | None
    hours: str | None
    schedule: str | None = Field(None, description="Their own schedule; null: they have their group's, or none.")
    area: str | None = Field(None, description="Their own area; null: they have their group's, or none.")
    gates: list[str] | None = Field(None, description="The ids of the gates at which they are let in; null: at all.")
    extended: bool
    valid_from: str | None = Field(description="Their first day, YYYY-MM-DD.")
    valid_until: str | None = Field(description="Their last one; the gate does not know them afterwards.")
    over: bool = Field(description="Whether that last one is before today: of one just set, most likely a slip.")
    templates: int
    ways_in: list[Method] = Field(description="By what they may come now; a card that is reported lost is none.")
    created_at: str


class Residents(BaseModel):
    """A page of people; `next` names the following one."""

    items: list[Resident]
    next: str | None


class NewResident(BaseModel):
    """Someone to add without a face."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=400)
    unit: str | None = Field(None, max_length=400)
    area: str | None = Field(None, max_length=60)


class Change(BaseModel):
    """What to change; what is absent stays. An empty text takes away."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(None, max_length=400)
    unit: str | None = Field(None, max_length=400)
    group: str | None = Field(None, max_length=60)
    schedule: str | None = Field(None, max_length=60)
    extended: bool | None = None
    valid_from: str | None = Field(None, max_length=10)
    valid_until: str | None = Field(None, max_length=10)
    area: str | None = Field(None, max_length=60)


class Template(BaseModel):
    """What is known of a template, never its numbers."""

    id: str
    model: str
    source: str
    quality: dict[str, float]
    created_at: str
    learned_from: str | None = Field(description="The claim whose passage it was learned from; null: it was enrolled.")
    damaged: bool = Field(description="Whether the gate passes it over, since its numbers are none any more.")


class Consent(BaseModel):
    """A consent as it was given."""

    id: str
    text: str
    language: str
    way: str
    guardian: str | None
    recorded_by: str
    given_at: str
    withdrawn_at: str | None


class Correction(BaseModel):
    """An opening in their name that was somebody else: its line in the record, and when that was said."""

    event: str
    at: str


class Erasure(BaseModel):
    """A receipt: what was erased, and the line of the record that says so."""

    id: str
    at: str
    templates: int
    personal_fields: int


@router.get("/residents")
def list_residents(
    connection: Store, context: Shared, actor: Registrar, search: Annotated[str, Query(max_length=400)] = "",
    unit: _Sought = None, group: _Sought = None, after: _Sought = None, count: int = 100,
) -> Residents:  # fmt: skip
    """People by name; `after` is the `next` of the page before. 409 where whoever that was is gone."""
    part, more = part_of(finding.search(connection, search, unit, group), after, min(count, 500))
    record_look(connection, actor, "residents")
    others = credentials.having(connection)
    told = [shown(one, context.today, others.get(one.id, ())) for one in part]
    return Residents(items=told, next=more)


@router.post("/residents", status_code=201)
def add_resident(
    new: NewResident, connection: Store, context: Shared, actor: Registrar, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Resident:  # fmt: skip
    """Add someone without a face: they use other ways in."""

    def add() -> str:
        return add_without_face(connection, new.name, new.unit, new.area, by=actor.label).id

    # As it was before there were areas, where none is named.
    asked = (b"resident", new.model_dump_json(exclude=None if new.area else {"area"}).encode())
    added = found_resident(connection, once(connection, actor, idempotency_key, asked, add))
    response.headers["Location"] = f"/api/v1/residents/{added.id}"
    response.headers["ETag"] = etag(added)
    return shown_with_ways(connection, added, context.today)


@router.get("/residents/{resident}")
def show_resident(resident: str, connection: Store, context: Shared, actor: Registrar, response: Response) -> Resident:
    """One resident."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "a resident")
    response.headers["ETag"] = etag(found)
    return shown_with_ways(connection, found, context.today)


@router.patch("/residents/{resident}")
def change_resident(
    resident: str, change: Change, connection: Store, context: Shared, actor: Registrar, response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> Resident:  # fmt: skip
    """Change how they are let in. With If-Match nothing is done when somebody else was quicker."""
    with transaction(connection):
        found = found_resident(connection, resident)
        refuse_outdated(found, if_match)
        unit = clean_home(change.unit, found.unit) if change.unit else change.unit
        name = clean_name(change.name) if change.name is not None else None
        wanted = changes.Changes(**change.model_dump() | {"name": name, "unit": unit})
        changed = changes.change(connection, found, wanted, by=actor.label)
    if changed == found:
        record_look(connection, actor, "a resident")
    response.headers["ETag"] = etag(changed)
    return shown_with_ways(connection, changed, context.today)


@router.delete("/residents/{resident}")
def erase_resident(resident: str, connection: Store, context: Shared, actor: Registrar) -> Erasure:
    """Erase them: templates, and their name in the record. Answers with the receipt."""
    receipt = erasure.remove(connection, found_resident(connection, resident), by=actor.label)
    context.forget({resident})
    return receipt_of(receipt)


@router.post("/residents/{resident}/withdrawal")
def withdraw_consent(resident: str, connection: Store, context: Shared, actor: Registrar) -> Erasure:
    """Their consent ends: templates are erased, they live here as before. Answers with the receipt."""
    receipt = erasure.withdraw(connection, found_resident(connection, resident), by=actor.label)
    context.forget({resident})
    return receipt_of(receipt)


@router.get("/residents/{resident}/templates")
def list_templates(resident: str, connection: Store, actor: Registrar) -> list[Template]:
    """What their face was enrolled from, never the numbers."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "templates")
    return [Template(**asdict(one)) for one in templates.of(connection, found.id)]


@router.delete("/residents/{resident}/templates/{template}", status_code=204)
def erase_template(resident: str, template: str, connection: Store, actor: Registrar) -> None:
    """Erase one template: a poor photo's, or one learned from a passage."""
    erasure.remove_template(connection, found_resident(connection, resident), template, by=actor.label)


@router.get("/residents/{resident}/consents")
def list_consents(resident: str, connection: Store, actor: Registrar) -> list[Consent]:
    """What they agreed to, the oldest first."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "consents")
    return [
        Consent(
            id=one.id, text=one.consent.text, language=one.consent.language, way=one.consent.way,
            guardian=one.consent.guardian, recorded_by=one.consent.recorded_by, given_at=one.given_at,
            withdrawn_at=one.withdrawn_at,
        )
        for one in consents.of(connection, found.id)
    ]  # fmt: skip


@router.post("/residents/{resident}/corrections/{event}", status_code=201)
def correct_opening(resident: str, event: str, connection: Store, actor: Registrar) -> Correction:
    """That opening was somebody else: from then on a face must be surer to be taken for this resident."""
    made = corrections.correct(connection, found_resident(connection, resident), event, by=actor.label)
    return Correction(event=made.event, at=made.at)


@router.delete("/residents/{resident}/corrections/{event}", status_code=204)
def take_correction_back(resident: str, event: str, connection: Store, actor: Registrar) -> None:
    """It was them after all."""
    corrections.take_back(connection, found_resident(connection, resident), event, by=actor.label)


def found_resident(connection: Store, identity: str) -> Stored:
    """One resident by id, or 404."""
    found = residents.get(connection, identity)
    if found is None:
        raise HttpProblem(404, "There is no such resident.")
    return found


def etag(resident: Stored) -> str:
    """Changes with every change of a resident."""
    return f'"{hashlib.sha256(repr(resident).encode()).hexdigest()[:32]}"'


def refuse_outdated(resident: Stored, if_match: str | None) -> None:
    """Raises 412 where somebody else changed them since."""
    if if_match is not None and if_match.strip() not in ("*", etag(resident)):
        raise Outdated(
            412, "{name} was changed by someone else in the meantime; look again before you change.", name=resident.name
        )


def shown_with_ways(connection: Store, one: Stored, today: date) -> Resident:
    """A resident as a client reads them on a day at the gate."""
    return shown(one, today, credentials.methods_of(connection, one.id))


def shown(one: Stored, today: date, others: Collection[Method]) -> Resident:
    """The same, where it is known what they have beside their face."""
    return Resident(
        id=one.id, name=one.name, unit=one.unit, group=one.group, hours=one.windows, schedule=one.schedule,
        area=one.area, gates=None if one.gates is None else list(one.gates),
        extended=one.extended, valid_from=one.valid_from, valid_until=one.valid_until,
        over=changes.is_over(one.valid_until, today), templates=one.templates,
        ways_in=ways_of(one, others), created_at=one.created_at,
    )  # fmt: skip


def receipt_of(receipt: Receipt) -> Erasure:
    """A receipt as a client reads it."""
    return Erasure(id=receipt.id, at=receipt.at, templates=receipt.templates, personal_fields=receipt.personal_fields)
