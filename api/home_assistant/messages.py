"""What Home Assistant is told: the entities that one gate has, and their states. Pure.

Every state is a JSON object with a code that stays and words for people. Nothing names anybody, and nothing tells of
duress: a panel on a wall is read by whoever stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.languages import Language
from api.wording import EVENTS, METHODS, MODES, REASONS
from gate.care.health import FAULTS
from gate.door.states import Leaf, Mode
from gate.errors import Sentence
from gate.home_assistant_settings import HomeAssistantSettings
from gate.processes.status import DoorStatus
from gate.store.record.audit import Line
from gate.vocabulary import Fault, Kind

# Lines of the record that are told as the last event.
TOLD = (
    Kind.GRANTED, Kind.CAME_ALONG, Kind.DENIED, Kind.ORDERED, Kind.FAULT, Kind.FAULT_OVER, Kind.DOOR_FORCED,
    Kind.DOOR_FORCED_OVER, Kind.DOOR_HELD_OPEN, Kind.DOOR_HELD_OPEN_OVER, Kind.LOCKDOWN, Kind.LOCKDOWN_OVER,
    Kind.TAMPER_BLOCK, Kind.TAMPER_BLOCK_OVER, Kind.FREE_ACCESS, Kind.FREE_ACCESS_OVER, Kind.HOLD, Kind.HOLD_OVER,
    Kind.FIRE, Kind.FIRE_OVER, Kind.LOCKED_OUT, Kind.BELL, Kind.BELL_UNANSWERED, Kind.CAMERA_LOST, Kind.CAMERA_BACK,
    Kind.READER_LOST, Kind.READER_BACK, Kind.DOOR_STARTED,
)  # fmt: skip
ONLINE, OFFLINE = "online", "offline"
ORDERS = ("open", "lock")
RING = "ring"

_LOCKED = (Mode.NORMAL, Mode.TAMPER_BLOCK, Mode.LOCKDOWN)
# When a button was pressed, by Home Assistant's clock: what a broker or a network held back is known by it.
_WHEN = "{{ now().timestamp() }}"
EXPIRES_S = 120
"""How long a state holds of which nothing more is heard, seconds. A broker that was killed knows nothing of a will: it
would say for ever what it has kept of a gate that does not come back to it."""
_SAID, _SHORT = "{{ value_json.said }}", 255


@dataclass(frozen=True, slots=True)
class Topics:
    """Where a gate is told of, by its id."""

    gate: str
    discovery: str

    @property
    def availability(self) -> str:
        """Whether this gate has a line to the broker."""
        return f"facegate/{self.gate}/availability"

    @property
    def door_availability(self) -> str:
        """Whether its door answers."""
        return f"facegate/{self.gate}/door/availability"

    @property
    def door(self) -> str:
        """How the door is."""
        return f"facegate/{self.gate}/door"

    @property
    def event(self) -> str:
        """What happened last."""
        return f"facegate/{self.gate}/event"

    @property
    def bell(self) -> str:
        """That somebody rings."""
        return f"facegate/{self.gate}/bell"

    def press(self, order: str) -> str:
        """Where a button is pressed."""
        return f"facegate/{self.gate}/press/{order}"

    def config(self, component: str, name: str) -> str:
        """Where an entity is made known."""
        return f"{self.discovery}/{component}/facegate_{self.gate}/{name}/config"


@dataclass(frozen=True, slots=True)
class Told:
    """What a gate is called, and what of it there is to be told."""

    topics: Topics
    name: str
    language: Language
    has_contact: bool
    has_bell: bool
    commands: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, gate_id: str, name: str, settings: HomeAssistantSettings, language: Language, *, contact: bool, bell: bool
    ) -> Told:
        """From the settings."""
        return cls(Topics(gate_id, settings.discovery), name, language, contact, bell, settings.commands)


def discovery(told: Told) -> dict[str, str]:
    """By topic what makes each entity known, and an empty text where there is none, which takes it away again."""
    topics, say = told.topics, told.language
    device = {"identifiers": [f"facegate_{topics.gate}"], "name": told.name, "manufacturer": "Facegate"}
    here = {"topic": topics.availability}
    found: dict[str, str] = {}
    for component, name, is_there, config in _entities(told):
        whole = {
            "unique_id": f"facegate_{topics.gate}_{name}",
            "device": device,
            "origin": {"name": "Facegate"},
            # What happened last is true also while the door is away.
            "availability": [here] if name == "event" else [here, {"topic": topics.door_availability}],
            "availability_mode": "all",
            **config,
            "name": say(config["name"]),
        }
        found[topics.config(component, name)] = json.dumps(whole, ensure_ascii=False) if is_there else ""
    return found


def _entities(told: Told) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Component, name, whether this gate has it, and what is its own."""
    topics = told.topics
    yield "sensor", "state", True, {
        "name": Sentence("State"), "icon": "mdi:gate", "state_topic": topics.door, "value_template": _SAID,
        "json_attributes_topic": topics.door, "expire_after": EXPIRES_S,
    }  # fmt: skip
    yield "sensor", "event", True, {
        "name": Sentence("Last event"), "icon": "mdi:history", "state_topic": topics.event, "value_template": _SAID,
        "json_attributes_topic": topics.event,
    }  # fmt: skip
    for name, is_there, title, of in (
        ("unlocked", True, Sentence("Lock"), "lock"),
        ("leaf", told.has_contact, Sentence("Door leaf"), "door"),
        ("forced", told.has_contact, Sentence("Forced open"), "safety"),
        ("held_open", told.has_contact, Sentence("Left open"), "problem"),
        ("lockdown", True, Sentence("Lockdown"), None),
        ("fire", True, Sentence("Fire"), "safety"),
        ("tamper", True, Sentence("Housing opened"), "tamper"),
        ("fault", True, Sentence("Fault"), "problem"),
    ):
        config: dict[str, Any] = {
            "name": title, "state_topic": topics.door, "value_template": f"{{{{ value_json.{name} }}}}",
            "expire_after": EXPIRES_S,
        }  # fmt: skip
        yield "binary_sensor", name, is_there, config | ({"device_class": of} if of else {})
    yield "event", "bell", told.has_bell, {
        "name": Sentence("The bell"), "device_class": "doorbell", "state_topic": topics.bell, "event_types": [RING],
    }  # fmt: skip
    for order, title, icon in (
        ("open", Sentence("Open"), "mdi:gate-open"),
        ("lock", Sentence("Lock down"), "mdi:lock-alert"),
    ):
        yield "button", order, order in told.commands, {
            "name": title, "icon": icon, "command_topic": topics.press(order), "command_template": _WHEN, "qos": 0,
            "retain": False,
        }  # fmt: skip


