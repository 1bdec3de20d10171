import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.evidence import SAME_PERSON, Rule, gather, give_up, score_asked_of, shared_with, track_template, weigh
from gate.vocabulary import Candidate, Reason, Sighting
from models.manifest import Cohort

RULE = Rule(
    centre=-0.08, spread=0.13, within=0.03, within_s=0.15, deviate=4.5, floor=0.4, margin=0.04, lookalike=0.55,
    frames=2, patience=8, patience_s=0.5,
)  # fmt: skip
FACE = np.array([1.0, 0.0], np.float32)


def sighting(t: float, template=FACE, weight=1.0) -> Sighting:
    return Sighting(t, template, weight)


def track(count: int, every_s: float = 0.1) -> list[Sighting]:
    return [sighting(number * every_s) for number in range(count)]


def named(**scores: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(who, score) for who, score in sorted(scores.items(), key=lambda item: -item[1]))


people = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1, 1), max_size=6).map(lambda scores: named(**scores))
tracks = st.lists(st.tuples(st.floats(0.001, 0.3), st.floats(0.05, 1)), min_size=1, max_size=20).map(
    lambda steps: [
        sighting(t, weight=weight)
        for t, (_, weight) in zip(np.cumsum([step for step, _ in steps]).tolist(), steps, strict=True)
    ]
)


@given(tracks, people, st.floats(-1, 1))
def test_a_claim_needs_frames_the_score_asked_and_the_margin_over_the_second_person(sightings, candidates, alike):
    belief = weigh(sightings, candidates, alike, RULE)
    if belief is None or belief.resident is None:
        return
    assert len(sightings) >= RULE.frames
    assert candidates[0].similarity >= max(RULE.floor, score_asked_of(sightings, RULE))
    margin = RULE.margin * (2 if alike >= RULE.lookalike else 1)
    assert all(candidates[0].similarity - other.similarity >= margin - 1e-9 for other in candidates[1:])


@given(tracks, people)
def test_there_is_an_answer_once_patience_is_over_and_none_before_the_frames(sightings, candidates):
    belief = weigh(sightings, candidates, 0.0, RULE)
    if len(sightings) < RULE.frames:
        assert belief is None
    if len(sightings) >= RULE.patience and sightings[-1].taken_mono - sightings[0].taken_mono >= RULE.patience_s:
        assert belief is not None


@given(tracks)
def test_more_frames_lower_the_score_asked_and_never_below_what_the_likeness_itself_asks(sightings):
    first, all_of_them = score_asked_of(sightings[:1], RULE), score_asked_of(sightings, RULE)
    likeness = RULE.centre + RULE.deviate * math.sqrt(RULE.spread**2 - RULE.within**2)
    assert max(RULE.floor, likeness) - 1e-9 <= all_of_them <= first + 1e-9


def test_frames_of_one_moment_say_less_than_frames_over_time():
    together, apart = track(5, 0.001), track(5, 1.0)
    assert (
        score_asked_of(apart, RULE)
        < score_asked_of(together, RULE)
        == pytest.approx(score_asked_of(track(1), RULE), abs=1e-3)
    )


def test_a_good_face_is_believed_on_its_first_frames():
    assert weigh(track(1), named(a=0.8, b=0.3), 0.0, RULE) is None
    belief = weigh(track(2), named(a=0.8, b=0.3), 0.0, RULE)
    assert belief is not None
    assert (belief.resident, belief.frames) == ("a", 2)


def test_a_stranger_is_unknown_and_two_alike_are_ambiguous():
    unknown = weigh(track(9), named(a=0.35), 0.0, RULE)
    assert (unknown.reason, unknown.resident, unknown.similarity) == (Reason.UNKNOWN, None, 0.35)
    assert weigh(track(9), (), -1.0, RULE).reason is Reason.UNKNOWN
    twins = weigh(track(9), named(a=0.8, b=0.77), 0.0, RULE)
    assert (twins.resident, twins.reason) == (None, Reason.AMBIGUOUS)


def test_people_who_look_alike_must_be_told_apart_more_clearly():
    candidates = named(a=0.8, b=0.74)
    assert weigh(track(9), candidates, RULE.lookalike - 0.01, RULE).resident == "a"
    assert weigh(track(9), candidates, RULE.lookalike, RULE).reason is Reason.AMBIGUOUS


