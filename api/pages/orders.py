"""What the buttons of the door do, on whatever page they stand: an order never leads away from the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from api.actors import Doorkeeper
from api.auth import Actor
from api.context import Context, Shared
from api.early_refusal import EarlyRefusal
from api.pages.page import gate_clock, language_of
from api.pages.told_once import then
from api.problems import HttpProblem
from api.telling import Done
from api.v1.door import Given, Order, tell_door
from api.wording import ORDER_REASONS, SILENT
from gate.errors import Sentence
from gate.processes.client import LinkDown
from gate.vocabulary import Reason

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

# Where such buttons stand.
_PAGES = ("/", "/guard", "/door")
_PULSES = ("pulse", "extended_pulse", "egress")


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of an order. `modes` are those of the door that it speaks of: it is over with them."""

    words: Sentence
    good: bool
    modes: tuple[str, ...] = ()


# An order that is done is told by another word than a refusal: there is an order and a reason called lockdown.
_TOLD: dict[str, _Told] = {
    "done-open": _Told(Sentence("The gate opens."), True, _PULSES),
    "done-lockdown": _Told(Sentence("The gate is locked down."), True, ("lockdown",)),
    "done-hold": _Told(Sentence("The gate is held open."), True, ("manual_hold",)),
    "done-release": _Told(Sentence("It is ended. The gate works as usual."), True, ("normal",)),
    Reason.BUSY: _Told(Sentence("The gate is opening already, a moment."), True, _PULSES),
    Reason.GATE_MOVES: _Told(Sentence("The gate is moving. Press again when it has come to rest."), True),
    Reason.LOCKDOWN: _Told(
        Sentence("The gate stays shut: there is a lockdown. End it first."), False, ("lockdown",)
    ),
    Reason.TAMPER: _Told(
        Sentence("The gate stays shut: it is blocked after tampering. End the block first."), False, ("tamper_block",)
    ),
    Reason.NO_HOLD_RELAY: _Told(Sentence("This gate cannot be held open: no relay is wired for it."), False),
    **{f"silent-{order}": _Told(words, False) for order, words in SILENT.items()},
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
    told = _told(_outcome(context, order, actor, given))
    if "application/json" in request.headers.get("accept", ""):
        said = {"said": language_of(request)(told.words), "good": told.good, "modes": told.modes}
        return JSONResponse(said, headers=gate_clock())
    done = Done(notice=told.words) if told.good else Done(problem=told.words)
    return then(request, to if to in _PAGES else "/", done)


def _outcome(context: Context, order: Order, actor: Actor, given: Given) -> str:
    """What came of it, as a word: that it was done, the door's reason, or that the door is silent."""
    try:
        tell_door(context, order, actor, given)
    except LinkDown:
        return f"silent-{order}"
    except HttpProblem as error:
        # What came to the door too late was told as unanswered already.
        return f"silent-{order}" if error.reason == Reason.STALE else error.reason or Reason.FAULT
    return f"done-{order}"


def _told(outcome: str) -> _Told:
    """The words for it; a gate that opens just now is well."""
    return _TOLD.get(outcome) or _Told(Sentence("The gate did not do it: {why}.", why=ORDER_REASONS[outcome]), False)
