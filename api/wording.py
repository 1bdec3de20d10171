"""What the record, the door and the reasons are called by people. English here, the others in the catalogues."""

from __future__ import annotations

from api.importer import Phase
from gate.errors import Sentence
from gate.store.retention import Why
from gate.vocabulary import Reason

REASONS: dict[str, Sentence] = {
    Reason.UNKNOWN: Sentence("not known here"),
    Reason.AMBIGUOUS: Sentence("looks like two residents"),
    Reason.NOT_LIVE: Sentence("not a live face"),
    Reason.NO_FACE: Sentence("no face was seen"),
    Reason.SEVERAL_FACES: Sentence("several faces at once"),
    Reason.TOO_FAR: Sentence("too far away"),
    Reason.OUT_OF_ZONE: Sentence("outside the approach zone"),
    Reason.NOT_NEAREST: Sentence("someone else was nearer"),
    Reason.TURNED_AWAY: Sentence("did not look at the camera"),
    Reason.BLURRED: Sentence("the picture was blurred"),
    Reason.TOO_DARK: Sentence("too dark on the face"),
    Reason.TOO_BRIGHT: Sentence("too bright on the face"),
    Reason.STALE: Sentence("the answer came too late"),
    Reason.REPLAYED: Sentence("a claim was sent twice"),
    Reason.BUSY: Sentence("the gate was busy"),
    Reason.NOT_ENROLLED: Sentence("no longer enrolled"),
    Reason.WRONG_PEER: Sentence("asked by a program that may not"),
    Reason.MALFORMED: Sentence("a message that made no sense"),
    Reason.FLOOD: Sentence("too many messages"),
    Reason.OUT_OF_HOURS: Sentence("outside their hours"),
    Reason.FACE_NOT_ENOUGH: Sentence("a face alone is not enough at this hour"),
    Reason.OUT_OF_VALIDITY: Sentence("before their first day or after their last"),
    Reason.CLOCK_UNTRUSTED: Sentence("the clock is not to be trusted"),
    Reason.LOCKDOWN: Sentence("lockdown"),
    Reason.TAMPER: Sentence("tamper block"),
    Reason.GATE_MOVES: Sentence("the gate was moving"),
    Reason.NO_HOLD_RELAY: Sentence("there is no hold relay"),
    Reason.STORE_UNREADABLE: Sentence("the database could not be read"),
    Reason.FAULT: Sentence("a fault"),
}

METHODS: dict[str, Sentence] = {
    "face": Sentence("by face"),
    "command": Sentence("by the console"),
    "rex": Sentence("by the exit button"),
    "link": Sentence("by a program"),
}

MODES: dict[str, Sentence] = {
    "normal": Sentence("Closed, ready"),
    "pulse": Sentence("Opening"),
    "extended_pulse": Sentence("Opening, with more time"),
    "egress": Sentence("Opening for someone who leaves"),
    "free_access": Sentence("Open to all by schedule"),
    "manual_hold": Sentence("Held open"),
    "lockdown": Sentence("Lockdown"),
    "tamper_block": Sentence("Blocked after tampering"),
    "fire": Sentence("Fire: open"),
    "fire_pause": Sentence("Fire: open"),
}

LEAVES: dict[str, Sentence] = {
    "shut": Sentence("the leaf is shut"),
    "open": Sentence("the leaf is open"),
    "pre_alarm": Sentence("the leaf has been open for long"),
    "held_open": Sentence("the leaf is held open"),
    "forced": Sentence("the leaf was forced"),
}

FAULTS: dict[str, Sentence] = {
    "tamper": Sentence("The housing was opened."),
    "rex_stuck": Sentence("The exit button does not let go."),
    "contact_chatter": Sentence("The door contact chatters: its wire or its magnet is loose."),
    "relay_stuck_on": Sentence("The relay does not let go."),
    "relay_stuck_off": Sentence("The relay does not pull in."),
    "no_hold_relay": Sentence("The schedule wants the gate open, and there is no hold relay."),
}

CAMERA: dict[str, Sentence] = {
    "the picture is frozen": Sentence("The picture does not move."),
    "the picture is black": Sentence("The picture is black."),
    "the picture is white": Sentence("The picture is white."),
}

