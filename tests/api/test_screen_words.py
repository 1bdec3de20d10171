"""What the screen says of a door in each of its states, and that each state has its words, symbol, colours and tune."""

import re

import pytest

from api.languages import Languages
from api.pages.enrol_words import AT_THE_GATE
from api.pages.screen_words import (
    CAMERA_GONE,
    DOOR_GONE,
    FAULTS,
    FURTHER,
    MODES,
    REASONS,
    SCREEN_GONE,
    SIGNALS,
    TYPING,
    Look,
    everything,
    said_by,
)
from gate.api_settings import ScreenSettings
from gate.door.signals import Signal, signal_of_reason
from gate.door.states import Mode
from gate.errors import Sentence
from gate.vocabulary import Fault, Reason
from tests.conftest import REPOSITORY
from tests.said import door_says
from tests.screens import BLINDNESS, apart, contrast, pairs

TAGS = {one.tag for one in Languages().all}
# What only programs are answered.
OF_PROGRAMS = {Reason.WRONG_PEER, Reason.MALFORMED, Reason.FLOOD}


def file(name):
    return (REPOSITORY / "api" / name).read_text("utf-8")


def test_every_mode_signal_reason_and_fault_has_a_sentence():
    assert set(MODES) == set(Mode)
    assert set(SIGNALS) == set(Signal)
    assert set(REASONS) == set(Reason)
    assert set(FAULTS) == set(Fault)


def test_both_languages_advise_the_same():
    """On a screen with two of them: what one sentence is in the first, one is in the second."""
    chinese = Languages().chosen("zh-CN", "")
    # In English the words above go on in it.
    same = {Sentence("and look at the camera"): Sentence("Please look at the camera")}
    advised = {}
    for advice in {said.advice for _, said in everything()}:
        advised.setdefault(chinese(advice), set()).add(same.get(advice, advice))
    assert {words: different for words, different in advised.items() if len(different) > 1} == {}


def test_every_symbol_is_drawn_and_every_kind_of_answer_has_a_frame_colours_and_a_tune():
    drawn = re.findall(r'<symbol id="([\w-]+)"', file("pages/screen_symbols.html"))
    assert len(drawn) == len(set(drawn))
    assert {said.symbol for _, said in (*everything(), *AT_THE_GATE.items())} <= set(drawn)
    assert {f"frame-{look}" for look in Look} <= set(drawn)
    style, tunes = file("static/screen.css"), file("static/screen_sounds.js")
    for look in set(Look) - {Look.CALM}:
        assert f'[data-look="{look}"] {{ --ground:' in style
        assert f"  {look}: [[" in tunes


def colours():
    """Ground and ink of each kind of answer, out of the style."""
    style = file("static/screen.css")
    found = {
        look: style.split(f'[data-look="{look}"] {{ --ground: ')[1].split("}")[0] for look in set(Look) - {Look.CALM}
    }
    pairs = {look: re.findall("#[0-9a-f]{3,6}", one) for look, one in found.items()}
    return pairs | {Look.CALM: [re.search(f"--{name}, (#[0-9a-f]+)", style)[1] for name in ("ground", "ink")]}


@pytest.mark.parametrize("blindness", [None, *BLINDNESS])
def test_kinds_of_answer_differ_in_colour_for_whoever_sees_colours_differently(blindness):
    known = colours()
    for one, other in pairs(sorted(known)):
        # 2.3 is what an eye just tells apart, side by side; these come one after the other.
        assert apart(known[one][0], known[other][0], blindness) >= 5 * 2.3, (one, other)
    for look, (ground, ink) in known.items():
        assert contrast(ground, ink) >= 7, look


def test_the_screen_speaks_every_language_there_is():
    for key in ("language", "second_language"):
        assert set(ScreenSettings.model_fields[key].annotation.__args__) == TAGS | {""}


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.UNKNOWN}))
@pytest.mark.parametrize("mode", ["normal", "lockdown"])
def test_nobody_but_somebody_unknown_is_told_so(reason, mode):
    unknown = REASONS[Reason.UNKNOWN]
    said = said_by(door_says(mode=mode, signal=signal_of_reason(reason).value, reason=reason))
    assert (said.words, said.symbol) != (unknown.words, unknown.symbol)
    if mode == "normal" and reason not in OF_PROGRAMS:
        assert said is REASONS[reason]


LOCKED, BLOCKED = MODES["lockdown"], MODES["tamper_block"]


