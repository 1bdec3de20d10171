"""The gate's processes: whether each runs and answers, and what vision says of its cameras."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from gate.api_settings import exposure
from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import UNITS, Listens, Site, UnitState, journal_of
from gate.care.health import words_of_fault
from gate.care.home_assistant import read_status
from gate.config import runs_broker
from gate.fleet import centre_status
from gate.fleet import status as link_status
from gate.state_folder import centre_file
from gate.store.compound import gates, proposals, recovery, requests, role, succession
from gate.store.compound.gates import Gate
from gate.store.database import open_read_only
from gate.store.people import credentials, residents
from gate.vision.address import without_password

_MANY_RESTARTS = 3
# The api says every few seconds how it is with the broker.
_QUIET_S = 30.0
_END_IT = "Where nobody wants it any more, end it: facegate door release"
# What somebody began or saw, and what stays until it is ended.
_STANDS = {
    "lockdown": ("Lockdown: nobody is let in, but for the exit button and fire.", _END_IT),
    "tamper_block": ("The housing was opened a while ago: nobody is let in.", _END_IT),
    "manual_hold": ("Somebody holds the gate open: everybody walks in.", _END_IT),
}


def units(site: Site) -> Seen:
    """The services of an installed gate, as systemd has them."""
    if site.units is None:
        return well("No service: this gate is run by hand.")
    if site.units.get("settings", UnitState("", 0)).active == "failed":
        seen = "The services run with older settings: the last ones were refused."
        return to_mend(seen, "Mend them, then: sudo systemctl restart facegate.target")
    needless = {"vision": not site.settings.camera.wanted, "readers": not site.settings.readers.wanted}
    needless |= {"link": not os.path.exists(centre_file(site.state))}
    needless |= dict.fromkeys(("broker", "centre"), not runs_broker(site.settings, site.state))
    wanted = [name for name in UNITS if not needless.get(name)]
    down = [name for name in wanted if site.units.get(name, UnitState("missing", 0)).active != "active"]
    if down:
        do = f"Start them: sudo systemctl start facegate.target. {journal_of(down[0])}"
        return to_mend(f"Not running: {', '.join(down)}.", do)
    restless = [name for name, unit in site.units.items() if unit.restarts > _MANY_RESTARTS]
    if restless:
        seen = ", ".join(f"{name} was started again {site.units[name].restarts} times" for name in restless)
        return worth_a_look(f"{seen}.", journal_of(restless[0]))
    return well("All services run.")


def door(site: Site) -> Seen:
    """Whether the door answers, and what it reports of its wiring and of what it writes."""
    status = site.health.door
    if status is None:
        return to_mend("It does not answer.", site.advice("door", "Start it: facegate run"))
    faults = " ".join(words_of_fault(fault) for fault in status.faults)
    if faults:
        return to_mend(faults, "Look at the wiring of what it names.")
    if status.mode in ("fire", "fire_pause"):
        seen = "Fire: the gate stands open for everybody, and stays so."
        return to_mend(
            seen, "Where there is no fire, look at the wire of door.fire_pin: its contact is closed at rest."
        )
    if status.store_fault:
        seen = f"It cannot write its records or read them: {status.store_fault.removesuffix('.')}."
        return to_mend(seen, f"Look at the room on the disk and at the rights of {site.state}.")
    if status.mode in _STANDS:
        return worth_a_look(*_STANDS[status.mode])
    return well(f"It answers; its mode is {status.mode}.")


def vision(site: Site) -> Seen:
    """Whether vision answers, and how many it knows."""
    status = site.health.vision
    if status is None:
        return to_mend("It does not answer.", site.advice("vision", "See what facegate run says of it."))
    return well(f"It answers; {status.residents} residents are in its gallery.")


def camera(site: Site) -> Seen:
    """What vision sees through the camera, and without one who has no other way in than their face.

    Raises StoreError and sqlite3.Error where that cannot be read."""
    if not site.settings.camera.wanted:
        return _without_camera(site)
    return _looked_through(site, "camera", site.settings.camera.source)


def _without_camera(site: Site) -> Seen:
    with closing(open_read_only(site.state)) as connection:
        others, people = credentials.having(connection), residents.every(connection)
    shut_out = sum(bool(one.templates) and one.id not in others for one in people)
    if shut_out:
        seen = f"None: nobody is let in by face, and {shut_out} of the residents have no other way in."
        return worth_a_look(seen, "Give them PINs or cards: the list of residents finds them.")
    return well("None: people come in by PIN or card.")


def home_assistant(site: Site) -> Seen:
    """Whether Home Assistant's broker is told of this gate."""
    broker = site.settings.home_assistant.broker
    if not broker:
        return well("Nothing is told to it.")
    status = read_status(site.state)
    if status is None or not 0 <= (datetime.now(UTC) - datetime.fromisoformat(status.at)).total_seconds() <= _QUIET_S:
        return worth_a_look("Nobody tells how it stands with its broker.", site.advice("api", "Start it: facegate run"))
    if not status.connected:
        problem = status.problem or f"The broker {broker} was not reached yet."
        return worth_a_look(problem, "The gate goes on without it: docs/home-assistant.md.")
    orders = site.settings.home_assistant.commands
    may = f"it may order: {', '.join(orders)}" if orders else "it may order nothing"
    return well(f"The broker {broker} is told of this gate; {may}.")


def infrared(site: Site) -> Seen:
    """What vision sees through the infrared camera, where there is one."""
    if site.settings.infrared is None:
        return well("None: liveness is judged by the camera alone.")
    return _looked_through(site, "infrared", site.settings.infrared.source)


