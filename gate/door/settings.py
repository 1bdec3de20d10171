"""What an installer chooses about a door. Standard library only, so that the door process can hold it."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from typing import ClassVar, Literal

from gate.door.policy import Policy
from gate.errors import Refusal, Sentence
from gate.schedule import parse

MAX_PULSE_S = 15.0
# When the door dies in a pulse, whoever sees it die releases the relay within this, and the maximum still holds.
RELEASE_AFTER_DEATH_S = 0.5
# What we choose ourselves ends this much before that: a thread that wakes late on a busy board ends no process.
_WAKES_LATE_S = 0.3
_READER_NAME = re.compile(r"camera|keypad|card reader|wiegand|osdp \d{1,3}")
_LONGEST_TOGGLE_S = 1.0

Lock = Literal["fail_safe", "fail_secure", "momentary", "hold_open", "turnstile"]

Passback = Literal["off", "soft", "timed", "hard"]

# What each kind means for the people at the gate: printed at start, in the reference and by `facegate doctor`.
CONSEQUENCES: dict[Lock, Sentence] = {
    "fail_safe": Sentence("A magnetic lock: the relay interrupts its current. Without power the gate is open."),
    "fail_secure": Sentence(
        "A strike: the relay gives it current. Without power the gate stays locked, and must open from inside by its"
        " handle."
    ),
    "momentary": Sentence(
        "A gate operator with one push-button input: one short pulse opens, a second would stop or close. Without"
        " power the gate stays as it stands; know its emergency release."
    ),
    "hold_open": Sentence(
        "A gate operator with an input to open and one to hold open (the hold relay). Without power the gate stays as"
        " it stands; know its emergency release."
    ),
    "turnstile": Sentence(
        "A turnstile with a passage contact: one pulse, one passage, then it locks. Wire its arms to drop when power"
        " fails."
    ),
}
OPERATORS = ("momentary", "hold_open")

PINS = (
    "relay_pin",
    "hold_pin",
    "rex_pin",
    "fire_pin",
    "tamper_pin",
    "contact_pin",
    "passage_pin",
    "moving_pin",
    "readback_pin",
    "interlock_pin",
    "bell_pin",
    "red_pin",
    "green_pin",
    "amber_pin",
    "buzzer_pin",
    "wiegand_d0_pin",
    "wiegand_d1_pin",
)


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """The lock, its pins and the rules around them. Raises ValueError with one sentence when the choice is unsafe."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    lock: Lock = "fail_secure"
    """The kind of lock: `fail_safe` (magnet), `fail_secure` (strike), `momentary` or `hold_open` (gate operators),
    `turnstile`. See docs/door.md for what each means when the power fails."""

    pin_factory: Literal["lgpio", "gpiod", "mock"] = "mock"
    """What drives the pins: `lgpio` on a Raspberry Pi, `gpiod` on a Jetson; `mock` keeps a journal and moves
    nothing."""

    mock_board: Literal["latched", "released"] = "latched"
    """What a mock output does when its process dies: keep its level (Raspberry Pi kernels) or let go."""

    gpio_chip: int = 0
    """Number of the gpiochip device the pins are on."""

    relay_pin: int = 17
    """GPIO number (BCM; on a Jetson the line's offset) of the relay."""

    relay_active_high: bool = True
    """Whether a high level energises the relays. Prefer those where it does: they stay off while the board boots."""

    hold_pin: int | None = None
    """The relay that keeps the lock released, or drives the operator's hold-open input: for free access, a manual
    hold and fire."""

    readback_pin: int | None = None
    """A spare contact of the relay, closing to ground while it is energised: a relay that sticks is an alarm."""

    rex_pin: int | None = None
    """The request-to-exit button, closing to ground; absent where REX is wired past the software."""

    fire_pin: int | None = None
    """The fire panel's contact to ground, closed at rest: a fire, or a cut wire, opens it."""

    tamper_pin: int | None = None
    """The housing's tamper contact to ground, closed at rest."""

    contact_pin: int | None = None
    """The door contact to ground."""

    contact_closed_when_shut: bool = True
    """Whether the door contact is closed while the door is shut (a cut wire then reads as a forced door)."""

    passage_pin: int | None = None
    """The turnstile's passage contact, closing to ground as someone passes."""

    moving_pin: int | None = None
    """The operator's output that closes to ground while the gate moves."""

    interlock_pin: int | None = None
    """The contact of the other of two doors to ground, closed while that one is shut: while it is open, or its wire is
    cut, nobody who asks is let in here, by face, PIN, card or from the console. The exit button and fire open all the
    same, and so do free access and a hold."""

    bell_pin: int | None = None
    """The bell's button, closing to ground; it rings where `bell` is on."""

    red_pin: int | None = None
    """The red light."""

    green_pin: int | None = None
    """The green light."""

    amber_pin: int | None = None
    """The amber light."""

    buzzer_pin: int | None = None
    """The buzzer."""

    wiegand_d0_pin: int | None = None
    """Line D0 of a Wiegand reader, pulled up by the board and drawn to ground by the reader, through a level converter:
    its 5 V destroy the board. See docs/readers.md."""

    wiegand_d1_pin: int | None = None
    """Its line D1."""

    wiegand_format: Literal["26", "34", "37-H10304", "37-H10302"] = "26"
    """The one format in which it tells a card: 26 bits (H10301, WG26), 34 (H10306, WG34), or 37 with a facility
    (H10304) or without (H10302). All else is noise."""

    wiegand_keypad: Literal[4, 8] | None = None
    """In how many bits the keypad in it tells a key, 4 or 8; absent: it has none."""

    pulse_s: float = 3.0
    """How long a grant energises the relay, seconds; at most 1 for a momentary operator."""

    extended_pulse_s: float | None = None
    """How long a grant energises the relay for residents who need more time, seconds; absent: as long as `max_pulse_s`
    allows (an operator's stays)."""

    max_pulse_s: float = 12.0
    """The longest the relay may ever stay energised, seconds; the relay's own thread holds it, and the kernel where the
    door hangs."""

    min_interval_s: float = 2.0
    """The least time between the end of one pulse and the start of the next for a credential, seconds."""

    travel_s: float = 20.0
    """How long an operator's gate moves after a pulse, seconds; with `moving_pin`, the gate says so itself."""

    relock_on_close: bool = True
    """Whether the lock is secured as soon as the door was opened and has closed again."""

    held_open_s: float = 30.0
    """An open door is an alarm after this, seconds."""

    extended_held_open_s: float = 90.0
    """The same after an extended opening, seconds."""

    pre_alarm_s: float = 10.0
    """The buzzer warns this long before the alarm, seconds."""

    open_grace_s: float = 2.0
    """A door that opens this soon after the lock was secured is not forced, seconds."""

    other_keys: bool = False
    """Whether keys or remote controls open this gate too, so that an opening nobody was granted is no alarm."""

    tamper_block_s: float = 1800.0
    """After the housing was opened credentials are refused for so long, also over a restart, seconds; 0: an alarm
    alone."""

    rex_stuck_s: float = 60.0
    """A button pressed for longer than this is a fault, seconds; it is still answered."""

    debounce_s: float = 0.03
    """An input counts when it has been still for this long, seconds (REX: 2 ms, so that it is answered at once)."""

    freshness_s: float = 1.5
    """A claim from a frame older than this is refused, seconds."""

    zone: str | None = None
    """The time zone of schedules, such as `Asia/Shanghai`; absent: the machine's own."""

    face_and_pin: str | None = None
    """Hours in which one factor alone does not open, such as `daily 22:00-06:00`, but two of the same person do: face,
    PIN or card, in any order, within 15 s; absent: one always does. Whoever has a face alone takes another way in
    meanwhile."""

    bell: bool = False
    """Whether somebody at the gate can call the console: with `#` alone at a keypad, with the button of `bell_pin`, or
    by standing there unknown three times. It rings for 30 s on Today and the duty desk, where a press opens; where
    nobody has one of them open, nobody hears it but what receives webhooks of the kind `bell`."""

    first_person_group: str | None = None
    """The group of whom one must have gone in before free access by hours begins, each day anew from midnight; absent:
    nobody is waited for. Until then the gate is shut as ever, and on a day on which none of them comes it stays so."""

    escorted_group: str | None = None
    """A group, such as workers, whose people are let in only within `escort_s` after somebody of `escort_group` was let
    in at this gate; absent: nobody needs an escort. Both groups are named together."""

    escort_group: str | None = None
    """The group of who may bring them, such as guards."""

    escort_s: float = 30.0
    """How long after an escort they are let in, seconds."""

    passback: Passback = "off"
    """Whether somebody who is in already is let in once more: `off` always; `soft` too, but it is on record; `timed`
    not within `passback_s`; `hard` not before they went out. Only a passage that the contact saw counts, nobody is
    refused the way out by it, and all is forgotten after 12 h and at 4 in the morning. See docs/door-rules.md."""

    passback_s: float = 300.0
    """For how long `timed` refuses, seconds."""

    passback_gates: bool = False
    """Whether the gates of a compound tell each other over the line who passed which way, so that whoever came in at
    one and went out at another is out, and whoever is in by the word of another is on record as in already. That
    refuses nobody, since it may come late or never. What is told is kept for half a day, at the centre and at each gate
    that has this on. See docs/many-gates.md."""

    inside_readers: str | None = None
    """The readers on the inside, at which people leave, by their names with commas between, such as `card reader`;
    `camera` where that looks at whoever leaves; absent: none. The others are the way in."""

    learn_faces: bool = False
    """Whether a resident who passed by face may have a template of that passage added, so that the gate follows their
    age and glasses: at most two, seldom, above a stricter score, of those who agreed to it."""

    vision_user: str | None = None
    """The system user vision runs as, the only one whose claims count; absent: the door's own user."""

    readers_user: str | None = None
    """The system user readers run as, the only one whose PINs and cards count; absent: the door's own user."""

    api_user: str | None = None
    """The system user the api runs as, which may ask the door to open; root and the door's own user always may."""

    def __post_init__(self) -> None:
        self._check_times()
        self._check_lock()
        self._check_pins()
        self._check_first_person()
        self._check_escort()
        self._check_passback()
        if self.zone is not None:
            try:
                zoneinfo.ZoneInfo(self.zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"there is no time zone {self.zone!r}; give one such as 'Asia/Shanghai'") from error

        if self.face_and_pin is not None:
            try:
                parse(self.face_and_pin)
            except Refusal as error:
                raise ValueError(f"face_and_pin: {error}") from error

    def _check_times(self) -> None:
        if not 0 < self.max_pulse_s <= MAX_PULSE_S:
            raise ValueError(f"max_pulse_s must be above 0 and at most {MAX_PULSE_S:g} seconds")
        for name, seconds in (("pulse_s", self.pulse_s), ("extended_pulse_s", self.extended_pulse_s)):
            if seconds is not None and not (seconds >= 0.1 and seconds + RELEASE_AFTER_DEATH_S <= self.max_pulse_s):
                raise ValueError(
                    f"{name} must be at least 0.1 seconds and"
                    f" at most max_pulse_s less {RELEASE_AFTER_DEATH_S:g} seconds"
                )
        for name, lowest, highest in (
            ("min_interval_s", 0, 60),
            ("freshness_s", 0.1, 5),
            ("travel_s", 1, 120),
            ("held_open_s", 1, 3600),
            ("extended_held_open_s", 1, 3600),
            ("pre_alarm_s", 0, 600),
            ("open_grace_s", 0, 30),
            ("tamper_block_s", 0, 86400),
            ("rex_stuck_s", 5, 3600),
            ("debounce_s", 0.001, 0.5),
            ("passback_s", 1, 43200),
            ("escort_s", 5, 600),
        ):
            if not lowest <= getattr(self, name) <= highest:
                raise ValueError(f"{name} must be between {lowest:g} and {highest:g} seconds")
        if not self.pre_alarm_s < min(self.held_open_s, self.extended_held_open_s):
            raise ValueError("pre_alarm_s must be below held_open_s and extended_held_open_s")

    def _check_lock(self) -> None:
        if self.lock == "momentary" and self.pulse_s > _LONGEST_TOGGLE_S:
            raise ValueError(
                f"pulse_s must be at most {_LONGEST_TOGGLE_S:g} second for a momentary operator: it acts on one short"
                " push; set pulse_s = 0.5"
            )
        if self.bell_pin is not None and not self.bell:
            raise ValueError("bell_pin rings nothing without the bell: set bell = true, or leave bell_pin out")
        if self.lock == "hold_open" and self.hold_pin is None:
            raise ValueError("a hold_open operator needs hold_pin, the relay at its hold-open input")
        if self.lock == "turnstile" and self.passage_pin is None:
            raise ValueError("a turnstile needs passage_pin, its passage contact")
        if self.fire_pin is not None and self.hold_pin is None and self.lock in (*OPERATORS, "turnstile"):
            raise ValueError(
                f"fire_pin with a {self.lock} lock needs hold_pin, the relay that keeps it open; pulses would not"
            )

    def _check_first_person(self) -> None:
        if self.first_person_group is None:
            return
        if self.contact_pin is None and self.passage_pin is None:
            raise ValueError(
                "first_person_group needs contact_pin, or a turnstile's passage_pin: nothing else tells whether"
                " somebody went in"
            )
        if self.hold_pin is None:
            raise ValueError("first_person_group needs hold_pin: without it there is no free access to wait for")

    def _check_escort(self) -> None:
        if (self.escorted_group is None) != (self.escort_group is None):
            raise ValueError("escorted_group and escort_group are set together, or neither is")
        if self.escorted_group is not None and self.escorted_group == self.escort_group:
            raise ValueError("escorted_group and escort_group name the same group; nobody of it could come in first")

    def _check_passback(self) -> None:
        strange = sorted(name for name in self.readers_inside if not _READER_NAME.fullmatch(name))
        if strange:
            raise ValueError(
                f"inside_readers names {', '.join(strange)}, which no reader is called: camera, keypad, card reader,"
                " wiegand, or osdp and its address, such as osdp 0"
            )
        if self.passback == "off":
            return
        if self.contact_pin is None and self.passage_pin is None:
            raise ValueError(
                f"passback = {self.passback} needs contact_pin, or a turnstile's passage_pin: nothing else tells"
                " whether somebody went through"
            )
        if self.passback == "hard" and self.passback_gates:
            raise ValueError(
                "passback = hard cannot be with passback_gates: whoever leaves by another gate is not known to have"
                " left while its line is cut, and would be refused when they come home; choose soft or timed"
            )
        if self.passback != "timed" and not self.readers_inside and not self.passback_gates:
            raise ValueError(
                f"passback = {self.passback} needs inside_readers, at which people leave: else whoever came home once"
                " is in for good"
            )
        if self.passback == "hard" and self.rex_pin is not None:
            raise ValueError(
                "passback = hard cannot be with rex_pin: whoever leaves by the exit button is not known to have left,"
                " and would be refused when they come home; choose soft or timed"
            )

    @property
    def readers_inside(self) -> frozenset[str]:
        """The names of the readers at which people leave."""
        return frozenset(name for one in (self.inside_readers or "").split(",") if (name := one.strip()))

    def _check_pins(self) -> None:
        pins = {name: getattr(self, name) for name in PINS if getattr(self, name) is not None}
        highest = 511 if self.pin_factory == "gpiod" else 27
        if not 0 <= self.gpio_chip <= 255:
            raise ValueError("gpio_chip must be the number of a gpiochip device, between 0 and 255")
        for name, pin in pins.items():
            if not 0 <= pin <= highest:
                raise ValueError(f"{name} must be a GPIO number between 0 and {highest}")
            twin = next(other for other in pins if pins[other] == pin)
            if twin != name:
                raise ValueError(f"{twin} and {name} name the same pin; give each its own")
        if (self.wiegand_d0_pin is None) != (self.wiegand_d1_pin is None):
            raise ValueError("wiegand_d0_pin and wiegand_d1_pin are the two lines of one reader; name both, or neither")
        if self.wiegand_keypad is not None and self.wiegand_d0_pin is None:
            raise ValueError("wiegand_keypad needs wiegand_d0_pin and wiegand_d1_pin, the lines it speaks on")

    @property
    def policy(self) -> Policy:
        """What the door's machine needs to know of these settings."""
        operator = self.lock in OPERATORS
        longest = max(self.pulse_s, self.max_pulse_s - RELEASE_AFTER_DEATH_S - _WAKES_LATE_S)
        return Policy(
            pulse_s=self.pulse_s,
            extended_pulse_s=self.pulse_s if operator else self.extended_pulse_s or longest,
            max_pulse_s=longest,
            interval_s=self.min_interval_s,
            operator=operator,
            toggles=self.lock == "momentary",
            reports_moving=self.moving_pin is not None,
            travel_s=self.travel_s,
            contact=self.contact_pin is not None,
            counts_passages=self.lock == "turnstile",
            hold_relay=self.hold_pin is not None,
            relocks=self.relock_on_close and not operator,
            other_keys=self.other_keys,
            open_grace_s=self.open_grace_s,
            held_open_s=self.held_open_s,
            extended_held_open_s=self.extended_held_open_s,
            pre_alarm_s=self.pre_alarm_s,
            tamper_block_s=self.tamper_block_s,
        )
