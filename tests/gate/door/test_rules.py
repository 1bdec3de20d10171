import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door.rules import Earlier, Known, decide
from gate.store.people.passes import Pass
from gate.store.people.residents import Resident
from gate.vocabulary import Claim, Method, Presented, Reason, Verdict
from tests.door import known_well

CLAIM = Claim("c1", 1, 100.0, "r1", None, 3, 0.8)
RESIDENT = Resident(1, "r1", "Wang Fang", None, "2026-01-01", 2)
WELL = known_well(RESIDENT)


def test_a_fresh_claim_of_a_resident_from_its_user_is_granted():
    assert decide(CLAIM, WELL, Earlier(), 100.5, 1.5).granted


@pytest.mark.parametrize(
    "known",
    [
        Known(), Known(RESIDENT), Known(RESIDENT, from_its_user=True),
        Known(RESIDENT, at_this_gate=True, valid=True, within_hours=True, one_suffices=True),
        replace(WELL, at_this_gate=None),
    ],
)  # fmt: skip
def test_what_was_left_out_refuses(known):
    assert not decide(CLAIM, known, Earlier(), 100.5, 1.5).granted


@pytest.mark.parametrize(
    ("claim", "known", "now", "reason"),
    [
        (CLAIM, replace(WELL, from_its_user=False), 100.5, Reason.WRONG_PEER),
        (CLAIM, WELL, 101.51, Reason.STALE),
        (CLAIM, WELL, 99.9, Reason.STALE),
        (CLAIM, WELL, math.nan, Reason.STALE),
        (replace(CLAIM, taken_mono=math.inf), WELL, 100.5, Reason.STALE),
        (replace(CLAIM, resident=None, reason=Reason.BLURRED), WELL, 100.5, Reason.BLURRED),
        (replace(CLAIM, resident=None), WELL, 100.5, Reason.UNKNOWN),
        (replace(CLAIM, resident=None, reason=Reason.ASKED_TO_TURN), WELL, 100.5, Reason.ASKED_TO_TURN),
        # A reason why not goes before whoever is named.
        (replace(CLAIM, reason=Reason.ASKED_TO_TURN), WELL, 100.5, Reason.ASKED_TO_TURN),
        (CLAIM, replace(WELL, resident=None), 100.5, Reason.NOT_ENROLLED),
        (CLAIM, replace(WELL, resident=None, readable=False), 100.5, Reason.STORE_UNREADABLE),
        (CLAIM, replace(WELL, at_this_gate=False), 100.5, Reason.NOT_THIS_GATE),
        # Which gate it is needs no clock, and is what they are told whatever the hour is.
        (CLAIM, replace(WELL, at_this_gate=False, valid=None, within_hours=False), 100.5, Reason.NOT_THIS_GATE),
        (CLAIM, replace(WELL, at_this_gate=False, suspended=True), 100.5, Reason.SUSPENDED),
        (CLAIM, replace(WELL, within_hours=False), 100.5, Reason.OUT_OF_HOURS),
        (CLAIM, replace(WELL, within_hours=None), 100.5, Reason.CLOCK_UNTRUSTED),
        (CLAIM, replace(WELL, valid=False), 100.5, Reason.OUT_OF_VALIDITY),
        (CLAIM, replace(WELL, valid=None), 100.5, Reason.CLOCK_UNTRUSTED),
        (CLAIM, replace(WELL, one_suffices=False), 100.5, Reason.FACE_NOT_ENOUGH),
        (CLAIM, replace(WELL, one_suffices=None), 100.5, Reason.CLOCK_UNTRUSTED),
        (CLAIM, replace(WELL, valid=False, within_hours=False), 100.5, Reason.OUT_OF_VALIDITY),
        (CLAIM, replace(WELL, in_already=True, refused_again=True), 100.5, Reason.PASSBACK),
        (CLAIM, replace(WELL, unescorted=True), 100.5, Reason.NO_ESCORT),
        (CLAIM, replace(WELL, unescorted=True, within_hours=False), 100.5, Reason.OUT_OF_HOURS),
        (CLAIM, replace(WELL, unescorted=True, one_suffices=False), 100.5, Reason.NO_ESCORT),
        (CLAIM, replace(WELL, in_already=True, refused_again=True, within_hours=False), 100.5, Reason.OUT_OF_HOURS),
    ],
)
def test_each_rule_refuses_with_its_reason(claim, known, now, reason):
    verdict = decide(claim, known, Earlier(), now, 1.5)
    assert (verdict.granted, verdict.reason) == (False, reason)


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        (Earlier(same=True), Reason.REPLAYED),
        (Earlier(up_to_mono=100.1), Reason.STALE),
        (Earlier(up_to_mono=math.nan), Reason.STALE),
        (Earlier(same=True, up_to_mono=100.1), Reason.REPLAYED),
    ],
)
def test_what_was_heard_already_or_comes_too_late_refuses(earlier, reason):
    assert decide(CLAIM, WELL, earlier, 100.5, 1.5) == Verdict(False, reason)


