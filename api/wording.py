"""What the record, the door and the reasons are called by people. English here, the others in the catalogues."""

from __future__ import annotations

from api.auth import Permission
from gate.care.health import FAULTS as FAULTS
from gate.care.kept_for import Why
from gate.errors import Sentence
from gate.fleet.state import Trouble
from gate.store.compound.proposals import Because
from gate.store.record.details import Details
from gate.vocabulary import ENTERED, Kind, Reason

REASONS: dict[str, Sentence] = {
    Reason.UNKNOWN: Sentence("not known here"),
    Reason.AMBIGUOUS: Sentence("looks like two different residents"),
    Reason.NOT_LIVE: Sentence("not a live face"),
    Reason.ASKED_TO_TURN: Sentence("was asked to turn the head"),
    Reason.NO_FACE: Sentence("no face was seen"),
    Reason.SEVERAL_FACES: Sentence("several faces at once"),
    Reason.TOO_FAR: Sentence("too far away"),
    Reason.OUT_OF_ZONE: Sentence("outside the approach zone"),
    Reason.NOT_NEAREST: Sentence("someone else was nearer"),
    Reason.TURNED_AWAY: Sentence("did not look at the camera"),
    Reason.NOT_UPRIGHT: Sentence("the face was not upright"),
    Reason.NOT_PLAIN: Sentence("the picture of the face was distorted"),
    Reason.COVERED: Sentence("the face was covered"),
    Reason.BLURRED: Sentence("the picture was blurred"),
    Reason.TOO_DARK: Sentence("too dark on the face"),
    Reason.TOO_BRIGHT: Sentence("too bright on the face"),
    Reason.STALE: Sentence("the answer came too late"),
    Reason.REPLAYED: Sentence("the same request came twice"),
    Reason.BUSY: Sentence("the gate was busy"),
    Reason.NOT_ENROLLED: Sentence("no longer enrolled"),
    Reason.WRONG_PEER: Sentence("sent by a program without permission"),
    Reason.MALFORMED: Sentence("a message that could not be read"),
    Reason.FLOOD: Sentence("too many messages"),
    Reason.NOT_THIS_GATE: Sentence("not let in at this gate"),
    Reason.OUT_OF_HOURS: Sentence("outside their hours"),
    Reason.FACE_NOT_ENOUGH: Sentence("a face alone is not enough at this hour"),
    Reason.ONE_MORE: Sentence("was asked to show one thing more"),
    Reason.WRONG_CODE: Sentence("a PIN, a card or a pass that is nobody's"),
    Reason.ALREADY_USED: Sentence("the code on the phone was used already"),
    Reason.SUSPENDED: Sentence("the card is reported lost"),
    Reason.REVOKED: Sentence("the pass was taken back"),
    Reason.SPENT: Sentence("the pass is used up"),
    Reason.TOO_EARLY: Sentence("the pass has not begun yet"),
    Reason.EXPIRED: Sentence("the pass is over"),
    Reason.PASS_NOT_ENOUGH: Sentence("a pass is not enough at this hour"),
    Reason.LOCKED_OUT: Sentence("too many wrong PINs"),
    Reason.OUT_OF_VALIDITY: Sentence("before their first day or after their last"),
    Reason.CLOCK_UNTRUSTED: Sentence("the gate's clock may be wrong"),
    Reason.LOCKDOWN: Sentence("lockdown"),
    Reason.TAMPER: Sentence("tamper block"),
    Reason.GATE_MOVES: Sentence("the gate was moving"),
    Reason.INTERLOCKED: Sentence("the other door was open"),
    Reason.PASSBACK: Sentence("in already"),
    Reason.NO_ESCORT: Sentence("nobody came with them"),
    Reason.NO_HOLD_RELAY: Sentence("there is no hold relay"),
    Reason.STORE_UNREADABLE: Sentence("the database could not be read"),
    Reason.FAULT: Sentence("a fault"),
}

# Said of what somebody ordered by hand, of whom no face was looked at.
ORDER_REASONS = REASONS | {Reason.STALE: Sentence("the order came too late, and nothing was done")}

