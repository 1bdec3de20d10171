"""The nouns of the way from light to relay, and the closed lists of reasons, of kinds of event and of faults.

Standard library only: the door process holds these too. A score is a cosine similarity in [-1, 1]; `*_mono` is
monotonic seconds, `*_at` wall time with a zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.faces import Face


class Reason(StrEnum):
    """Why something was refused. Rule, record, page and translation are all looked up by these."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    NOT_LIVE = "not_live"
    ASKED_TO_TURN = "asked_to_turn"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_FAR = "too_far"
    OUT_OF_ZONE = "out_of_zone"
    NOT_NEAREST = "not_nearest"
    TURNED_AWAY = "turned_away"
    NOT_UPRIGHT = "not_upright"
    NOT_PLAIN = "not_plain"
    COVERED = "covered"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    STALE = "stale"
    REPLAYED = "replayed"
    BUSY = "busy"
    NOT_ENROLLED = "not_enrolled"
    WRONG_PEER = "wrong_peer"
    MALFORMED = "malformed"
    FLOOD = "flood"
    NOT_THIS_GATE = "not_this_gate"
    OUT_OF_HOURS = "out_of_hours"
    FACE_NOT_ENOUGH = "face_not_enough"
    ONE_MORE = "one_more"
    WRONG_CODE = "wrong_code"
    ALREADY_USED = "already_used"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SPENT = "spent"
    TOO_EARLY = "too_early"
    EXPIRED = "expired"
    PASS_NOT_ENOUGH = "pass_not_enough"
    LOCKED_OUT = "locked_out"
    OUT_OF_VALIDITY = "out_of_validity"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LOCKDOWN = "lockdown"
    TAMPER = "tamper"
    GATE_MOVES = "gate_moves"
    INTERLOCKED = "interlocked"
    PASSBACK = "passback"
    NO_ESCORT = "no_escort"
    NO_HOLD_RELAY = "no_hold_relay"
    STORE_UNREADABLE = "store_unreadable"
    FAULT = "fault"