EVENTS: dict[str, Sentence] = {
    "granted": Sentence("Let in"),
    "denied": Sentence("Refused"),
    "pulse": Sentence("The relay was on"),
    "hold": Sentence("The hold relay was on"),
    "passage": Sentence("Passage"),
    "ordered": Sentence("Order to the door"),
    "fault": Sentence("Fault"),
    "fault_over": Sentence("Fault over"),
    "door_started": Sentence("The door process started"),
    "door_stopped": Sentence("The door process stopped"),
    "door_forced": Sentence("The gate was forced"),
    "door_forced_over": Sentence("The forced gate is shut again"),
    "door_pre_alarm": Sentence("The gate is open for long"),
    "door_pre_alarm_over": Sentence("The gate is shut again"),
    "door_held_open": Sentence("The gate is held open"),
    "door_held_open_over": Sentence("The held gate is shut again"),
    "lockdown": Sentence("Lockdown"),
    "lockdown_over": Sentence("Lockdown over"),
    "tamper_block": Sentence("Tamper block"),
    "tamper_block_over": Sentence("Tamper block over"),
    "free_access": Sentence("Free access"),
    "free_access_over": Sentence("Free access over"),
    "hold_over": Sentence("No longer held open"),
    "fire": Sentence("Fire"),
    "fire_over": Sentence("Fire over"),
    "rex_waits": Sentence("Exit waits for the moving gate"),
    "clock_jumped": Sentence("The clock jumped"),
    "clock_trusted": Sentence("The clock is trusted"),
    "clock_untrusted": Sentence("The clock is not trusted"),
    "relay_released": Sentence("The relay was released by hand"),
    "events_lost": Sentence("Events were lost"),
    "vision_started": Sentence("Vision started"),
    "camera_lost": Sentence("The camera was lost"),
    "camera_back": Sentence("The camera is back"),
    "infrared_lost": Sentence("The infrared camera was lost"),
    "infrared_back": Sentence("The infrared camera is back"),
    "enrolled": Sentence("Enrolled"),
    "templates_added": Sentence("More templates"),
    "template_learned": Sentence("A template was learned from a passage"),
    "template_removed": Sentence("A template was erased"),
    "resident_changed": Sentence("Resident changed"),
    "corrected": Sentence("It was somebody else"),
    "correction_taken_back": Sentence("It was them after all"),
    "consent_withdrawn": Sentence("Consent withdrawn"),
    "erased": Sentence("A resident was erased"),
    "people_exported": Sentence("Exported the residents"),
    "schedule_changed": Sentence("Schedule changed"),
    "schedule_removed": Sentence("Schedule removed"),
    "group_changed": Sentence("Group changed"),
    "zone_changed": Sentence("Approach zone changed"),
    "free_access_changed": Sentence("Free access changed"),
    "looked_at": Sentence("Looked at the record"),
    "exported": Sentence("Exported the record"),
    "user_added": Sentence("User added"),
    "user_removed": Sentence("User removed"),
    "password_changed": Sentence("Password changed"),
    "signed_in": Sentence("Signed in"),
    "sign_in_failed": Sentence("Sign-in failed"),
    "token_added": Sentence("Token added"),
    "token_revoked": Sentence("Token revoked"),
    "webhook_added": Sentence("Webhook added"),
    "webhook_removed": Sentence("Webhook removed"),
    "webhook_replayed": Sentence("Webhook sent again"),
    "backed_up": Sentence("Backed up"),
    "restored": Sentence("Restored from a backup"),
    "models_installed": Sentence("Model pack installed"),
    "calibrated": Sentence("Model pack calibrated"),
    "drilled": Sentence("Drill"),
    "tidied": Sentence("Erased what was kept long enough"),
}

# What the screen at the gate says for each signal: the words, and what to do.
SCREEN: dict[str, tuple[Sentence, Sentence]] = {
    "ready": (Sentence("Welcome"), Sentence("Please look at the camera")),
    "grant": (Sentence("Welcome home"), Sentence("The gate opens")),
    "deny": (Sentence("Not known here"), Sentence("Please take another way in")),
    "come_closer": (Sentence("Please come closer"), Sentence("and look at the camera")),
    "one_at_a_time": (Sentence("One at a time, please"), Sentence("A moment")),
    "open": (Sentence("The gate is open"), Sentence("Please walk through")),
    "locked": (Sentence("The gate is locked"), Sentence("Please ask the guard")),
    "pre_alarm": (Sentence("Please shut the gate"), Sentence("It has been open for long")),
    "alarm": (Sentence("Please shut the gate"), Sentence("It must not stay open")),
    "fault": (Sentence("The gate cannot see you"), Sentence("Please take another way in")),
    "fire": (Sentence("Fire"), Sentence("The gate is open")),
}

