"""What the record, the door and the reasons are called by people. English here, the others in the catalogues."""

from __future__ import annotations

from gate.store.audit import Line
from gate.vocabulary import Reason


def _(sentence: str) -> str:
    """Marks a sentence for the catalogues; it is translated where it is shown."""
    return sentence


REASONS: dict[str, str] = {
    Reason.UNKNOWN: _("not known here"),
    Reason.AMBIGUOUS: _("looks like two residents"),
    Reason.NO_FACE: _("no face was seen"),
    Reason.SEVERAL_FACES: _("several faces at once"),
    Reason.TOO_FAR: _("too far away"),
    Reason.OUT_OF_ZONE: _("outside the approach zone"),
    Reason.NOT_NEAREST: _("someone else was nearer"),
    Reason.TURNED_AWAY: _("did not look at the camera"),
    Reason.BLURRED: _("the picture was blurred"),
    Reason.TOO_DARK: _("too dark on the face"),
    Reason.TOO_BRIGHT: _("too bright on the face"),
    Reason.STALE: _("the answer came too late"),
    Reason.REPLAYED: _("a claim was sent twice"),
    Reason.BUSY: _("the gate was busy"),
    Reason.NOT_ENROLLED: _("no longer enrolled"),
    Reason.WRONG_PEER: _("asked by a program that may not"),
    Reason.MALFORMED: _("a message that made no sense"),
    Reason.FLOOD: _("too many messages"),
    Reason.OUT_OF_HOURS: _("outside their hours"),
    Reason.OUT_OF_VALIDITY: _("before their first day or after their last"),
    Reason.CLOCK_UNTRUSTED: _("the clock is not to be trusted"),
    Reason.LOCKDOWN: _("lockdown"),
    Reason.TAMPER: _("tamper block"),
    Reason.GATE_MOVES: _("the gate was moving"),
    Reason.NO_HOLD_RELAY: _("there is no hold relay"),
    Reason.STORE_UNREADABLE: _("the database could not be read"),
    Reason.FAULT: _("a fault"),
}

METHODS: dict[str, str] = {
    "face": _("by face"),
    "command": _("by the console"),
    "rex": _("by the exit button"),
    "link": _("by a program"),
}

MODES: dict[str, str] = {
    "normal": _("Closed, ready"),
    "pulse": _("Opening"),
    "extended_pulse": _("Opening, with more time"),
    "egress": _("Opening for someone who leaves"),
    "free_access": _("Open to all by schedule"),
    "manual_hold": _("Held open"),
    "lockdown": _("Lockdown"),
    "tamper_block": _("Blocked after tampering"),
    "fire": _("Fire: open"),
    "fire_pause": _("Fire: open"),
}

LEAVES: dict[str, str] = {
    "shut": _("the leaf is shut"),
    "open": _("the leaf is open"),
    "pre_alarm": _("the leaf has been open for long"),
    "held_open": _("the leaf is held open"),
    "forced": _("the leaf was forced"),
}

FAULTS: dict[str, str] = {
    "tamper": _("The housing was opened."),
    "rex_stuck": _("The exit button does not let go."),
    "contact_chatter": _("The door contact chatters: its wire or its magnet is loose."),
    "relay_stuck_on": _("The relay does not let go."),
    "relay_stuck_off": _("The relay does not pull in."),
    "no_hold_relay": _("The schedule wants the gate open, and there is no hold relay."),
}

CAMERA: dict[str, str] = {
    "the picture is frozen": _("The picture does not move."),
    "the picture is black": _("The picture is black."),
    "the picture is white": _("The picture is white."),
}