class Kind(StrEnum):
    """What a line of the record says. Record, webhook, page and translation are all looked up by these.

    Whoever writes takes one of these; old records may hold others, and whoever reads lets them be.
    """

    GRANTED = "granted"
    CAME_ALONG = "came_along"
    DENIED = "denied"
    RELAY_PULSE = "relay_pulse"
    HOLD_RELAY = "hold_relay"
    HOLD = "hold"
    PASSAGE = "passage"
    ORDERED = "ordered"
    FAULT = "fault"
    FAULT_OVER = "fault_over"
    DOOR_STARTED = "door_started"
    DOOR_STOPPED = "door_stopped"
    DOOR_FORCED = "door_forced"
    DOOR_FORCED_OVER = "door_forced_over"
    DOOR_PRE_ALARM = "door_pre_alarm"
    DOOR_PRE_ALARM_OVER = "door_pre_alarm_over"
    DOOR_HELD_OPEN = "door_held_open"
    DOOR_HELD_OPEN_OVER = "door_held_open_over"
    LOCKDOWN = "lockdown"
    LOCKDOWN_OVER = "lockdown_over"
    TAMPER_BLOCK = "tamper_block"
    TAMPER_BLOCK_OVER = "tamper_block_over"
    FREE_ACCESS = "free_access"
    FREE_ACCESS_OVER = "free_access_over"
    HOLD_OVER = "hold_over"
    FIRE = "fire"
    FIRE_OVER = "fire_over"
    REX_WAITS = "rex_waits"
    CLOCK_JUMPED = "clock_jumped"
    CLOCK_TRUSTED = "clock_trusted"
    CLOCK_UNTRUSTED = "clock_untrusted"
    RELAY_RELEASED = "relay_released"
    EVENTS_LOST = "events_lost"
    VISION_STARTED = "vision_started"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    INFRARED_LOST = "infrared_lost"
    INFRARED_BACK = "infrared_back"
    DURESS = "duress"
    DURESS_TRIED = "duress_tried"
    LOCKED_OUT = "locked_out"
    FORGIVEN = "forgiven"
    BELL = "bell"
    BELL_UNANSWERED = "bell_unanswered"
    READERS_STARTED = "readers_started"
    READER_LOST = "reader_lost"
    READER_BACK = "reader_back"
    READER_NOISE = "reader_noise"
    ENROLLED = "enrolled"
    TEMPLATES_ADDED = "templates_added"
    TEMPLATE_LEARNED = "template_learned"
    TEMPLATE_REMOVED = "template_removed"
    LINK_DRAWN = "link_drawn"
    LINK_ENDED = "link_ended"
    OWN_PAGE_DRAWN = "own_page_drawn"
    OWN_PAGE_OPENED = "own_page_opened"
    OWN_PAGE_ENDED = "own_page_ended"
    PHOTO_SENT = "photo_sent"
    PHOTO_REFUSED = "photo_refused"
    RESIDENT_CHANGED = "resident_changed"
    PIN_DRAWN = "pin_drawn"
    PIN_REMOVED = "pin_removed"
    DURESS_TRIAL = "duress_trial"
    ROLLING_CODE_DRAWN = "rolling_code_drawn"
    ROLLING_CODE_REMOVED = "rolling_code_removed"
    CODES_REMOVED = "codes_removed"
    CARD_ADDED = "card_added"
    CARD_REMOVED = "card_removed"
    CARD_SUSPENDED = "card_suspended"
    CARD_RESUMED = "card_resumed"
    PASS_MADE = "pass_made"
    PASS_REVOKED = "pass_revoked"
    PASS_OVERSPENT = "pass_overspent"
    CORRECTED = "corrected"
    CORRECTION_TAKEN_BACK = "correction_taken_back"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    ERASED = "erased"
    ERASED_TOGETHER = "erased_together"
    PEOPLE_EXPORTED = "people_exported"
    IMPORT_STOPPED = "import_stopped"
    SCHEDULE_CHANGED = "schedule_changed"
    SCHEDULE_REMOVED = "schedule_removed"
    HOLIDAY_ADDED = "holiday_added"
    HOLIDAY_REMOVED = "holiday_removed"
    GROUP_CHANGED = "group_changed"
    AREA_CHANGED = "area_changed"
    AREA_REMOVED = "area_removed"
    ZONE_CHANGED = "zone_changed"
    FREE_ACCESS_CHANGED = "free_access_changed"
    LOOKED_AT = "looked_at"
    EXPORTED = "exported"
    USER_ADDED = "user_added"
    USER_REMOVED = "user_removed"
    PASSWORD_CHANGED = "password_changed"
    ROLE_CHANGED = "role_changed"
    SIGNED_OUT = "signed_out"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    TOKEN_ADDED = "token_added"
    TOKEN_REVOKED = "token_revoked"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_REMOVED = "webhook_removed"
    WEBHOOK_REPLAYED = "webhook_replayed"
    WEBHOOK_TESTED = "webhook_tested"
    CENTRE_JOINED = "centre_joined"
    CENTRE_LEFT = "centre_left"
    CENTRE_LOST = "centre_lost"
    CENTRE_BACK = "centre_back"
    CENTRE_PROMOTED = "centre_promoted"
    CENTRE_SUPERSEDED = "centre_superseded"
    CENTRE_KEYS_DRAWN = "centre_keys_drawn"
    PROPOSAL_REFUSED = "proposal_refused"
    GATE_INVITED = "gate_invited"
    GATE_JOINED = "gate_joined"
    GATE_REMOVED = "gate_removed"
    GATES_ORDERED = "gates_ordered"
    BACKED_UP = "backed_up"
    BACKUP_DOWNLOADED = "backup_downloaded"
    RESTORED = "restored"
    MODELS_INSTALLED = "models_installed"
    CALIBRATED = "calibrated"
    DRILLED = "drilled"
    TIDIED = "tidied"
    UPGRADE_ASKED = "upgrade_asked"
    VERSION_CHANGED = "version_changed"
    UPGRADE_FAILED = "upgrade_failed"


# Somebody went in: let in, or together with somebody who was.
ENTERED = (Kind.GRANTED, Kind.CAME_ALONG)


