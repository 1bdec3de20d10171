"""What the buttons of the door do, on whatever page they stand: an order never leads away from the page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.actors import Doorkeeper
from api.auth import Actor
from api.context import Context, Shared
from api.early_refusal import EarlyRefusal
from api.pages.page import language_of
from api.problems import HttpProblem
from api.v1.door import Order, tell_door
from api.wording import REASONS
from gate.errors import Sentence
from gate.processes.client import LinkDown
from gate.vocabulary import Reason

router = APIRouter(route_class=EarlyRefusal)

# Where such buttons stand.
_PAGES = ("/", "/guard", "/door")
_SILENT = "silent"
# An order that is done is told by another word than a refusal: there is an order and a reason called lockdown.
_DONE: dict[str, Sentence] = {
    "done-open": Sentence("The gate opens."),
    "done-lockdown": Sentence("The gate is locked down."),
    "done-hold": Sentence("The gate is held open."),
    "done-release": Sentence("It is ended. The gate works as usual."),
}
_NOT_NOW: dict[str, Sentence] = {
    Reason.BUSY: Sentence("The gate is opening already, a moment."),
    Reason.GATE_MOVES: Sentence("The gate is moving. Press again when it has come to rest."),
}
_REFUSED: dict[str, Sentence] = {
    Reason.LOCKDOWN: Sentence("The gate stays shut: there is a lockdown. End it first."),
    Reason.TAMPER: Sentence("The gate stays shut: it is blocked after tampering. End the block first."),
    Reason.NO_HOLD_RELAY: Sentence("This gate cannot be held open: no relay is wired for it."),
    _SILENT: Sentence("The door does not answer. Nothing was done; open by hand or with a key."),
}


@router.post("/door/{order}")
def order_door(
    request: Request, order: Order, context: Shared, actor: Doorkeeper, to: Annotated[str, Form(max_length=20)] = "/"
) -> Response:
    """What the buttons do. A page that asks for JSON is told {"said", "good"}; another is shown again with it."""
    outcome = _outcome(context, order, actor)
    if "application/json" in request.headers.get("accept", ""):
        said, good = _words(outcome)
        return JSONResponse({"said": language_of(request)(said), "good": good})
    return RedirectResponse(f"{to if to in _PAGES else '/'}?said={outcome}", 303)


def said_of(request: Request) -> dict[str, Any]:
    """What is said above a page that was come back to: its `notice` or its `problem`, if any."""
    outcome = request.query_params.get("said", "")
    if outcome not in {*_DONE, *REASONS, _SILENT}:
        return {}
    said, good = _words(outcome)
    return {"notice" if good else "problem": language_of(request)(said)}


def _outcome(context: Context, order: Order, actor: Actor) -> str:
    """What came of it, as a word: that it was done, the door's reason, or that the door is silent."""
    try:
        tell_door(context, order, actor)
    except LinkDown:
        return _SILENT
    except HttpProblem as error:
        return error.reason or Reason.FAULT
    return f"done-{order}"


def _words(outcome: str) -> tuple[Sentence, bool]:
    """The words for it, and whether all is well: a gate that opens just now is."""
    for words, good in ((_DONE, True), (_NOT_NOW, True), (_REFUSED, False)):
        if outcome in words:
            return words[outcome], good
    return Sentence("The gate did not do it: {why}.", why=REASONS[outcome]), False