def _looked_through(site: Site, name: str, source: str) -> Seen:
    status = site.health.vision
    if status is None:
        return worth_a_look(f"{without_password(source)}: nobody looks through it now.", "Start the gate.")
    report = status.cameras.get(name)
    if report is None or (report.gives is None and report.fault is None):
        return worth_a_look(f"{without_password(source)} is being opened.", "Ask again in a minute.")
    if report.fault is not None:
        do = f"It is {name}.source; before you change it, try: facegate doctor --camera ADDRESS"
        return to_mend(report.sentence, do)
    if source.isdigit():
        do = f"Numbers change: name it by /dev/v4l/by-id in {name}.source."
        return worth_a_look(f"{source}: {report.sentence}", do)
    return well(f"{without_password(source)}: {report.sentence}")


def centre(site: Site) -> Seen:
    """Whom this gate follows, when that was heard, and what waits to be sent; at a centre whether it is whole.

    Raises StoreError and sqlite3.Error where that cannot be read."""
    with closing(open_read_only(site.state)) as connection:
        here, recovers = role.part(connection), recovery.waits(connection)
        waiting = proposals.count(connection) + requests.count(connection)
        refused = proposals.refused(connection)
        other, second = succession.superseded(connection), succession.second(connection)
        brokers = [one.name for one in gates.with_brokers(gates.every(connection))]
        is_second = succession.is_second(connection)
    if here is role.Part.CENTRE:
        return _as_superseded() if other is not None else _as_centre(site, recovers, second, brokers)
    if here is not role.Part.GATE:
        return well("This gate follows none.")
    lost = " Where it is lost for good: sudo facegate centre promote" if is_second else ""
    if not os.path.exists(centre_file(site.state)):
        return to_mend(
            "This gate follows a centre, and what it knew of it is gone, as on another board: nothing that is revoked"
            " there comes here.",
            "Invite it there (sudo facegate centre invite), and join again: sudo facegate join ADDRESS CODE. Or have it"
            f" follow none: sudo facegate leave{lost and f'.{lost}'}",
        )
    link = link_status.read_status(site.state)
    if link is None:
        return to_mend("The link to the centre does not run.", site.advice("link", "Start it: facegate run"))
    told = f"It follows {link.centre}, heard {link.heard_at or 'not since the link was started'}; {waiting} to be sent."
    if is_second:
        told = f"This is the second centre. {told}"
    if link.problem is not None:
        return to_mend(told, link.problem)
    if link.cut_off:
        return to_mend(told, f"Look whether the centre's machine runs, and whether the network reaches it.{lost}")
    if refused:
        return worth_a_look(
            f"{told} Of {refused} of the residents not all was taken.", "The list of residents says why."
        )
    if link.behind:
        return worth_a_look(f"{told} The register here is not the centre's yet.", "Ask again in a minute.")
    return well(told)


def _as_superseded() -> Seen:
    seen = "Another centre leads in the place of this one, which publishes nothing any more."
    return to_mend(seen, "Invite this machine there, and have it follow: sudo facegate join ADDRESS CODE")


def _as_centre(site: Site, recovers: bool, second: Gate | None, brokers: Sequence[str]) -> Seen:
    status = centre_status.read_status(site.state)
    if status is not None and status.keys_lost:
        return to_mend(
            "This centre lost its keys, and its gates believe no others: nothing that is changed or revoked here"
            " reaches them.",
            f"Bring back {site.state}/centre/secrets.json, from what was kept of this machine or from the second"
            " centre's. Or begin with new keys, and join every gate again: sudo facegate centre new-keys",
        )
    if not recovers:
        trouble = centre_status.trouble_of_brokers(brokers, status)
        return _of_second(site, second) if trouble is None else worth_a_look("This is the centre.", trouble)
    seen = (
        "It came back from a backup or was promoted: it publishes nobody new until its gates gave back what it lacks."
    )
    return to_mend(seen, "See for which it waits: facegate centre gates. To go on without: facegate centre go-on")


def _of_second(site: Site, second: Gate | None) -> Seen:
    told = "This is the centre. How its gates stand: facegate centre gates"
    if second is None:
        return well(f"{told}. There is no second centre.")
    status = centre_status.read_status(site.state)
    heard = None if status is None else status.gates.get(second.id)
    seen = f"{told}. The second, {second.name}, was heard {'not since the start' if heard is None else heard.heard_at}"
    if heard is None or abs((datetime.now(UTC) - datetime.fromisoformat(heard.heard_at)).total_seconds()) > _QUIET_S:
        return worth_a_look(f"{seen}.", "Look whether its machine runs, and whether the network reaches it.")
    if heard.behind or heard.problem:
        return worth_a_look(f"{seen} and has not all of the register.", heard.problem or "Ask again in a minute.")
    return well(f"{seen} and has all of the register.")


def console(site: Site) -> Seen:
    """Who listens on the console's port, and whether more than the site's own network reaches it."""
    where = f"port {site.settings.api.port} of {site.settings.api.host}"
    if site.listens is Listens.ANOTHER:
        do = f"End it (sudo ss -ltnp 'sport = :{site.settings.api.port}' names it), or choose another in api.port."
        return to_mend(f"Another program listens on {where}.", do)
    if site.listens is Listens.NOBODY:
        return to_mend(f"Nobody listens on {where}.", site.advice("api", "Start it: facegate run"))
    exposed = exposure(site.settings.api.host)
    if exposed is None:
        return well(f"It listens on {where}.")
    seen, do = exposed.split(". ", 1)
    return worth_a_look(f"{seen}.", do)