class Fault(StrEnum):
    """What the door finds broken by itself."""

    TAMPER = "tamper"
    REX_STUCK = "rex_stuck"
    CONTACT_CHATTER = "contact_chatter"
    RELAY_STUCK_ON = "relay_stuck_on"
    RELAY_STUCK_OFF = "relay_stuck_off"
    NO_HOLD_RELAY = "no_hold_relay"
    GATE_STUCK = "gate_stuck"


class Method(StrEnum):
    """How somebody shows who they are."""

    FACE = "face"
    PIN = "pin"
    CARD = "card"
    ROLLING = "rolling"
    PASS = "pass"


class Way(StrEnum):
    """Where somebody is asked to turn the head: to their own left or right."""

    LEFT = "left"
    RIGHT = "right"


class Direction(StrEnum):
    """Which way somebody passes the gate."""

    IN = "in"
    OUT = "out"


class Level(StrEnum):
    """How much liveness is asked for."""

    OFF = "off"
    STANDARD = "standard"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: (H, W, 3) uint8 BGR, the camera it came from, and when light hit it.

    `repeated` where an encoder gave the picture before it once more, which shows nothing new.
    """

    image: NDArray[np.uint8]
    camera: str
    taken_mono: float
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One person's face over time: its number, when it began, and the face last seen with its time."""

    number: int
    since_mono: float
    face: Face
    seen_mono: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A resident, and how alike the probe is to them; `at_least` is asked for them alone, after a wrong opening."""

    resident: str
    similarity: float
    at_least: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face judged fit to use.

    `template` is the unit-length probe, (D,) float32; it lives in memory alone. `weight` says how much it counts
    among the sightings of its track.
    """

    taken_mono: float
    template: NDArray[np.float32]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """What vision believes of one track: this resident stands here now, or nobody we know does.

    `resident` is None for an unknown person, and then `reason` says why. `frames` is how many sightings the
    belief rests on, `similarity` the best score, of the resident or
    of whoever an unknown person came nearest to (None where there is none). `nearest` is that resident, where it was
    near: as of one stranger in a hundred.

    With `Reason.ASKED_TO_TURN`, `way` is where they are asked to turn the head, None straight ahead, and `further` is
    whether they have begun to and should go on.
    """

    id: str
    track: int
    taken_mono: float
    resident: str | None
    reason: Reason | None
    frames: int
    similarity: float | None
    nearest: str | None = None
    way: Way | None = None
    further: bool = False


@dataclass(frozen=True, slots=True)
class Presented:
    """What somebody shows to a reader: keys pressed at a keypad, one or several, a card, a pass, or a phone's picture.

    `reader` is the reader's name, of what is held up to the camera "camera"; `taken_mono` when it was shown, monotonic
    seconds. `code` are the keys, of "0" to "9", "#" for the end of a number and "*" to begin anew, the card's number
    as the reader gives it, or what the picture says. It is a secret that opens the gate: it reaches neither
    record nor log.
    """

    id: str
    method: Method
    reader: str
    taken_mono: float
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Grant, or deny with one reason.

    `along` is the id of the grant by which they go in where it is an earlier one: that of somebody just let in, with
    whom they come, or their own where they ask twice in one opening.
    """

    granted: bool
    reason: Reason | None = None
    along: str | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What vision would add to a resident's templates, from the track of a claim that was granted.

    `vector` is the track's template by `model`, little-endian float32 of unit length, and `second_vector` the same by
    the model of the second look, `second_model`, where there is one; `similarity` its score against the templates of
    their enrolment alone.
    """

    claim: str
    resident: str
    model: str
    vector: bytes
    similarity: float
    second_model: str | None = None
    second_vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A resident passed this way (None: nobody knows where they are), at this time (seconds since 1970).

    Without a resident: of nobody it is known any more. `shared`: the other gates of the compound are to know.
    """

    resident: str | None
    way: Direction | None
    wall: float
    shared: bool = False


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A line for the record before it is written. `personal` is what erasing the resident must erase, `visitor` what
    goes with a pass, whose id is `visit`."""

    kind: Kind
    details: dict[str, object] = field(default_factory=dict)
    personal: dict[str, str] = field(default_factory=dict)
    resident: str | None = None
    visitor: dict[str, str] = field(default_factory=dict)
    visit: str | None = None
