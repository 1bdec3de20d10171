"""facegate residents"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import click

from commands.common import Home, counted, home, json_option, print_json, print_table, record_look, state_option
from commands.credentials import card, phone, pin
from gate.clock import zone_of
from gate.errors import UsageError
from gate.store.compound import records
from gate.store.copy_rows import people_in_memory
from gate.store.people import (
    changes,
    consents,
    corrections,
    credentials,
    erasure,
    finding,
    own_pages,
    passes,
    photo_links,
    templates,
    together,
    whereabouts,
)
from gate.store.people import residents as store
from gate.store.people.residents import Resident
from gate.store.people.together import ERASING, Count, Deed
from gate.store.record.search import Search


@click.group()
def residents() -> None:
    """The people who live here."""


residents.add_command(pin)
residents.add_command(phone)
residents.add_command(card)


@residents.command("list")
@state_option
@json_option
def list_residents(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Everyone, by name."""
    gate = home(state, config)
    with gate.store() as connection:
        people = store.every(connection)
        record_look(connection, "residents", gate.by)
    if as_json:
        print_json({"residents": [asdict(person) for person in people]})
        return
    rows = [(person.name, person.unit, person.templates, person.created_at[:10], person.id) for person in people]
    print_table(
        ("name", "unit", "templates", "enrolled", "id"),
        rows,
        "Nobody is enrolled. Enrol with: facegate enroll",
    )


@residents.command()
@click.argument("who")
@state_option
@json_option
def show(who: str, state: Path | None, config: Path | None, as_json: bool) -> None:
    """A copy of what is held of one resident, by name or id, with the lines of the record that name them."""
    gate = home(state, config)
    now = datetime.now(UTC)
    with gate.store() as connection:
        person = store.find(connection, who)
        kept = templates.of(connection, person.id)
        agreed = consents.of(connection, person.id)
        held = credentials.of_resident(connection, person.id)
        visits = passes.of_host(connection, person.id)
        passed = whereabouts.of_resident(connection, person.id)
        corrected = corrections.of(connection, person.id)
        link = photo_links.of_resident(connection, person.id, now)
        own = own_pages.of_resident(connection, person.id, now)
        lines = list(records.every(connection, Search(residents=(person.id,))))
        gates = records.names_beside(connection, gate.settings.gate)
        record_look(connection, "a resident", gate.by)
    if as_json:
        lists = {"templates": [asdict(one) for one in kept], "consents": [asdict(one) for one in agreed]}
        lists |= {"credentials": [asdict(one) for one in held], "passes": [asdict(one) for one in visits]}
        # What a link or a phone is known by is no part of it: whoever has that opens the page.
        print_json(
            asdict(person)
            | lists
            | {
                "whereabouts": {"way": passed.way, "at": passed.at} if passed else None,
                "corrections": [{"event": one.event, "at": one.at} for one in corrected],
                "photo_link": {"made_at": link.made_at, "agreed_at": link.agreed_at} if link else None,
                "own_page": {"made_at": own.made_at, "opened_at": own.opened_at} if own else None,
                "lines": [asdict(line) for line in lines],
            }
        )
        return
    click.echo(f"{person.name}{f', {person.unit}' if person.unit else ''} ({person.id}), enrolled {person.created_at}")
    click.echo(_when_let_in(person))
    for one in agreed:
        given = f"{one.given_at}: agreed to {one.consent.text} ({one.consent.language}), {one.consent.way}"
        guardian = f", {one.consent.guardian} for them" if one.consent.guardian else ""
        click.echo(f"{given}{guardian}{f'; withdrawn {one.withdrawn_at}' if one.withdrawn_at else ''}")
    for way in held:
        called = f" {way.label}" if way.label else f", after {way.flat} #" if way.flat else ""
        lost = f"; reported lost {way.suspended_at}" if way.suspended_at else ""
        click.echo(f"{way.made_at}: {way.method}{called} ({way.id}){lost}")
    for visit in visits:
        back = f"; taken back {visit.revoked_at}" if visit.revoked_at else ""
        click.echo(f"pass of {visit.name}: from {visit.valid_from} until {visit.valid_until}{back}")
    if passed:
        click.echo(f"{passed.at}: last seen going {passed.way}")
    for mistake in corrected:
        click.echo(f"{mistake.at}: somebody was taken for them by mistake")
    if link:
        agreed_by_link = f"; agreed on their own phone {link.agreed_at}" if link.agreed_at else ""
        click.echo(f"{link.made_at}: a link for a photo of their own was drawn{agreed_by_link}")
    if own:
        opened = f"; their phone has it since {own.opened_at}" if own.opened_at else ""
        click.echo(f"{own.made_at}: a link to their own page was drawn{opened}")
    qualities = kept[0].quality if kept else {}
    told = {one.id: f"{one.model} (damaged)" if one.damaged else one.model for one in kept}
    rows = [(one.source, told[one.id], *(one.quality.get(name) for name in qualities)) for one in kept]
    print_table(("source", "model", *qualities), rows, "No templates: this person uses other ways in.")
    said = [
        (line.sequence, line.at[:19].replace("T", " "), line.kind, line.says.reason or "",
         *((gates.get(line.gate_id, line.gate_id),) if gates else ()))
        for line in lines
    ]  # fmt: skip
    print_table(
        ("line", "at (UTC)", "kind", "reason", *(("gate",) if gates else ())),
        said,
        "The record has no line that names them.",
    )