METHODS: dict[str, Sentence] = {
    "face": Sentence("by face"),
    "pin": Sentence("by PIN"),
    "card": Sentence("by card"),
    "rolling": Sentence("by the code on their phone"),
    "pass": Sentence("by pass"),
    "command": Sentence("from the console"),
    "rex": Sentence("by the exit button"),
    "link": Sentence("by a program"),
}

# What was shown before, in hours that ask for two.
FIRST: dict[str, Sentence] = {
    "face": Sentence("after the face"),
    "pin": Sentence("after the PIN"),
    "card": Sentence("after the card"),
    "rolling": Sentence("after the code on their phone"),
}

# What the rule against passing a credential back means.
PASSBACKS: dict[str, Sentence] = {
    "soft": Sentence("Whoever goes in and is in already is let in, and it is on record."),
    "timed": Sentence("Whoever goes in is refused for a while when they go in once more."),
    "hard": Sentence("Whoever is in already is refused until they go out, or are forgiven."),
}

# By what somebody rang.
BELLS: dict[str, Sentence] = {
    "keypad": Sentence("with the # key of the keypad"),
    "button": Sentence("with the bell's button"),
    "screen": Sentence("on the screen at the gate"),
    "face": Sentence("not recognised three times"),
}

# What somebody looked at; the record has these words in English.
LOOKED: dict[str, Sentence] = {
    "today": Sentence("today's page"),
    "the guard's page": Sentence("who came to the gate lately"),
    "who is at the centre too": Sentence("who of this gate is at the centre too"),
    "events": Sentence("the events"),
    "residents": Sentence("the residents"),
    "a resident": Sentence("a resident"),
    "services": Sentence("the services"),
    "an import": Sentence("an import"),
    "whose face it is": Sentence("whose face a photo shows"),
    "consents": Sentence("the consents"),
    "templates": Sentence("the templates"),
    "ways in": Sentence("PINs and cards"),
    "passes": Sentence("passes"),
    "whereabouts": Sentence("who is in or out"),
    "photos": Sentence("photos from residents"),
    "the camera": Sentence("the camera's picture"),
    "the record": Sentence("the record"),
}

# Who acts without being a user.
ACTORS: dict[str, Sentence] = {
    "first start": Sentence("at the first start"),
    "restoring a backup": Sentence("when a backup was restored"),
    "the gate itself": Sentence("by itself"),
    "the centre": Sentence("by the centre"),
    "home assistant": Sentence("Home Assistant"),
    "retention: unused": Sentence("by itself, as the settings say"),
    "retention: moved_out": Sentence("by itself, as the settings say"),
}

OUTCOMES: dict[str, Sentence] = {
    "taken": Sentence("somebody walked through"),
    "not_taken": Sentence("nobody walked through"),
    "unknown": Sentence("whether anybody walked through cannot be told"),
}

MODES: dict[str, Sentence] = {
    "normal": Sentence("Closed"),
    "pulse": Sentence("Opening"),
    "extended_pulse": Sentence("Opening, with more time"),
    "egress": Sentence("Opening for someone leaving"),
    "free_access": Sentence("Open to all by schedule"),
    "manual_hold": Sentence("Held open"),
    "lockdown": Sentence("Lockdown"),
    "tamper_block": Sentence("Blocked after tampering"),
    "fire": Sentence("Fire: open"),
    "fire_pause": Sentence("Fire: open"),
}

LEAVES: dict[str, Sentence] = {
    "shut": Sentence("the gate is shut"),
    "open": Sentence("the gate stands open"),
    "pre_alarm": Sentence("the gate has been open for a while"),
    "held_open": Sentence("the gate was left open"),
    "forced": Sentence("the gate was forced open"),
}