@pytest.mark.parametrize(
    ("door", "said"),
    [
        ({}, SIGNALS["ready"]),
        ({"signal": None}, SIGNALS["ready"]),
        ({"signal": "grant", "mode": "pulse", "residents": ("r",)}, SIGNALS["grant"]),
        # By hand, or for whoever goes out: nobody comes home.
        ({"signal": "grant", "mode": "pulse"}, MODES["pulse"]),
        ({"signal": "grant", "mode": "egress"}, MODES["egress"]),
        ({"signal": "grant", "mode": "extended_pulse", "residents": ("r",)}, MODES["extended_pulse"]),
        # Whatever somebody does while it is locked to all, it stays so.
        ({"signal": "locked", "mode": "lockdown"}, LOCKED),
        ({"signal": "deny", "mode": "lockdown", "reason": Reason.LOCKDOWN}, LOCKED),
        ({"signal": "deny", "mode": "lockdown", "reason": Reason.UNKNOWN}, LOCKED),
        ({"signal": "come_closer", "mode": "lockdown", "reason": Reason.TOO_FAR}, LOCKED),
        ({"signal": "deny", "mode": "tamper_block", "reason": Reason.TAMPER}, BLOCKED),
        ({"signal": "locked", "mode": "tamper_block"}, BLOCKED),
        # Whoever types sees that they do, until they are answered.
        ({"typed": 3}, TYPING),
        ({"typed": 1, "signal": "deny", "reason": Reason.WRONG_CODE}, TYPING),
        ({"typed": 1, "signal": "grant", "mode": "pulse", "residents": ("r",)}, SIGNALS["grant"]),
        ({"typed": 1, "signal": "locked", "mode": "lockdown"}, LOCKED),
        ({"typed": 1, "signal": "fire", "mode": "fire"}, MODES["fire"]),
        ({"signal": "deny", "reason": Reason.ONE_MORE}, REASONS[Reason.ONE_MORE]),
        # Where the head is to be turned.
        ({"signal": "turn_left", "reason": Reason.ASKED_TO_TURN}, SIGNALS["turn_left"]),
        ({"signal": "turn_right", "reason": Reason.ASKED_TO_TURN, "further": True}, FURTHER["turn_right"]),
        ({"signal": "look_ahead", "reason": Reason.ASKED_TO_TURN}, REASONS[Reason.ASKED_TO_TURN]),
        ({"signal": "turn_left", "mode": "lockdown", "reason": Reason.ASKED_TO_TURN}, LOCKED),
        # An alarm hides an answer.
        ({"signal": "alarm", "leaf": "forced", "reason": Reason.UNKNOWN}, SIGNALS["alarm"]),
        ({"signal": "alarm", "leaf": "forced", "faults": ("tamper",)}, SIGNALS["alarm"]),
        ({"signal": "alarm", "faults": ("tamper",)}, FAULTS[Fault.TAMPER]),
        ({"signal": "pre_alarm", "leaf": "pre_alarm"}, SIGNALS["pre_alarm"]),
        # What keeps everybody out before what is only to be mended.
        ({"signal": "fault", "faults": ("rex_stuck", "relay_stuck_off")}, FAULTS[Fault.RELAY_STUCK_OFF]),
        ({"signal": "fault", "faults": ("rex_stuck",)}, FAULTS[Fault.REX_STUCK]),
        ({"signal": "fault", "store_fault": "The disk is full."}, SIGNALS["fault"]),
        ({"signal": "fault", "faults": ("of a later version",)}, SIGNALS["fault"]),
        ({"signal": "fault", "reason": Reason.STORE_UNREADABLE}, REASONS[Reason.STORE_UNREADABLE]),
        # It does not open, whatever it was told to.
        ({"signal": "grant", "mode": "pulse", "residents": ("r",), "faults": ("relay_stuck_off",)},
         FAULTS[Fault.RELAY_STUCK_OFF]),
        ({"signal": "open", "mode": "free_access"}, MODES["free_access"]),
        ({"signal": "fire", "mode": "fire_pause", "reason": Reason.UNKNOWN}, MODES["fire"]),
        ({"signal": "of a later version", "mode": "of a later version"}, SIGNALS["ready"]),
    ],
)  # fmt: skip
def test_what_a_door_says_of_itself_becomes_what_people_read(door, said):
    assert said_by(door_says(**door)) is said


def test_what_is_gone_is_told_apart():
    assert said_by(None) is DOOR_GONE
    assert len({one.words for one in (CAMERA_GONE, DOOR_GONE, SCREEN_GONE)}) == 3


def test_only_what_is_true_without_a_camera_is_said_without_one():
    """Whoever is sent to the camera, or told that a face still opens, is sent so only while somebody looks."""
    for name, said in everything():
        answers = name.startswith(("reason", "signal come_closer", "signal one_at")) or said is SCREEN_GONE
        promises = "face" in said.advice or "camera" in said.advice
        assert said.by_face or answers or not promises, name