# Where the reason says more than the signal.
SCREEN_REASONS: dict[str, tuple[Sentence, Sentence]] = {
    Reason.OUT_OF_HOURS: (Sentence("Outside your hours"), Sentence("Please ask the guard")),
    Reason.FACE_NOT_ENOUGH: (Sentence("A face is not enough now"), Sentence("Please take another way in")),
    Reason.OUT_OF_VALIDITY: (Sentence("Not valid today"), Sentence("Please ask the guard")),
    Reason.CLOCK_UNTRUSTED: (Sentence("The gate does not know the time"), Sentence("Please take another way in")),
    Reason.AMBIGUOUS: (Sentence("Not quite sure"), Sentence("Please take another way in")),
    Reason.NOT_LIVE: (Sentence("Not quite sure"), Sentence("Please take another way in")),
    Reason.TURNED_AWAY: (Sentence("Please look at the camera"), Sentence("The gate needs to see your face")),
    Reason.TOO_DARK: (Sentence("Too dark on your face"), Sentence("Please turn towards the light")),
    Reason.TOO_BRIGHT: (Sentence("Too bright on your face"), Sentence("Please step out of the glare")),
    Reason.BLURRED: (Sentence("Please hold still"), Sentence("and look at the camera")),
    Reason.STORE_UNREADABLE: (Sentence("The gate cannot see you"), Sentence("Please take another way in")),
    Reason.FAULT: (Sentence("The gate cannot see you"), Sentence("Please take another way in")),
}

ROLES: dict[str, Sentence] = {
    "owner": Sentence("Owner"),
    "manager": Sentence("Manager"),
    "auditor": Sentence("Auditor"),
    "guard": Sentence("Guard"),
}

FADING: dict[str, Sentence] = {
    Why.UNUSED: Sentence("The face opened nothing for long; it is erased on {day} unless it is used."),
    Why.MOVED_OUT: Sentence("The last day is over; the person is erased on {day}."),
}

GRADES: dict[str, Sentence] = {
    "ok": Sentence("well"),
    "look": Sentence("look"),
    "bad": Sentence("mend"),
}

PHASES: dict[str, Sentence] = {
    Phase.REHEARSING: Sentence("Rehearsing"),
    Phase.REHEARSED: Sentence("This would change"),
    Phase.WORKING: Sentence("Enrolling"),
    Phase.DONE: Sentence("Done"),
    Phase.FAILED: Sentence("It ended early"),
}

ACTIONS: dict[str, Sentence] = {
    "added": Sentence("added without a face"),
    "enrolled": Sentence("enrolled"),
    "changed": Sentence("changed"),
    "known": Sentence("known already"),
    "refused": Sentence("refused"),
}

WAYS: dict[str, Sentence] = {
    "told": Sentence("by word of mouth"),
    "paper": Sentence("on paper"),
    "screen": Sentence("on a screen"),
    "none": Sentence("not recorded"),
}

# What the events page offers to choose from.
KINDS: dict[str, tuple[Sentence, tuple[str, ...]]] = {
    "entries": (Sentence("Let in"), ("granted",)),
    "refusals": (Sentence("Refused"), ("denied",)),
    "alarms": (
        Sentence("Alarms and faults"),
        (
            "door_forced",
            "door_held_open",
            "door_pre_alarm",
            "fault",
            "fire",
            "tamper_block",
            "camera_lost",
            "infrared_lost",
            "events_lost",
        ),
    ),
    "people": (
        Sentence("Residents"),
        (
            "enrolled",
            "templates_added",
            "template_learned",
            "template_removed",
            "resident_changed",
            "consent_withdrawn",
            "erased",
        ),
    ),
    "looks": (Sentence("Who looked"), ("looked_at", "exported", "people_exported", "signed_in", "sign_in_failed")),
}
