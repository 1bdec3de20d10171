"""facegate links"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from api.auth import digest, new_secret
from api.front.hosts import LOOPBACK
from commands.common import Home, home, json_option, print_json, print_table, record_look, state_option
from enroll.application import NO_CAMERA
from gate.errors import Refusal, UsageError
from gate.store.database import transaction
from gate.store.people import own_pages, photo_links, residents
from gate.store.people.photo_link import PhotoLink
from gate.store.people.residents import Resident

_TOLD = ("resident", "made_by", "made_at", "ends_at", "agreed_at", "sent_at", "refused", "done_at")
_ADDRESS = "Give the address as https://192.168.1.20:8443: a name or an address, its port, and nothing else."
_HAS_ONE = "{name} has a link already, until {ends_at}. To end it and draw another, say --again."
_WAITS = (
    "A photo of {name} waits to be looked at, under Photos from residents. To discard it unseen:"
    " facegate links end NAME --discard"
)
_HAS_PAGE = "{name} has a page already. To end it, also on their phone, and draw another, say --again."
_UNREACHABLE = "No phone reaches the gate by this address. Give its address on the network and say --again."


@click.group()
def links() -> None:
    """Links by which residents send photos of their own, and open their own page."""


@links.command("list")
@state_option
@json_option
def list_links(state: Path | None, config: Path | None, as_json: bool) -> None:
    """All that have not ended."""
    gate = home(state, config)
    with gate.store() as connection:
        every = photo_links.every(connection, datetime.now(UTC))
        names = {one.id: one.name for one in residents.every(connection)}
        record_look(connection, "photos", gate.by)
    if as_json:
        print_json({"links": [{name: asdict(one)[name] for name in _TOLD} for one in every]})
        return
    rows = [(names[one.resident], one.made_at, one.agreed_at, one.sent_at, one.done_at, one.ends_at) for one in every]
    print_table(("name", "drawn", "agreed", "photo waits since", "taken", "ends"), rows, "There is no link.")


@links.command("draw")
@click.argument("who", nargs=-1)
@click.option("--without-face", is_flag=True, help="For everyone whose face is not known, for example after an import.")
@click.option("--again", is_flag=True, help="Also for those who have one: it ends. Not while a photo waits.")
@click.option("--address", required=True, help="By which phones reach the console, as https://192.168.1.20:8443")
@state_option
@json_option
def draw_links(
    who: tuple[str, ...], without_face: bool, again: bool, address: str,
    state: Path | None, config: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Draw a link for each of WHO, by name or id, and print it once: for all of them or for nobody.

    Whoever has it can send a photo in this name. Who has a link already is passed over. Exit 1 where nobody of those
    named got one.
    """
    at, reachable = _address(address)
    if without_face == bool(who):
        raise UsageError("Say for whom: names or ids, or --without-face.")
    gate, now = home(state, config), datetime.now(UTC)
    if not gate.settings.camera.wanted:
        raise Refusal(NO_CAMERA)
    with gate.store() as connection, transaction(connection):
        meant = _meant(connection, who)
        having = _having(connection, now, waiting=again)
        drawn = [_drawn(connection, gate, one, at, now) for one in meant if one.id not in having]
        passed_over = [one for one in meant if one.id in having]
        if passed_over:
            record_look(connection, "photos", gate.by)
    if as_json:
        told = [{"resident": one.id, "name": one.name, "url": url, "ends_at": ends} for one, url, ends in drawn]
        print_json({"links": told, "passed_over": [one.id for one in passed_over], "reachable": reachable})
    else:
        _print(drawn, [(one.name, having[one.id]) for one in passed_over], reachable=reachable)
    # Whoever was named and got none is an answer of no; of all who have no face, none may be left without a link.
    return 1 if who and not drawn else 0


@links.command("end")
@click.argument("who")
@click.option("--discard", is_flag=True, help="Also while a photo waits that nobody has looked at: it is discarded.")
@state_option
def end_link(who: str, discard: bool, state: Path | None, config: Path | None) -> None:
    """End a resident's link, by name or id."""
    gate, now = home(state, config), datetime.now(UTC)
    with gate.store() as connection, transaction(connection):
        person = residents.find(connection, who)
        link = photo_links.of_resident(connection, person.id, now)
        if link is not None and link.waits and not discard:
            raise Refusal(_WAITS.format(name=person.name))
        photo_links.end(connection, person, now, by=gate.by, discarding=link.sent_at if link else None)
    click.echo(f"The link of {person.name} is ended.")