# Said of an order that did not reach the door, by what whoever gave it has to know now.
SILENT: dict[str, Sentence] = {
    "open": Sentence("The gate does not answer. Try again, or open by hand or with a key."),
    "lockdown": Sentence(
        "The gate does not answer: treat it as NOT locked down. Try again, and keep people out by hand."
    ),
    "hold": Sentence("The gate does not answer: treat it as not held open. Try again, or open by hand or with a key."),
    "close": Sentence("The gate does not answer: treat it as still held open. Try again."),
    "release": Sentence("The gate does not answer: treat it as not ended. Try again."),
}

CAMERA: dict[str, Sentence] = {
    "the picture is frozen": Sentence("The picture does not move."),
    "the picture is black": Sentence("The picture is black."),
    "the picture is white": Sentence("The picture is white."),
}

# What a gate says to its centre that is wrong with it.
TROUBLES: dict[str, Sentence] = {
    Trouble.DOOR: Sentence("The door does not answer."),
    Trouble.API: Sentence("The gate's own console does not answer."),
    Trouble.VISION: Sentence("Nobody comes in by face there now."),
    Trouble.CODES: Sentence("Not every PIN and card opens there now."),
    Trouble.RECORD: Sentence("The gate cannot write its records now."),
    Trouble.CLOCK: Sentence("The clock is not to be trusted: what is bound to a time of day is denied."),
    Trouble.DISK: Sentence("The disk is nearly full."),
    Trouble.HEAT: Sentence("The board is too hot."),
    Trouble.POWER: Sentence("The power supply is too weak (under-voltage)."),
}

