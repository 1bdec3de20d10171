"""What the api of a gate answers the centre about the gate's camera, by way of the link: somebody at the centre enrols
whoever stands here, as they would at the console here. No picture of it is written anywhere."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import time
from collections.abc import Sequence
from functools import partial

from api.at_gate import Over
from api.auth import Actor
from api.context import Context, record_look, store_of
from api.sittings import jpeg_of, look
from enroll.application import Application
from enroll.duplicates import Lookalike
from gate.errors import FacegateError, Refusal, Sentence
from gate.fleet.cameras import SILENT, Alike, Answer, Asks, Not, Photographed, Question, SentTemplate
from gate.processes.addresses import socket_of
from gate.processes.answering import answer_for_ever
from gate.processes.fields import read, written
from gate.processes.wire import Message
from gate.store.compound import centre_orders
from gate.store.compound.centre_orders import AT_THE_CENTRE
from gate.store.people import residents
from models.errors import PackError

_log = logging.getLogger(__name__)

_AGAIN_S = 5.0
# A look that came so long before its turn is asked for anew.
_WAITS_S = 3.0
_OVER = Answer(why_not=Not.OVER)
_UNFIT = Answer(why_not=Not.UNFIT)


async def answer_centre(context: Context) -> None:
    """For ever: answer the link, and nobody else, one question at a time."""
    api, link = (socket_of(context.state, one) for one in ("api", "link"))
    answered = partial(_answered, context, asyncio.Lock())
    while True:
        try:
            await answer_for_ever(api, link, answered)
        except OSError as error:
            _log.error("The centre cannot ask for the camera here: %s", error)
            await asyncio.sleep(_AGAIN_S)


async def _answered(context: Context, turn: asyncio.Lock, message: Message) -> Message:
    question, came_mono = read(Question, message), time.monotonic()
    async with turn:
        # On a busy machine looks that nobody waits for any more would keep those from being answered that are.
        if question.asks is Asks.LOOK and time.monotonic() - came_mono > _WAITS_S:
            return written(SILENT)
        try:
            return written(await asyncio.to_thread(answer, context, question))
        except (FacegateError, PackError, sqlite3.Error) as error:
            _log.error("What the centre asks of the camera here cannot be answered: %s", error)
            return written(Answer(why_not=Not.FAILED))


def answer(context: Context, question: Question) -> Answer:
    """What is answered. Raises FacegateError, PackError, sqlite3.Error."""
    if not context.by_face:
        return Answer(why_not=Not.NO_CAMERA)
    actor = Actor(f"{question.by}{AT_THE_CENTRE}", frozenset())
    try:
        with store_of(context) as connection:
            match question.asks:
                case Asks.BEGIN:
                    return _begun(context, connection, actor, question.name)
                case Asks.LOOK:
                    return _looked(context, connection, actor, question)
                case Asks.REMOVE:
                    context.at_gate.remove(question.key, actor.label, question.number)
                case Asks.TAKE:
                    return _taken(context, connection, actor, question)
                case Asks.END:
                    context.at_gate.cancel(question.key, actor.label, sent=question.sent)
    except Over:
        return _OVER
    return Answer()


def _begun(context: Context, connection: sqlite3.Connection, actor: Actor, name: str) -> Answer:
    # What takes long is done before seconds are counted.
    with context.enroller.turn():
        pass
    called = Sentence("{name}, from the centre", name=name[:64])
    try:
        led = context.at_gate.begin(actor.label, called)
    except Refusal as refused:
        return Answer(why_not=Not.TAKEN, who=str(refused.sentence.values["who"]))
    centre_orders.know(connection, actor.label, name)
    record_look(connection, actor, "the camera")
    return Answer(key=led.key)


def _looked(context: Context, connection: sqlite3.Connection, actor: Actor, question: Question) -> Answer:
    seen = look(context, connection, actor, question.key, question.number, question.resident)
    sitting = seen.sitting
    photos = tuple(Photographed(one.taken.number, one.portrait, alike=_told(one.alike)) for one in seen.photos)
    return Answer(
        prompt=sitting.prompt, reason=sitting.reason, pixels=seen.pixels, left_s=sitting.left_s,
        missing=sitting.missing, over=sitting.over, age_s=round(seen.age_s, 2), is_somebodys=seen.is_somebodys,
        # One message has room for a picture or for photos. Once the screen here says that it is over nobody looks on.
        jpeg=None if photos or sitting.over else seen.jpeg, photos=photos,
    )  # fmt: skip


def _taken(context: Context, connection: sqlite3.Connection, actor: Actor, question: Question) -> Answer:
    """Templates of the photos that there are, by the checks that photos of a form go through."""
    from enroll.enrolment import NotTheirs, NotTheirsButWhose

    taken = {f"gate camera {one.number}": one for one in context.at_gate.of(question.key, actor.label).sitting.taken}
    photos = tuple(context.enroller.photo(io.BytesIO(one.jpeg), name) for name, one in taken.items())
    if not photos:
        return _UNFIT
    whose = residents.get(connection, question.resident) if question.resident else None
    try:
        found = context.enroller.prepare(connection, Application("", None, photos, whose=whose))
    except (NotTheirs, NotTheirsButWhose):
        return Answer(why_not=Not.NOT_THEIRS)
    except FacegateError as refused:
        _log.warning("Nothing can be made of photos for the centre: %s", refused)
        return _UNFIT
    left_out = {one.photo for one in found.left_out}
    good = [one for name, one in taken.items() if name not in left_out]
    made = tuple(
        Photographed(
            one.number, jpeg_of(portrait),
            SentTemplate(
                template.model, json.dumps(template.quality), template.vector, template.second_model,
                template.second_vector,
            ),
            _told(found.lookalikes),
        )
        for one, portrait, template in zip(good, found.portraits, found.templates, strict=True)
    )  # fmt: skip
    if not context.at_gate.of(question.key, actor.label).sitting.over:
        context.at_gate.cancel(question.key, actor.label, sent=True)
    return Answer(photos=made, over=True)


def _told(alike: Sequence[Lookalike]) -> tuple[Alike, ...]:
    return tuple(Alike(one.resident.id, one.likeness) for one in alike)