@links.command("page")
@click.argument("who")
@click.option("--again", is_flag=True, help="Also where they have one: it ends, on their phone too.")
@click.option("--address", required=True, help="By which phones reach the console, as https://192.168.1.20:8443")
@state_option
@json_option
def draw_own_page(who: str, again: bool, address: str, state: Path | None, config: Path | None, as_json: bool) -> int:
    """Draw a link to the own page of WHO, by name or id, and print it once.

    The phone that opens it first has the page. Exit 1 where they have one already.
    """
    at, reachable = _address(address)
    gate, now = home(state, config), datetime.now(UTC)
    if not gate.settings.enrolment.own_page:
        raise Refusal("This gate has no pages of residents' own; the setting enrolment.own_page turns them on.")
    with gate.store() as connection, transaction(connection):
        person = residents.find(connection, who)
        if not again and own_pages.of_resident(connection, person.id, now) is not None:
            raise Refusal(_HAS_PAGE.format(name=person.name))
        secret = new_secret()
        page = own_pages.draw(
            connection, person, digest(secret), now, gate.settings.enrolment.link_days, by=gate.by
        )  # fmt: skip
    url = f"{at}/own/{secret}"
    if as_json:
        print_json({"resident": person.id, "url": url, "open_by": page.open_by, "reachable": reachable})
        return 0
    click.echo(f"{url}\nIt can be opened until {page.open_by}, once.")
    if not reachable:
        click.secho(_UNREACHABLE, fg="yellow", err=True)
    return 0


@links.command("end-page")
@click.argument("who")
@state_option
def end_own_page(who: str, state: Path | None, config: Path | None) -> None:
    """End a resident's own page, by name or id: neither its link nor their phone shows anything any more."""
    gate = home(state, config)
    with gate.store() as connection:
        person = residents.find(connection, who)
        own_pages.end(connection, person, by=gate.by)
    click.echo(f"The page of {person.name} is ended.")


def _meant(connection: sqlite3.Connection, who: tuple[str, ...]) -> list[Resident]:
    """Who is named, each once; where nobody is, everyone without a face. Raises Refusal."""
    if not who:
        return [one for one in residents.every(connection) if not one.templates]
    return list({one.id: one for one in (residents.find(connection, name) for name in who)}.values())


def _drawn(
    connection: sqlite3.Connection, gate: Home, person: Resident, at: str, now: datetime
) -> tuple[Resident, str, str]:
    """Whose it is, the link, and when it ends."""
    secret, days = new_secret(), gate.settings.enrolment.link_days
    link = photo_links.draw(connection, person, digest(secret), now, days, by=gate.by)
    return person, f"{at}/photo/{secret}", link.ends_at


def _print(
    drawn: Sequence[tuple[Resident, str, str]], passed_over: Sequence[tuple[str, PhotoLink]], *, reachable: bool
) -> None:
    """The links, and by name who has one already, and what to do."""
    rows = [(one.name, one.unit, url, ends) for one, url, ends in drawn]
    print_table(("name", "home", "link", "ends"), rows, "No link was drawn.")
    if drawn and not reachable:
        click.secho(_UNREACHABLE, fg="yellow", err=True)
    for name, link in passed_over:
        told = _WAITS if link.waits else _HAS_ONE
        click.echo(told.format(name=name, ends_at=link.ends_at), err=True)


def _having(connection: sqlite3.Connection, now: datetime, *, waiting: bool) -> dict[str, PhotoLink]:
    """The link of each who has one, by their id; with `waiting` of those alone whose photo waits."""
    links = photo_links.waiting(connection, now) if waiting else photo_links.every(connection, now)
    return {one.resident: one for one in links if one.done_at is None}


def _address(typed: str) -> tuple[str, bool]:
    """The beginning of every link as a browser reads it, and whether phones reach the gate by it. Raises UsageError."""
    from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

    try:
        found = TypeAdapter(AnyHttpUrl).validate_python(typed)
        plain = AnyHttpUrl.build(scheme=found.scheme, host=found.host or "", port=found.port)
    except ValidationError:
        raise UsageError(_ADDRESS) from None
    # A user, a path or a question would stand in every link.
    if found != plain or not found.port:
        raise UsageError(_ADDRESS)
    return str(plain).rstrip("/"), (found.host or "").strip("[]") not in LOOPBACK
