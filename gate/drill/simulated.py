"""The drill without hands: every check against the real processes on mock pins."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gate.drill.checks import failures, leaf, modes, opening, record
from gate.drill.results import CheckFailed, Result
from gate.drill.rig import Rig, rig
from gate.errors import FacegateError, Sentence
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template

Check = Callable[[Rig, str], Sentence]

WITHOUT_CAMERA: tuple[Check, ...] = (
    failures.missing_camera_is_told,
    failures.exit_works_without_camera,
    failures.command_works_without_camera,
)
WITH_CAMERA: tuple[Check, ...] = (
    leaf.relay_is_off_at_start,
    opening.claim_opens,
    opening.card_opens,
    opening.pin_opens,
    opening.pulse_has_its_length,
    opening.one_claim_opens_once,
    opening.no_second_pulse_in_a_pulse,
    opening.no_second_pulse_in_the_interval,
    opening.old_claim_is_refused,
    opening.future_claim_is_refused,
    opening.unknown_person_is_refused,
    opening.removed_resident_is_refused,
    opening.nonsense_is_refused,
    opening.exit_opens,
    opening.exit_held_is_answered_again,
    modes.lockdown_refuses_faces,
    modes.lockdown_refuses_commands,
    modes.exit_opens_under_lockdown,
    modes.lockdown_outlasts_the_door,
    modes.fire_opens_and_keeps_open,
    modes.fire_outranks_lockdown,
    modes.manual_hold_stands_and_ends,
    leaf.passage_taken_is_recorded,
    leaf.passage_not_taken_is_recorded,
    leaf.forced_door_is_an_alarm,
    leaf.door_held_open_warns_and_alarms,
    modes.tamper_blocks_until_released,
    leaf.stuck_relay_is_an_alarm,
    opening.lights_tell_grant_from_refusal,
    failures.door_killed_in_a_pulse_lets_go,
    failures.no_grant_survives_a_restart,
    failures.vision_comes_back,
    failures.hung_vision_is_replaced,
    failures.api_comes_back,
    record.health_is_told,
    failures.locked_database_delays_nothing,
    record.backup_of_a_running_gate_verifies,
    failures.unsafe_settings_are_refused,
    leaf.maximum_is_kept_by_the_relay_itself,
)
OF_VISION = (failures.vision_comes_back, failures.hung_vision_is_replaced)
AFTER: tuple[Check, ...] = (leaf.stop_releases, record.record_accounts_for_every_grant)


# A template of one number, by a model that there is not: nobody is found by it.
_NOBODYS = array("f", [1.0]).tobytes()


def simulate(scratch: Path, models_dir: Path, footage: str, patience: float = 1.0) -> Iterator[Result]:
    """Every check in turn, in states of their own under `scratch`; without `footage` those of a gate that has no
    camera. `patience` as `Rig` has it."""
    parts: tuple[tuple[str, str, tuple[Check, ...]], ...] = (("a", "97", WITHOUT_CAMERA), ("b", footage, WITH_CAMERA))
    if not footage:
        parts = (("b", "", tuple(check for check in WITH_CAMERA if check not in OF_VISION)),)
    for part, source, checks in parts:
        state = scratch / part
        with closing(open_database(state)) as store:
            someone = residents.enrol(store, "Drill", None, [Template("drill", "drill", {}, _NOBODYS)], NO_PERSON)
        try:
            with rig(state, models_dir, source, patience) as gate:
                for check in checks:
                    yield _run(check, gate, someone.id)
        except CheckFailed as error:
            yield Result(f"gate_{part}_starts", False, error.seen)
            continue
        if part == "b":
            for after in AFTER:
                yield _run(after, gate, someone.id)


def _run(check: Check, gate: Rig, resident: str) -> Result:
    try:
        return Result(check.__name__, True, check(gate, resident))
    except CheckFailed as error:
        return Result(check.__name__, False, error.seen)
    except FacegateError as error:
        return Result(check.__name__, False, error.sentence)
    except ConnectionError:
        return Result(check.__name__, False, Sentence("a part of the gate does not answer"))
    except (OSError, sqlite3.Error) as error:
        return Result(check.__name__, False, Sentence("{figure}", figure=str(error)))