def _when_let_in(person: Resident) -> str:
    """All that is known of when somebody is let in, also what there is none of."""
    own = f" (their own: {person.schedule})" if person.schedule else ""
    where = None if person.gates is None else ", ".join(person.gate_names) or "no gate"
    said = {
        "group": person.group, "hours": f"{person.windows or 'at any time'}{own}", "first day": person.valid_from,
        "last day": person.valid_until, "more time at the gate": "yes" if person.extended else "no",
    } | ({"gates": where} if where else {})  # fmt: skip
    return "; ".join(f"{name}: {value or 'none'}" for name, value in said.items())


@residents.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def remove(who: str, yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Erase a resident by name or id: templates, and their name in the record."""
    gate = home(state, config)
    with gate.store() as connection:
        person = store.find(connection, who)
        if not yes:
            record_look(connection, "a resident", gate.by)
            click.confirm(
                f"Erase {person.name} and {counted(person.templates, 'template')} for ever?", abort=True, err=True
            )
        receipt = erasure.remove(connection, person, by=gate.by)
    if as_json:
        print_json({"removed": person.id, **asdict(receipt)})
        return
    click.echo(f"{person.name} is erased: {counted(person.templates, 'template')}, and the name in the record.")
    _print_receipt(receipt)


@residents.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def withdraw(who: str, yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Withdraw a resident's consent: their templates are erased, and they use other ways in."""
    gate = home(state, config)
    with gate.store() as connection:
        person = store.find(connection, who)
        if not yes:
            record_look(connection, "a resident", gate.by)
            click.confirm(f"Erase {counted(person.templates, 'template')} of {person.name}?", abort=True, err=True)
        receipt = erasure.withdraw(connection, person, by=gate.by)
    if as_json:
        print_json(asdict(receipt))
        return
    _print_receipt(receipt)


@residents.command("together")
@click.argument("deed", type=click.Choice([one.value for one in Deed]))
@click.argument("who", nargs=-1)
@click.option("--search", help="Everyone whom these words find, as on the page: a name or a home.")
@click.option("--unit", help="Everyone of this home, however it is written, and nobody of another.")
@click.option("--value", help="The group, the schedule or the last day; an empty one takes theirs away.")
@click.option(
    "--count", help="How many they are, as shown without --yes: needed to erase them, or for a last day gone."
)
@click.option("--yes", is_flag=True, help="Do it. Without this it shows whom it concerns.")
@state_option
@json_option
def do_together(
    deed: str, who: tuple[str, ...], search: str | None, unit: str | None, value: str | None, count: str | None,
    yes: bool, state: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Do one thing to many, WHO by name or id: to all of them or to nobody."""
    _refuse_unclear(who, search, unit)
    given = _value(Deed(deed), value)
    gate = home(state, config)
    with gate.store() as connection:
        named = list({one.id: one for one in (store.find(connection, one) for one in who)}.values())
        people = together.meant(connection, Deed(deed), named or finding.search(connection, search or "", unit))
        said, today = Count("--count", count, always=True), _today(gate)
        receipt = together.do(connection, Deed(deed), given, people, said, by=gate.by, today=today) if yes else None
        if not yes:
            _rehearse(connection, Deed(deed), given, people, today)
            record_look(connection, "residents", gate.by)
    if as_json:
        whom = {} if yes else {"residents": [{"id": one.id, "name": one.name, "unit": one.unit} for one in people]}
        print_json({"done": yes, "people": len(people), "receipt": receipt and asdict(receipt)} | whom)
        return
    over = together.is_last_day_over(Deed(deed), given, today)
    if over:
        click.echo(changes.OVER)
    if not yes:
        print_table(("name", "unit", "id"), [(one.name, one.unit, one.id) for one in people], "")
        counting = f" --count {len(people)}" if over or deed in ERASING else ""
        click.echo(f"{len(people)} in all. Nothing was changed. Do it with --yes{counting}.")
    elif receipt is not None:
        _print_receipt(receipt)
    else:
        click.echo(f"{len(people)} changed.")


def _refuse_unclear(who: tuple[str, ...], search: str | None, unit: str | None) -> None:
    """Raises UsageError unless it is said in one way whom, and with words that do not mean everybody."""
    if [bool(who), search is not None, unit is not None].count(True) != 1:
        raise UsageError("Say whom: names or ids, or --search, or --unit.")
    said = search if search is not None else unit
    if said is not None and finding.says_nothing(said):
        raise UsageError("There is no name and no home in --search or --unit; without one it would be everybody.")


def _value(deed: Deed, given: str | None) -> str:
    """What goes with a deed. Raises UsageError where it is forgotten: that would take away what everybody has."""
    if given is None and deed not in ERASING:
        raise UsageError("Say which with --value: the group, the schedule or the last day; '' takes theirs away.")
    return given or ""


def _today(gate: Home) -> date:
    """The day that it is at the gate."""
    return datetime.now(zone_of(gate.settings.door.zone)).date()


def _rehearse(connection: sqlite3.Connection, deed: Deed, value: str, people: Sequence[Resident], today: date) -> None:
    """Raises Refusal where a change could not be made, as making it would; erasing is asked for by its count."""
    if deed not in ERASING:
        with closing(people_in_memory(connection)) as copy:
            counted = Count("--count", str(len(people)))
            together.do(copy, deed, value, people, counted, by="a rehearsal", today=today)


def _print_receipt(receipt: erasure.Receipt) -> None:
    click.echo(
        f"Receipt {receipt.id}: on {receipt.at}, {counted(receipt.templates, 'template')} and"
        f" {counted(receipt.personal_fields, 'personal field')} of the record were erased; no photo was kept."
        " Backups made before then are erased as they are replaced, and a restored one erases again."
    )


@residents.command()
@click.argument("who")
@click.option("--more-time/--usual-time", "extended", default=None, help="Whether they need the gate open for longer.")
@click.option("--schedule", help="When they may enter; an empty name: at any time, or as their group.")
@click.option("--group", help="Their group; an empty name: none.")
@click.option("--area", help="The area at whose gates they are let in; an empty name: as their group, else all gates.")
@click.option("--from", "valid_from", help="Their first day, as 2027-01-31; an empty one: since ever.")
@click.option("--until", "valid_until", help="Their last day, for example of the lease; an empty one: without end.")
@state_option
def change(
    who: str,
    extended: bool | None,
    schedule: str | None,
    group: str | None,
    area: str | None,
    valid_from: str | None,
    valid_until: str | None,
    state: Path | None,
    config: Path | None,
) -> None:
    """Change how a resident is let in, by name or id."""
    if all(given is None for given in (extended, schedule, group, area, valid_from, valid_until)):
        raise UsageError("Say what to change: --more-time, --schedule, --group, --area, --from or --until.")
    gate = home(state, config)
    with gate.store() as connection:
        wanted = changes.Changes(
            extended=extended, schedule=schedule, group=group, valid_from=valid_from, valid_until=valid_until,
            area=area,
        )  # fmt: skip
        before = store.find(connection, who)
        person = changes.change(connection, before, wanted, by=gate.by)
    hours = person.windows or "at any time"
    since = f", from {person.valid_from}" if person.valid_from else ""
    until = f", until {person.valid_until}" if person.valid_until else ""
    where = "" if person.gates is None else f", at {', '.join(person.gate_names) or 'no gate'}"
    click.echo(f"{person.name}: {hours}{where}{since}{until}{', with more time' if person.extended else ''}.")
    if person.valid_until != before.valid_until and changes.is_over(person.valid_until, _today(gate)):
        click.echo(changes.OVER)