EVENTS: dict[str, str] = {
    "granted": _("Let in"),
    "denied": _("Refused"),
    "pulse": _("The relay was on"),
    "hold": _("The hold relay was on"),
    "passage": _("Passage"),
    "ordered": _("Order to the door"),
    "fault": _("Fault"),
    "fault_over": _("Fault over"),
    "door_started": _("The door process started"),
    "door_stopped": _("The door process stopped"),
    "door_forced": _("The gate was forced"),
    "door_forced_over": _("The forced gate is shut again"),
    "door_pre_alarm": _("The gate is open for long"),
    "door_pre_alarm_over": _("The gate is shut again"),
    "door_held_open": _("The gate is held open"),
    "door_held_open_over": _("The held gate is shut again"),
    "lockdown": _("Lockdown"),
    "lockdown_over": _("Lockdown over"),
    "tamper_block": _("Tamper block"),
    "tamper_block_over": _("Tamper block over"),
    "free_access": _("Free access"),
    "free_access_over": _("Free access over"),
    "hold_over": _("No longer held open"),
    "fire": _("Fire"),
    "fire_over": _("Fire over"),
    "rex_waits": _("Exit waits for the moving gate"),
    "clock_jumped": _("The clock jumped"),
    "clock_trusted": _("The clock is trusted"),
    "clock_untrusted": _("The clock is not trusted"),
    "relay_released": _("The relay was released by hand"),
    "events_lost": _("Events were lost"),
    "vision_started": _("Vision started"),
    "camera_lost": _("The camera was lost"),
    "camera_back": _("The camera is back"),
    "enrolled": _("Enrolled"),
    "templates_added": _("More templates"),
    "resident_changed": _("Resident changed"),
    "consent_withdrawn": _("Consent withdrawn"),
    "erased": _("A resident was erased"),
    "schedule_changed": _("Schedule changed"),
    "schedule_removed": _("Schedule removed"),
    "group_changed": _("Group changed"),
    "free_access_changed": _("Free access changed"),
    "looked_at": _("Looked at the record"),
    "exported": _("Exported the record"),
    "user_added": _("User added"),
    "user_removed": _("User removed"),
    "password_changed": _("Password changed"),
    "signed_in": _("Signed in"),
    "sign_in_failed": _("Sign-in failed"),
    "token_added": _("Token added"),
    "token_revoked": _("Token revoked"),
    "backed_up": _("Backed up"),
    "restored": _("Restored from a backup"),
    "models_installed": _("Model pack installed"),
    "drilled": _("Drill"),
}

# What the screen at the gate says for each signal: the words, and what to do.
SCREEN: dict[str, tuple[str, str]] = {
    "ready": (_("Welcome"), _("Please look at the camera")),
    "grant": (_("Welcome home"), _("The gate opens")),
    "deny": (_("Not known here"), _("Please take another way in")),
    "come_closer": (_("Please come closer"), _("and look at the camera")),
    "one_at_a_time": (_("One at a time, please"), _("A moment")),
    "open": (_("The gate is open"), _("Please walk through")),
    "locked": (_("The gate is locked"), _("Please ask the guard")),
    "pre_alarm": (_("Please shut the gate"), _("It has been open for long")),
    "alarm": (_("Please shut the gate"), _("It must not stay open")),
    "fault": (_("The gate cannot see you"), _("Please take another way in")),
    "fire": (_("Fire"), _("The gate is open")),
}

# Where the reason says more than the signal.
SCREEN_REASONS: dict[str, tuple[str, str]] = {
    Reason.OUT_OF_HOURS: (_("Outside your hours"), _("Please ask the guard")),
    Reason.OUT_OF_VALIDITY: (_("Not valid today"), _("Please ask the guard")),
    Reason.CLOCK_UNTRUSTED: (_("The gate does not know the time"), _("Please take another way in")),
    Reason.AMBIGUOUS: (_("Not quite sure"), _("Please take another way in")),
    Reason.TURNED_AWAY: (_("Please look at the camera"), ""),
    Reason.TOO_DARK: (_("Too dark on your face"), _("Please turn towards the light")),
    Reason.TOO_BRIGHT: (_("Too bright on your face"), _("Please step out of the glare")),
    Reason.BLURRED: (_("Please hold still"), ""),
    Reason.STORE_UNREADABLE: (_("The gate cannot see you"), _("Please take another way in")),
    Reason.FAULT: (_("The gate cannot see you"), _("Please take another way in")),
}

ROLES: dict[str, str] = {
    "owner": _("Owner"),
    "manager": _("Manager"),
    "auditor": _("Auditor"),
    "guard": _("Guard"),
}

WAYS: dict[str, str] = {
    "told": _("by word of mouth"),
    "paper": _("on paper"),
    "screen": _("on a screen"),
    "none": _("not recorded"),
}

# What the events page offers to choose from.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "entries": (_("Let in"), ("granted",)),
    "refusals": (_("Refused"), ("denied",)),
    "alarms": (
        _("Alarms and faults"),
        (
            "door_forced",
            "door_held_open",
            "door_pre_alarm",
            "fault",
            "fire",
            "tamper_block",
            "camera_lost",
            "events_lost",
        ),
    ),
    "people": (
        _("Residents"),
        ("enrolled", "templates_added", "resident_changed", "consent_withdrawn", "erased"),
    ),
    "looks": (_("Who looked"), ("looked_at", "exported", "signed_in", "sign_in_failed")),
}


def plain(line: Line, *, scores: bool) -> dict[str, object]:
    """A line's details as they may be shown: how alike a face was is for administrators alone."""
    return {name: value for name, value in line.details.items() if scores or name != "similarity"}