EVENTS: dict[str, Sentence] = {
    Kind.GRANTED: Sentence("Let in"),
    Kind.CAME_ALONG: Sentence("Came along with somebody"),
    Kind.DENIED: Sentence("Refused"),
    Kind.RELAY_PULSE: Sentence("The relay was on"),
    Kind.HOLD_RELAY: Sentence("The hold relay was on"),
    Kind.HOLD: Sentence("Held open"),
    Kind.PASSAGE: Sentence("Passage"),
    Kind.ORDERED: Sentence("Ordered by hand"),
    Kind.FAULT: Sentence("Fault"),
    Kind.FAULT_OVER: Sentence("Fault over"),
    Kind.DOOR_STARTED: Sentence("Gate controller started"),
    Kind.DOOR_STOPPED: Sentence("Gate controller stopped"),
    Kind.DOOR_FORCED: Sentence("The gate was forced open"),
    Kind.DOOR_FORCED_OVER: Sentence("The forced gate is shut again"),
    Kind.DOOR_PRE_ALARM: Sentence("The gate has been open for a while"),
    Kind.DOOR_PRE_ALARM_OVER: Sentence("The gate is shut again"),
    Kind.DOOR_HELD_OPEN: Sentence("The gate was left open"),
    Kind.DOOR_HELD_OPEN_OVER: Sentence("The gate left open is shut again"),
    Kind.LOCKDOWN: Sentence("Lockdown"),
    Kind.LOCKDOWN_OVER: Sentence("Lockdown over"),
    Kind.TAMPER_BLOCK: Sentence("Tamper block"),
    Kind.TAMPER_BLOCK_OVER: Sentence("Tamper block over"),
    Kind.FREE_ACCESS: Sentence("Free access"),
    Kind.FREE_ACCESS_OVER: Sentence("Free access over"),
    Kind.HOLD_OVER: Sentence("No longer held open"),
    Kind.FIRE: Sentence("Fire"),
    Kind.FIRE_OVER: Sentence("Fire over"),
    Kind.REX_WAITS: Sentence("Someone leaving waits for the moving gate"),
    Kind.CLOCK_JUMPED: Sentence("The clock was set"),
    Kind.CLOCK_TRUSTED: Sentence("The clock is right again"),
    Kind.CLOCK_UNTRUSTED: Sentence("The clock may be wrong"),
    Kind.RELAY_RELEASED: Sentence("The relay was released by hand"),
    Kind.EVENTS_LOST: Sentence("Events were lost"),
    Kind.VISION_STARTED: Sentence("Face recognition started"),
    Kind.CAMERA_LOST: Sentence("The camera gives no picture"),
    Kind.CAMERA_BACK: Sentence("The camera is back"),
    Kind.INFRARED_LOST: Sentence("The infrared camera gives no picture"),
    Kind.INFRARED_BACK: Sentence("The infrared camera is back"),
    Kind.DURESS: Sentence("Duress alarm"),
    Kind.DURESS_TRIED: Sentence("The duress PIN was tried out"),
    Kind.LOCKED_OUT: Sentence("The keypad rests after wrong PINs"),
    Kind.FORGIVEN: Sentence("Forgotten who is in"),
    Kind.BELL: Sentence("Somebody rang at the gate"),
    Kind.BELL_UNANSWERED: Sentence("Nobody answered the bell"),
    Kind.READERS_STARTED: Sentence("Readers started"),
    Kind.READER_LOST: Sentence("A reader does not answer"),
    Kind.READER_BACK: Sentence("The reader is back"),
    Kind.READER_NOISE: Sentence("What a reader said was not clean"),
    Kind.ENROLLED: Sentence("Enrolled"),
    Kind.TEMPLATES_ADDED: Sentence("More templates"),
    Kind.TEMPLATE_LEARNED: Sentence("A template was learned as they came in"),
    Kind.TEMPLATE_REMOVED: Sentence("A template was erased"),
    Kind.LINK_DRAWN: Sentence("A link for a resident was drawn"),
    Kind.LINK_ENDED: Sentence("A link for a resident was ended"),
    Kind.OWN_PAGE_DRAWN: Sentence("A link to a resident's own page was drawn"),
    Kind.OWN_PAGE_OPENED: Sentence("A resident opened their own page"),
    Kind.OWN_PAGE_ENDED: Sentence("A resident's own page was ended"),
    Kind.PHOTO_SENT: Sentence("A resident sent a photo"),
    Kind.PHOTO_REFUSED: Sentence("A resident's photo was not taken"),
    Kind.RESIDENT_CHANGED: Sentence("Resident changed"),
    Kind.PIN_DRAWN: Sentence("A PIN was drawn"),
    Kind.PIN_REMOVED: Sentence("A PIN was removed"),
    Kind.DURESS_TRIAL: Sentence("A trial of the duress PIN was begun"),
    Kind.ROLLING_CODE_DRAWN: Sentence("A code on the phone was set up"),
    Kind.ROLLING_CODE_REMOVED: Sentence("A code on the phone was removed"),
    Kind.CODES_REMOVED: Sentence("PIN and cards were taken away"),
    Kind.CARD_ADDED: Sentence("A card was added"),
    Kind.CARD_REMOVED: Sentence("A card was removed"),
    Kind.CARD_SUSPENDED: Sentence("A card was reported lost"),
    Kind.CARD_RESUMED: Sentence("A lost card was found again"),
    Kind.PASS_MADE: Sentence("A pass was made"),
    Kind.PASS_REVOKED: Sentence("A pass was taken back"),
    Kind.PASS_OVERSPENT: Sentence("A pass was used more often than it opens, at gates that were cut off"),
    Kind.CORRECTED: Sentence("Corrected: it was somebody else"),
    Kind.CORRECTION_TAKEN_BACK: Sentence("Correction taken back: it was them"),
    Kind.CONSENT_WITHDRAWN: Sentence("Consent withdrawn"),
    Kind.ERASED: Sentence("A resident was erased"),
    Kind.ERASED_TOGETHER: Sentence("Several were erased at once"),
    Kind.PEOPLE_EXPORTED: Sentence("Residents exported"),
    Kind.IMPORT_STOPPED: Sentence("An import was stopped"),
    Kind.SCHEDULE_CHANGED: Sentence("Schedule changed"),
    Kind.SCHEDULE_REMOVED: Sentence("Schedule removed"),
    Kind.HOLIDAY_ADDED: Sentence("Holiday added"),
    Kind.HOLIDAY_REMOVED: Sentence("Holiday removed"),
    Kind.GROUP_CHANGED: Sentence("Group changed"),
    Kind.AREA_CHANGED: Sentence("Area changed"),
    Kind.AREA_REMOVED: Sentence("Area removed"),
    Kind.ZONE_CHANGED: Sentence("Approach zone changed"),
    Kind.FREE_ACCESS_CHANGED: Sentence("Free access changed"),
    Kind.LOOKED_AT: Sentence("Looked at"),
    Kind.EXPORTED: Sentence("Record exported"),
    Kind.USER_ADDED: Sentence("User added"),
    Kind.USER_REMOVED: Sentence("User removed"),
    Kind.PASSWORD_CHANGED: Sentence("Password changed"),
    Kind.ROLE_CHANGED: Sentence("Role changed"),
    Kind.SIGNED_OUT: Sentence("Signed out by somebody else"),
    Kind.SIGNED_IN: Sentence("Signed in"),
    Kind.SIGN_IN_FAILED: Sentence("Sign-in failed"),
    Kind.TOKEN_ADDED: Sentence("Token added"),
    Kind.TOKEN_REVOKED: Sentence("Token revoked"),
    Kind.WEBHOOK_ADDED: Sentence("Webhook added"),
    Kind.WEBHOOK_REMOVED: Sentence("Webhook removed"),
    Kind.WEBHOOK_REPLAYED: Sentence("Webhook sent again"),
    Kind.WEBHOOK_TESTED: Sentence("Webhook tested"),
    Kind.CENTRE_JOINED: Sentence("This gate follows a centre"),
    Kind.CENTRE_LEFT: Sentence("This gate follows no centre any more"),
    Kind.CENTRE_LOST: Sentence("The centre cannot be reached; the gate goes on by itself"),
    Kind.CENTRE_BACK: Sentence("The centre is back"),
    Kind.CENTRE_PROMOTED: Sentence("This machine leads as the centre"),
    Kind.CENTRE_SUPERSEDED: Sentence("Another centre leads in the place of this one"),
    Kind.CENTRE_KEYS_DRAWN: Sentence("This centre began with new keys"),
    Kind.PROPOSAL_REFUSED: Sentence("The centre did not take what was changed here"),
    Kind.GATE_INVITED: Sentence("A gate was invited"),
    Kind.GATE_JOINED: Sentence("A gate joined"),
    Kind.GATE_REMOVED: Sentence("A gate was taken away"),
    Kind.GATES_ORDERED: Sentence("Ordered of several gates"),
    Kind.BACKED_UP: Sentence("Backed up"),
    Kind.BACKUP_DOWNLOADED: Sentence("Backup downloaded"),
    Kind.RESTORED: Sentence("Restored from a backup"),
    Kind.MODELS_INSTALLED: Sentence("Model pack installed"),
    Kind.CALIBRATED: Sentence("Model pack calibrated"),
    Kind.DRILLED: Sentence("Acceptance test"),
    Kind.TIDIED: Sentence("Old data erased"),
    Kind.UPGRADE_ASKED: Sentence("Upgrade from a stick begun"),
    Kind.VERSION_CHANGED: Sentence("Another version of Facegate in use"),
    Kind.UPGRADE_FAILED: Sentence("Upgrade failed; the version before runs on"),
}