@pytest.mark.parametrize(("taken", "now"), [(0.0, -0.001), (100.0, 100.0), (100.0, 101.5)])
def test_freshness_and_rounding_hold_to_their_ends(taken, now):
    assert decide(replace(CLAIM, taken_mono=taken), WELL, Earlier(), now, 1.5).granted


def test_claims_of_one_frame_are_of_several_people_in_it():
    assert decide(CLAIM, WELL, Earlier(up_to_mono=CLAIM.taken_mono), 100.5, 1.5) == Verdict(True)


SHOWN = Presented("p1", Method.PASS, "camera", 100.0, "V")
VISIT = Pass(
    "v1", "Zhao Lei", None, None, "3-2-502", "32502", "2026-01-01T00:00:00.000+00:00", "2027-01-01T00:00:00.000+00:00",
    None, None, 2, 1, None, None, "2026-01-01T00:00:00.000+00:00", None, None,
)  # fmt: skip
VISITS_WELL = Known(
    visit=VISIT, from_its_user=True, at_this_gate=True, valid=True, begun=True, within_hours=True, one_suffices=True,
    spent=True,
)  # fmt: skip


def test_a_pass_of_which_a_use_was_spent_is_granted_to_a_code_and_to_no_face():
    assert decide(SHOWN, VISITS_WELL, Earlier(), 100.5, 1.5).granted
    assert decide(CLAIM, VISITS_WELL, Earlier(), 100.5, 1.5).reason is Reason.NOT_ENROLLED


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(visit=VISIT), Reason.WRONG_PEER),
        (replace(VISITS_WELL, visit=None), Reason.WRONG_CODE),
        (replace(VISITS_WELL, readable=False), Reason.STORE_UNREADABLE),
        (replace(VISITS_WELL, visit=replace(VISIT, revoked_at="2026")), Reason.REVOKED),
        (replace(VISITS_WELL, visit=replace(VISIT, uses_left=0)), Reason.SPENT),
        # Taken back goes before all that the clock says, and so does used up.
        (replace(VISITS_WELL, visit=replace(VISIT, revoked_at="2026", uses_left=0), valid=None), Reason.REVOKED),
        (replace(VISITS_WELL, visit=replace(VISIT, uses_left=0), valid=False), Reason.SPENT),
        (replace(VISITS_WELL, at_this_gate=False, begun=None), Reason.NOT_THIS_GATE),
        (replace(VISITS_WELL, begun=None), Reason.CLOCK_UNTRUSTED),
        (replace(VISITS_WELL, valid=None), Reason.CLOCK_UNTRUSTED),
        (replace(VISITS_WELL, within_hours=None), Reason.CLOCK_UNTRUSTED),
        (replace(VISITS_WELL, begun=False), Reason.TOO_EARLY),
        (replace(VISITS_WELL, valid=False), Reason.EXPIRED),
        (replace(VISITS_WELL, within_hours=False), Reason.OUT_OF_HOURS),
        (replace(VISITS_WELL, one_suffices=False), Reason.PASS_NOT_ENOUGH),
        (replace(VISITS_WELL, spent=False), Reason.STORE_UNREADABLE),
    ],
)
def test_each_rule_of_a_pass_refuses_with_its_reason(known, reason):
    assert decide(SHOWN, known, Earlier(), 100.5, 1.5) == Verdict(False, reason)


KNOWABLE = st.sampled_from([True, False, None])


@given(
    st.builds(
        Known, st.sampled_from([RESIDENT, None]), st.booleans(), st.booleans(), KNOWABLE, KNOWABLE, KNOWABLE,
        KNOWABLE,
    ),
    st.booleans(), st.sampled_from(["r1", None]), st.floats(allow_nan=True, allow_infinity=True), st.floats(0.1, 5),
)  # fmt: skip
def test_a_grant_implies_every_rule(known, same, resident, age, freshness):
    verdict = decide(replace(CLAIM, resident=resident), known, Earlier(same), 100.0 + age, freshness)
    if verdict.granted:
        assert known == WELL
        assert not same
        assert resident is not None
        assert -0.01 <= age <= freshness + 1e-9
    else:
        assert verdict.reason is not None