def door_state(status: DoorStatus, language: Language) -> str:
    """How the door is, for every entity that shows something of it."""
    on = {
        "unlocked": status.mode not in _LOCKED,
        "leaf": status.leaf not in (None, Leaf.SHUT),
        "forced": status.leaf == Leaf.FORCED,
        "held_open": status.leaf == Leaf.HELD_OPEN,
        "lockdown": Mode.LOCKDOWN in status.standing,
        "fire": Mode.FIRE in status.standing,
        "tamper": Fault.TAMPER in status.faults or Mode.TAMPER_BLOCK in status.standing,
        "fault": any(fault != Fault.TAMPER for fault in status.faults) or status.store_fault is not None,
    }
    said = language(MODES.get(status.mode, status.mode))
    faults = [language(FAULTS.get(fault, fault)) for fault in status.faults]
    return _json(
        {"mode": status.mode, "said": said, "faults": faults} | {k: "ON" if v else "OFF" for k, v in on.items()}
    )


def event_state(line: Line, language: Language) -> str:
    """A line of the record without whom it is about, and without what was ordered by whom."""
    says = line.says
    title, more = EVENTS.get(line.kind, Sentence(line.kind)), _more(line)
    said = language(title) if more is None else f"{language(title)}{language.colon}{language(more)}"
    found = {
        "kind": line.kind, "said": said[:_SHORT], "at": line.at, "method": says.method,
        "reader": says.reader, "reason": says.reason, "sequence": line.sequence,
    }  # fmt: skip
    return _json({name: value for name, value in found.items() if value is not None})


def _more(line: Line) -> Sentence | None:
    """Why somebody was refused, by what they came, or what is broken."""
    says = line.says
    if line.kind == Kind.DENIED:
        return REASONS.get(says.reason or "")
    return FAULTS.get(says.fault or "") or METHODS.get(says.method or "")


def bell_event() -> str:
    """That somebody rings now."""
    return _json({"event_type": RING})


def pressed_at(payload: bytes | bytearray | str | float | None) -> float | None:
    """When a button was pressed, seconds since 1970; None where it does not say.

    >>> pressed_at(b"1732718000.25"), pressed_at(b"PRESS"), pressed_at(b"nan")
    (1732718000.25, None, None)
    """
    if not isinstance(payload, bytes | bytearray) or len(payload) > 40:
        return None
    try:
        found = float(payload)
    except ValueError:
        return None
    return found if 0 < found < 1e11 else None


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