ROLES: dict[str, Sentence] = {
    "owner": Sentence("Owner"),
    "manager": Sentence("Manager"),
    "auditor": Sentence("Auditor"),
    "guard": Sentence("Guard"),
}

FADING: dict[str, Sentence] = {
    Why.UNUSED: Sentence(
        "This face has not opened the gate for a long time; it will be erased on {day} unless it is used."
    ),
    Why.MOVED_OUT: Sentence("They will be erased on {day}, since their last day is over by then."),
}

# The same where that day has come, and the night that follows.
FADING_TONIGHT: dict[str, Sentence] = {
    Why.UNUSED: Sentence(
        "This face has not opened the gate for a long time; it will be erased in the coming night unless it is used."
    ),
    Why.MOVED_OUT: Sentence("They will be erased in the coming night, since their last day is over."),
}

# Why the centre did not take all that was changed of somebody here.
NOT_TAKEN: dict[Because, Sentence] = {
    Because.ERASED: Sentence("{name} was erased at the centre or at another gate meanwhile, and is let in nowhere."),
    Because.CHANGED: Sentence(
        "{name} was changed at the centre meanwhile, and stands here as there. Photos, cards and PINs that were added"
        " here are kept; what else was changed here is to be changed again, if it is still wanted."
    ),
    Because.NAMESAKE: Sentence(
        "Somebody called {name} lives there already, by the centre's word. If it is the same person, erase one of the"
        " two; if not, write into the name what tells them apart. Until then {name} is let in at this gate alone."
    ),
    Because.CODE: Sentence(
        "A PIN or a card of {name} is somebody else's at another gate and was taken away here. Draw another PIN, or"
        " give another card. The rest was taken."
    ),
    Because.MOST: Sentence(
        "{name} has as many photos or cards as anybody may have, with those from other gates. The new ones were not"
        " taken; remove some first."
    ),
    Because.TOO_NEW: Sentence(
        "The centre is older than this gate and does not understand it. Upgrade the centre, and save {name} once more."
    ),
    Because.NONSENSE: Sentence(
        "The centre could make no sense of what was changed of {name}. Upgrade the centre and this gate to the same"
        " version, and save {name} once more."
    ),
}

