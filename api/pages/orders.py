"""What the buttons of the door do, on whatever page they stand: an order never leads away from the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from api.actors import Doorkeeper
from api.auth import Actor
from api.context import Context, Shared, door_status
from api.early_refusal import EarlyRefusal
from api.pages.page import gate_clock, language_of
from api.pages.told_once import then
from api.problems import HttpProblem
from api.telling import Done
from api.v1.door import Given, Order, tell_door
from api.wording import MODES, ORDER_REASONS, SILENT
from gate.errors import Sentence
from gate.processes.client import LinkDown
from gate.vocabulary import Reason

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

# Where such buttons stand.
_PAGES = ("/", "/guard", "/door")
_PULSES = ("pulse", "extended_pulse", "egress")
_FIRES = ("fire", "fire_pause")
_OPEN = ("manual_hold", "free_access", *_FIRES)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an order. `modes` are those of the door in which it is true: it is over with them."""

    words: Sentence
    good: bool
    modes: tuple[str, ...] = ()


# What was done says nothing of what else the gate is: that stands beside it.
_DONE: dict[Order, Told] = {
    "open": Told(Sentence("The gate opens."), True, _PULSES),
    "lockdown": Told(Sentence("The gate is locked down."), True, ("lockdown",)),
    "hold": Told(Sentence("The gate is held open."), True, ("manual_hold", *_PULSES)),
    "close": Told(Sentence("Holding open is ended."), True, tuple(one for one in MODES if one != "manual_hold")),
    "release": Told(Sentence("It is ended."), True, ("normal", "free_access", *_PULSES, *_FIRES)),
}
# What it comes to where the door does something else first.
_LATER: dict[tuple[Order, str], Told] = {
    **{("open", mode): Told(Sentence("The gate stands open already."), True, _OPEN) for mode in _OPEN},
    **{
        ("lockdown", mode): Told(
            Sentence("It is a fire: the gate stays open. It is locked down when the fire is over."), True, _FIRES
        )
        for mode in _FIRES
    },
    **{
        ("hold", mode): Told(
            Sentence(
                "It is a fire: the gate stays open. It is held open when the fire is over, unless there is a lockdown"
                " or a tamper block then."
            ), True, _FIRES,
        )
        for mode in _FIRES
    },
    ("lockdown", "egress"): Told(
        Sentence("Somebody is leaving by the exit button. The gate is locked down after that."), True, ("egress",)
    ),
}  # fmt: skip
_REFUSED: dict[str, Told] = {
    Reason.BUSY: Told(Sentence("The gate is opening already, a moment."), True, _PULSES),
    Reason.GATE_MOVES: Told(Sentence("The gate is moving. Press again when it has come to rest."), True),
    Reason.INTERLOCKED: Told(
        Sentence("The gate stays shut: the other door is open. Press again when it is shut."), False
    ),
    Reason.LOCKDOWN: Told(
        Sentence("The gate stays shut: there is a lockdown. End it first."), False, ("lockdown",)
    ),
    Reason.TAMPER: Told(
        Sentence("The gate stays shut: it is blocked after tampering. End the block first."), False, ("tamper_block",)
    ),
    Reason.NO_HOLD_RELAY: Told(Sentence("This gate cannot be held open: no relay is wired for it."), False),
}  # fmt: skip
# Also while somebody leaves: the gate is open then, and barred again after it.
_NOT_HELD: dict[str, Told] = {
    Reason.LOCKDOWN: Told(
        Sentence("The gate is not held open: there is a lockdown. End it first."), False, ("lockdown", "egress")
    ),
    Reason.TAMPER: Told(
        Sentence("The gate is not held open: it is blocked after tampering. End the block first."), False,
        ("tamper_block", "egress"),
    ),
}  # fmt: skip


@router.post("/door/{order}")
def order_door(
    request: Request,
    order: Order,
    context: Shared,
    actor: Doorkeeper,
    to: Annotated[str, Form(max_length=20)] = "/",
    given: Annotated[Given, Form()] = None,
) -> Response:
    """What the buttons do. A page that asks for JSON is told {"said", "good", "modes"}; another is shown again with
    it."""
    told = given_to_door(context, order, actor, given)
    if "application/json" in request.headers.get("accept", ""):
        said = {"said": language_of(request)(told.words), "good": told.good, "modes": told.modes}
        return JSONResponse(said, headers=gate_clock())
    done = Done(notice=told.words) if told.good else Done(problem=told.words)
    return then(request, to if to in _PAGES else "/", done)


def given_to_door(context: Context, order: Order, actor: Actor, given: Given = None) -> Told:
    """Give the door an order, and say what came of it: that it was done, or why not, or that the door is silent."""
    try:
        tell_door(context, order, actor, given)
    except LinkDown:
        return Told(SILENT[order], False)
    except HttpProblem as error:
        return _refused(order, error.reason or Reason.FAULT)
    door = door_status(context)
    return _LATER.get((order, door.mode if door else ""), _DONE[order])


def _refused(order: Order, reason: str) -> Told:
    """Why it was not done; a gate that opens just now is well."""
    if reason == Reason.STALE:
        # What came to the door too late was told as unanswered already.
        return Told(SILENT[order], False)
    known = _REFUSED | _NOT_HELD if order == "hold" else _REFUSED
    return known.get(reason) or Told(Sentence("The gate did not do it: {why}.", why=ORDER_REASONS[reason]), False)
