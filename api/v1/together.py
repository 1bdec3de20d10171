"""What is done to many residents at once: to all of them or to nobody."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.actors import Registrar
from api.context import Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES
from api.v1.residents import Erasure, Identity, found_resident, receipt_of
from gate.store.people import together
from gate.store.people.together import Count, Deed, is_last_day_over

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["residents"], responses=RESPONSES)

MOST = 1000


class Together(BaseModel):
    """What is to be done to whom. Of more than ten nobody is erased without their `count`, nor gets a last day that is
    over already; one that is given must be true."""

    model_config = ConfigDict(extra="forbid")
    deed: Deed = Field(
        description="group, hours or last_day, which a `value` goes with; withdraw or moved_out, which erase."
    )
    residents: list[Identity] = Field(min_length=1, max_length=MOST, description="Their ids.")
    value: str = Field("", max_length=60, description="The group, the schedule or the day; empty takes theirs away.")
    count: int | None = Field(None, description="How many it is done to, as far as whoever asks knows.")


class Done(BaseModel):
    """To how many it was done, and the receipt for all where something was erased."""

    people: int
    receipt: Erasure | None
    over: bool = Field(False, description="Whether the last day is over already: most likely a slip.")


@router.post("/residents/together")
def do_together(
    asked: Together, connection: Store, context: Shared, actor: Registrar, idempotency_key: IdempotencyKey = None
) -> Done:
    """Do one thing to many: to all of them or to nobody. A consent is withdrawn of those of them who agreed.

    It is done for one asker at a time: 503 where several wait already.
    """

    def done() -> str:
        count = Count("count", None if asked.count is None else str(asked.count))
        with context.together.taken():
            chosen = [found_resident(connection, one) for one in dict.fromkeys(asked.residents)]
            people = together.meant(connection, asked.deed, chosen)
            receipt = together.do(
                connection, asked.deed, asked.value, people, count, by=actor.label, today=context.today
            )
        if receipt is not None:
            context.forget({one.id for one in people})
        over = is_last_day_over(asked.deed, asked.value, context.today)
        return Done(people=len(people), receipt=receipt and receipt_of(receipt), over=over).model_dump_json()

    # The answer names nobody: it may be told again.
    bound = (b"together", asked.model_dump_json().encode())
    return Done.model_validate_json(answered_once(connection, actor, idempotency_key, bound, done))