GRADES: dict[str, Sentence] = {
    "ok": Sentence("well"),
    "look": Sentence("look"),
    "bad": Sentence("mend"),
}

WAYS: dict[str, Sentence] = {
    "told": Sentence("by word of mouth"),
    "paper": Sentence("on paper"),
    "screen": Sentence("on a screen"),
    "phone": Sentence("on their own phone"),
    "none": Sentence("not recorded"),
}

# What the events page offers to choose from, and a webhook to send. Each kind is in one of them.
PERMISSIONS: dict[Permission, Sentence] = {
    Permission.LIVE: Sentence("see what the gate does"),
    Permission.DOOR: Sentence("open and lock down"),
    Permission.PEOPLE: Sentence("residents and enrolment"),
    Permission.RECORD: Sentence("read the record"),
    Permission.SITE: Sentence("users and settings"),
    Permission.SCORES: Sentence("how alike faces were"),
}
"""What a token may do."""

KINDS: dict[str, tuple[Sentence, tuple[Kind, ...]]] = {
    "entries": (Sentence("Let in"), ENTERED),
    "refusals": (Sentence("Refused"), (Kind.DENIED,)),
    "alarms": (
        Sentence("Alarms and faults"),
        (
            Kind.DURESS, Kind.DURESS_TRIED, Kind.DOOR_FORCED, Kind.DOOR_FORCED_OVER, Kind.DOOR_HELD_OPEN,
            Kind.DOOR_HELD_OPEN_OVER,
            Kind.DOOR_PRE_ALARM, Kind.DOOR_PRE_ALARM_OVER, Kind.FAULT, Kind.FAULT_OVER, Kind.FIRE, Kind.FIRE_OVER,
            Kind.TAMPER_BLOCK, Kind.TAMPER_BLOCK_OVER, Kind.CAMERA_LOST, Kind.CAMERA_BACK, Kind.INFRARED_LOST,
            Kind.INFRARED_BACK, Kind.READER_LOST, Kind.READER_BACK, Kind.READER_NOISE, Kind.LOCKED_OUT,
            Kind.EVENTS_LOST,
        ),
    ),
    "door": (
        Sentence("The door"),
        (
            Kind.RELAY_PULSE, Kind.HOLD_RELAY, Kind.PASSAGE, Kind.ORDERED, Kind.LOCKDOWN, Kind.LOCKDOWN_OVER, Kind.HOLD,
            Kind.HOLD_OVER, Kind.FREE_ACCESS, Kind.FREE_ACCESS_OVER, Kind.REX_WAITS, Kind.RELAY_RELEASED,
            Kind.FORGIVEN, Kind.GATES_ORDERED,
        ),
    ),
    "bell": (Sentence("The bell"), (Kind.BELL, Kind.BELL_UNANSWERED)),
    "people": (
        Sentence("Residents"),
        (
            Kind.OWN_PAGE_DRAWN, Kind.OWN_PAGE_OPENED, Kind.OWN_PAGE_ENDED,
            Kind.LINK_DRAWN, Kind.LINK_ENDED, Kind.PHOTO_SENT, Kind.PHOTO_REFUSED, Kind.ENROLLED, Kind.TEMPLATES_ADDED,
            Kind.TEMPLATE_LEARNED, Kind.TEMPLATE_REMOVED, Kind.RESIDENT_CHANGED, Kind.PIN_DRAWN, Kind.PIN_REMOVED,
            Kind.DURESS_TRIAL, Kind.ROLLING_CODE_DRAWN, Kind.ROLLING_CODE_REMOVED, Kind.CODES_REMOVED, Kind.CARD_ADDED,
            Kind.CARD_REMOVED, Kind.CARD_SUSPENDED, Kind.CARD_RESUMED, Kind.PASS_MADE, Kind.PASS_REVOKED,
            Kind.PASS_OVERSPENT, Kind.CORRECTED, Kind.CORRECTION_TAKEN_BACK, Kind.CONSENT_WITHDRAWN, Kind.ERASED,
            Kind.ERASED_TOGETHER, Kind.IMPORT_STOPPED,
        ),
    ),
    "looks": (
        Sentence("Who looked"),
        (
            Kind.LOOKED_AT, Kind.EXPORTED, Kind.PEOPLE_EXPORTED, Kind.BACKUP_DOWNLOADED, Kind.SIGNED_IN,
            Kind.SIGN_IN_FAILED,
        ),
    ),
    "settings": (
        Sentence("Settings and accounts"),
        (
            Kind.SCHEDULE_CHANGED, Kind.SCHEDULE_REMOVED, Kind.HOLIDAY_ADDED, Kind.HOLIDAY_REMOVED, Kind.GROUP_CHANGED,
            Kind.AREA_CHANGED, Kind.AREA_REMOVED,
            Kind.ZONE_CHANGED,
            Kind.FREE_ACCESS_CHANGED, Kind.USER_ADDED, Kind.USER_REMOVED, Kind.PASSWORD_CHANGED, Kind.ROLE_CHANGED,
            Kind.SIGNED_OUT, Kind.TOKEN_ADDED,
            Kind.TOKEN_REVOKED, Kind.WEBHOOK_ADDED, Kind.WEBHOOK_REMOVED, Kind.WEBHOOK_REPLAYED,
            Kind.WEBHOOK_TESTED, Kind.CENTRE_JOINED, Kind.CENTRE_LEFT, Kind.PROPOSAL_REFUSED, Kind.GATE_INVITED,
            Kind.GATE_JOINED, Kind.GATE_REMOVED,
        ),
    ),
    "upkeep": (
        Sentence("The gate's own upkeep"),
        (
            Kind.DOOR_STARTED, Kind.DOOR_STOPPED, Kind.VISION_STARTED, Kind.READERS_STARTED, Kind.CLOCK_JUMPED,
            Kind.CLOCK_TRUSTED, Kind.CLOCK_UNTRUSTED, Kind.BACKED_UP, Kind.RESTORED, Kind.MODELS_INSTALLED,
            Kind.CALIBRATED, Kind.DRILLED, Kind.TIDIED, Kind.UPGRADE_ASKED, Kind.VERSION_CHANGED, Kind.UPGRADE_FAILED,
            Kind.CENTRE_LOST, Kind.CENTRE_BACK, Kind.CENTRE_PROMOTED, Kind.CENTRE_SUPERSEDED, Kind.CENTRE_KEYS_DRAWN,
        ),
    ),
}  # fmt: skip


def reason_of(says: Details) -> str:
    """Why what a line tells of was refused; empty where it was not."""
    words = ORDER_REASONS if says.method == "command" or says.order else REASONS
    return words.get(says.reason or "", says.reason or "")
