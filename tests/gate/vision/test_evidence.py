import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.evidence import SAME_PERSON, Rule, gather, weigh
from gate.vocabulary import Candidate, Reason, Sighting

RULE = Rule(threshold=0.58, margin=0.06, frames=3, patience=8)
FACE = np.array([1.0, 0.0], np.float32)


def sighting(scores: dict[str, float], template=FACE) -> Sighting:
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return Sighting(0.0, tuple(Candidate(who, score) for who, score in ranked), template)


scores = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1, 1), max_size=6)
histories = st.lists(scores.map(sighting), max_size=8)


@given(histories)
def test_a_claim_needs_frames_threshold_and_margin_over_the_second_person(history):
    belief = weigh(history, RULE)
    if belief is None or belief.resident is None:
        return
    assert len(history) >= RULE.frames
    means = {}
    for who in "abcdef":
        seen = [{c.resident: c.similarity for c in s.candidates}.get(who) for s in history]
        if all(value is not None for value in seen):
            means[who] = sum(seen) / len(seen)
    assert means[belief.resident] >= RULE.threshold
    for who, mean in means.items():
        assert who == belief.resident or means[belief.resident] - mean >= RULE.margin - 1e-9


@given(histories)
def test_there_is_an_answer_once_patience_is_over_and_none_before_the_frames(history):
    belief = weigh(history, RULE)
    if len(history) < RULE.frames:
        assert belief is None
    if len(history) >= RULE.patience:
        assert belief is not None


def test_a_good_face_is_believed_on_its_first_frames():
    good = sighting({"a": 0.8, "b": 0.3})
    assert weigh([good] * 2, RULE) is None
    belief = weigh([good] * 3, RULE)
    assert belief is not None
    assert (belief.resident, belief.frames) == ("a", 3)


def test_a_stranger_is_unknown_and_two_alike_are_ambiguous():
    assert weigh([sighting({"a": 0.4})] * 8, RULE).reason is Reason.UNKNOWN
    assert weigh([sighting({})] * 8, RULE).reason is Reason.UNKNOWN
    twins = weigh([sighting({"a": 0.8, "b": 0.77})] * 8, RULE)
    assert (twins.resident, twins.reason) == (None, Reason.AMBIGUOUS)


def test_the_threshold_itself_is_enough_and_a_hair_less_is_not():
    at = Rule(threshold=0.5, margin=0.25, frames=2, patience=3)
    assert weigh([sighting({"a": 0.5, "b": 0.25})] * 2, at).resident == "a"
    assert weigh([sighting({"a": math.nextafter(0.5, 0), "b": 0.2})] * 2, at) is None
    assert weigh([sighting({"a": 0.5, "b": math.nextafter(0.25, 1)})] * 2, at) is None


def test_a_resident_missing_from_one_sighting_is_not_claimed():
    seen, unseen = sighting({"a": 0.9, "b": 0.1}), sighting({"b": 0.2})
    assert weigh([seen, seen, unseen], RULE) is None


def test_not_a_number_is_never_believed():
    assert weigh([sighting({"a": math.nan})] * 8, RULE).resident is None


def test_someone_else_in_the_same_place_begins_anew():
    other = sighting({"b": 0.9}, np.array([SAME_PERSON - 0.01, 0.97], np.float32))
    assert gather([sighting({"a": 0.9})] * 2, other, 8) == (other,)
    same = sighting({"a": 0.9})
    assert len(gather([same] * 2, same, 8)) == 3
    assert len(gather([same] * 8, same, 8)) == 8
