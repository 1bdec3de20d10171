"""The texts people agree to, and what the command line makes of them."""

import hashlib
from typing import get_args

import pytest

from enroll.consent import CURRENT, LANGUAGES, agreed, text
from gate.enrolment_settings import EnrolmentSettings
from gate.errors import UsageError
from gate.store.people import consents, residents
from gate.store.people.consents import Way
from gate.store.record import audit

# A text that somebody agreed to is never changed; a new one gets a new number.
USED = {
    ("face-1", "en"): "4e346e9df7c11a4794cae693dbec956581a9c298200e14545391c73185243e53",
    ("face-1", "zh-CN"): "d01d93b2f998ea09887e1c5ffb6d86e4a657582ed12172e0f3ecf2ebce92bcaa",
    ("face-2", "en"): "cfa7bceec670bf7c0645a733cb03e278f6268ff12bf48f479435f190cd6a8aee",
    ("face-2", "zh-CN"): "b8bb5e3d5158fb1e1d71365f6eaabac53000b234d2f0f6bdaaf774ca46babfd6",
    ("face-3", "en"): "547223b92c6c6a6db153301c11671388fcc49820eebed389feb0c76bb79510dd",
    ("face-3", "zh-CN"): "0767277e036ea24a2fdebb0800ce441a14f8e31da99e502d3280cd4a01376fac",
}


@pytest.mark.parametrize("name_and_language", USED)
def test_a_used_text_stays_as_it_was(name_and_language):
    name, language = name_and_language
    assert hashlib.sha256(text(language, name).encode()).hexdigest() == USED[name, language]


def test_the_current_text_is_there_in_every_language_and_a_consent_names_its_words():
    for language in LANGUAGES:
        consent = agreed(Way.PAPER, language, "Li Na").recorded("uid 1")
        assert (consent.text, consent.sha256) == (CURRENT, USED[CURRENT, language])
    with pytest.raises(UsageError, match="no consent text face-3 in 'xx'"):
        text("xx")
    with pytest.raises(UsageError, match="no consent text in this language"):
        agreed(Way.PAPER, "xx")
    with pytest.raises(UsageError, match="guardian's name must have"):
        agreed(Way.PAPER, "en", " ")


def test_the_command_line_records_withdraws_and_gives_a_receipt(facegate, photos, store):
    assert "Consent to entry by face" in facegate("consent").out
    assert "知情同意书" in facegate("consent", "--language", "zh-CN").out
    how = ("--consent", "paper", "--language", "zh-CN", "--guardian", "Li Na")
    done = facegate("enroll", "Xiao Ming", photos / "obama.jpg", *how)
    assert (done.code, "Li Na agreed for them" in done.out) == (0, True)
    someone = residents.find(store, "Xiao Ming")
    (kept,) = consents.of(store, someone.id)
    assert (kept.consent.guardian, kept.consent.way, kept.consent.language) == ("Li Na", "paper", "zh-CN")
    shown = facegate("residents", "show", "Xiao Ming")
    assert "agreed to face-3 (zh-CN), paper, Li Na for them" in shown.out
    withdrawn = facegate("residents", "withdraw", "Xiao Ming", "--yes", "--json")
    assert (withdrawn.code, withdrawn.answer["templates"]) == (0, 1)
    assert withdrawn.answer["id"] in {line.id for line in audit.lines(store)}
    assert facegate("residents", "withdraw", "Xiao Ming", "--yes").code == 1
    removed = facegate("residents", "remove", "Xiao Ming", "--yes")
    assert f"Receipt {list(audit.lines(store))[-1].id}" in removed.out


def test_someone_without_a_face_is_added_and_photos_are_one_or_the_other(facegate, photos):
    assert facegate("enroll", "Li Na", "--no-face", "--unit", "1-101").out.strip() == "Li Na is added, without a face."
    assert "is already enrolled" in facegate("enroll", "Li Na", "--no-face").err
    for wrong in ((), (photos / "obama.jpg", "--no-face")):
        done = facegate("enroll", "Li Na", *wrong)
        assert (done.code, "Give photos to enrol from, or --no-face" in done.err) == (2, True)
    assert facegate("enroll", "Li\u202eNa", "--no-face").code == 2


def test_the_setting_offers_the_languages_that_have_a_text():
    assert set(get_args(EnrolmentSettings.model_fields["language"].annotation)) == {"", *LANGUAGES}