def test_the_score_asked_and_the_margin_count_from_their_very_value():
    seen = track(2)
    at = score_asked_of(seen, RULE)
    assert weigh(seen, named(a=at), -1.0, RULE).resident == "a"
    assert weigh(seen, named(a=math.nextafter(at, 0)), -1.0, RULE) is None
    quarters = Rule(**{name: getattr(RULE, name) for name in RULE.__slots__} | {"margin": 0.25})
    assert weigh(seen, named(a=1.0, b=0.75), -1.0, quarters).resident == "a"
    assert weigh(seen, named(a=1.0, b=math.nextafter(0.75, 1)), -1.0, quarters) is None


def test_of_nobody_known_it_is_told_whom_they_came_near_to_and_of_a_far_one_nothing():
    rule = replace(RULE, near=0.3)
    assert weigh(track(9), named(a=0.3, b=0.1), 0.0, rule).nearest == "a"
    assert weigh(track(9), named(a=math.nextafter(0.3, 0)), 0.0, rule).nearest is None
    assert weigh(track(9), named(a=0.8, b=0.8), 0.0, rule).nearest == "a"
    assert weigh(track(9), named(a=0.9), 0.0, rule).nearest is None
    assert weigh(track(9), (), 0.0, rule).nearest is None


def test_a_score_that_is_no_number_convinces_nobody():
    unknown = weigh(track(9), named(a=math.nan), 0.0, RULE)
    assert (unknown.resident, unknown.similarity) == (None, None)


def test_patience_is_looks_and_time():
    assert weigh(track(8, 0.01), named(a=0.2), 0.0, RULE) is None
    assert weigh(track(3, 1.0), named(a=0.2), 0.0, RULE) is None
    assert weigh(track(8, 0.1), named(a=0.2), 0.0, RULE).reason is Reason.UNKNOWN


def test_a_change_of_face_begins_anew_and_the_oldest_are_forgotten():
    other = sighting(1.0, np.array([SAME_PERSON - 0.01, 1], np.float32))
    assert gather(track(2), other, 8) == (other,)
    assert len(gather(track(2), sighting(1.0), 8)) == 3
    assert len(gather(track(8), sighting(1.0), 8)) == 8


@given(st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_tracks_template_is_the_weighted_mean_at_unit_length(one, other):
    upright = np.array([0.0, 1.0], np.float32)
    template = track_template([sighting(0, FACE, one), sighting(1, upright, other)])
    assert template @ template == pytest.approx(1, abs=1e-5)
    assert template[1] / template[0] == pytest.approx(other / one, rel=1e-4)


def test_what_a_face_shares_with_nobody_is_the_mean_of_its_nearest_ten():
    cohort = np.zeros((12, 20), np.float32)
    cohort[:, 0] = np.linspace(0, 1, 12)
    probe = np.eye(20, dtype=np.float32)[:1]
    assert shared_with(probe, Cohort(cohort, 0))[0] == 0
    assert shared_with(probe, Cohort(cohort, 0.3))[0] == pytest.approx(0.3 * np.linspace(0, 1, 12)[2:].mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("sightings", "unfit", "near_s", "reason"),
    [
        (0, {}, 99.0, None),
        (0, {Reason.BLURRED: 1}, 1.4, None),
        (0, {Reason.BLURRED: 1}, 1.5, Reason.BLURRED),
        (0, {Reason.BLURRED: 1, Reason.TOO_DARK: 2}, 1.5, Reason.TOO_DARK),
        (1, {Reason.TOO_DARK: 9}, 3.9, None),
        (1, {Reason.TOO_DARK: 9}, 4.0, Reason.TOO_DARK),
        (1, {}, 4.0, Reason.UNKNOWN),
    ],
)
def test_whoever_gives_too_little_to_judge_by_is_told_what_helps_and_not_at_once(sightings, unfit, near_s, reason):
    belief = give_up(track(sightings), unfit, near_s)
    assert (belief and belief.reason) is reason
    assert belief is None or (belief.resident, belief.frames) == (None, sightings)
