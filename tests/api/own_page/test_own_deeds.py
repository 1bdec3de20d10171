"""What a resident does on their own page, at a real door: each is theirs alone, and on record as theirs."""

import re
from datetime import datetime, timedelta

from api.acts import Acts
from api.app import create_app
from enroll.consent import agreed
from gate.store.compound import role
from gate.store.people import credentials, passes, residents
from gate.store.people.changes import Changes, change
from gate.store.people.consents import Way
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import schedules
from tests.api.test_credentials import answered
from tests.api.test_passes import hold_up, wanted
from tests.api.test_rolling_code import scanned
from tests.api.test_ways_in_told import text_of
from tests.console import Browser, context_on, problem_of
from tests.door import until


def by_page(store, kind):
    (line,) = [line for line in audit.lines(store) if line.kind == kind]
    return line.says.by.startswith("page ")


def test_a_pass_is_made_in_three_taps_opens_and_is_taken_back(opened, manager, store, door, fang):
    theirs, at = opened(fang)
    asked = {"name": "Zhao Lei", "span": "today", "uses": "2", "key": "k"}
    # The answer is lost, and they tap once more.
    theirs.post(f"{at}/passes", data=asked)
    made = theirs.send(f"{at}/passes", data=asked)
    code = scanned(made)
    assert re.fullmatch("V[A-Z2-7]{16}", code)
    assert ("download=" in made.text, "32502" in re.sub("<[^>]+>|\\s", "", made.text)) == (True, True)
    again = theirs.send(f"{at}/passes", data=asked)
    assert ("<svg" in again.text, len(passes.every(store))) == (False, 1)
    hold_up(door, code)
    answered(store, ("granted", "pass", None))
    (one,) = passes.every(store)
    assert (one.host, one.uses_left) == (fang.id, 1)
    assert "Zhao Lei" in theirs.get(at).text
    told = theirs.send(f"{at}/passes/{one.id}/removal")
    assert "taken back: it opens nothing" in told.text
    until(door, mode="normal", at_rest=True)
    hold_up(door, code)
    answered(store, ("granted", "pass", None), ("denied", "pass", "revoked"))
    assert (by_page(store, "pass_made"), by_page(store, "pass_revoked")) == (True, True)
    assert "the resident, on their own page" in manager.get("/events?what=everything").text


def test_in_a_compound_a_resident_reads_which_gates_a_pass_opens_and_how_uses_are_counted(opened, store, door, fang):
    theirs, at = opened(fang)
    said = "Each use is known at all gates after about a second"
    assert said not in text_of(theirs.get(at))
    role.become_centre(store)
    assert said in text_of(theirs.get(at))
    theirs.send(f"{at}/passes", data={"name": "Zhao Lei", "span": "today", "uses": "2"})
    (one,) = passes.every(store)
    assert "every gate of the compound" in text_of(theirs.get(f"{at}/passes/{one.id}"))


def test_passes_are_so_many_and_end_with_their_last_day(opened, store, door, context, fang):
    theirs, at = opened(fang)
    for number in range(3):
        assert theirs.post(f"{at}/passes", data={"name": f"Zhao {number}"}).status_code == 303
    refused = theirs.post(f"{at}/passes", data={"name": "Zhao 4"})
    assert (refused.status_code, problem_of(refused)) == (422, "There are 3 open passes already. Take one back first.")
    assert len(passes.every(store)) == 3
    for one in passes.every(store):
        theirs.post(f"{at}/passes/{one.id}/removal")
    change(store, fang, Changes(valid_until=context.today.isoformat()), by="test")
    theirs.post(f"{at}/passes", data={"name": "Qian", "span": "week", "uses": "5"})
    (last,) = [one for one in passes.every(store) if one.name == "Qian"]
    assert last.ends_at - datetime.fromisoformat(last.valid_from) <= timedelta(days=1)
    change(store, fang, Changes(valid_until="", valid_from=(context.today + timedelta(days=3)).isoformat()), by="test")
    early = theirs.post(f"{at}/passes", data={"name": "Sun"})
    assert problem_of(early) == "Your first day is still to come: from then on you can make passes."


def test_a_form_that_makes_no_sense_is_one_sentence_or_the_least(opened, store, door, fang):
    theirs, at = opened(fang)
    assert theirs.post(f"{at}/passes", data={"name": ""}).status_code == 422
    assert theirs.post(f"{at}/passes", data={"name": "x" * 500}).status_code == 422
    theirs.post(f"{at}/passes", data={"name": "Zhao", "span": "month", "uses": "100"})
    (one,) = passes.every(store)
    assert one.uses == 1


def test_where_the_settings_allow_none_no_pass_is_made(state, opened, door, store, fang):
    theirs, at = opened(fang)
    without = Browser(create_app(context_on(state, settings={"enrolment": {"own_passes": 0}})))
    without.cookies = theirs.cookies
    assert f"{at}/passes" not in without.get(at).text
    assert problem_of(without.post(f"{at}/passes", data={"name": "Zhao"})) == (
        "Passes are made by the property office here."
    )
    assert passes.every(store) == []


def test_whoever_is_let_in_by_day_lets_in_nobody_by_night(opened, store, door, fang):
    schedules.put(store, "Cleaning", "Mon-Fri 07:00-10:00", "test", ["Cleaners"])
    change(store, fang, Changes(group="Cleaners"), by="test")
    theirs, at = opened(fang)
    made = theirs.send(f"{at}/passes", data={"name": "Zhao Lei", "span": "week"})
    (one,) = passes.every(store)
    assert (one.schedule, one.windows) == ("Cleaning", "Mon-Fri 07:00-10:00")
    assert "07:00" in text_of(made)
    schedules.put(store, "Early", "daily 05:00-06:00", "test")
    change(store, fang, Changes(schedule="Early"), by="test")
    theirs.send(f"{at}/passes", data={"name": "Qian", "span": "week"})
    assert {one.name: one.schedule for one in passes.every(store)} == {"Zhao Lei": "Cleaning", "Qian": "Early"}


def test_whoever_needs_an_escort_makes_no_pass_that_needs_none(state, opened, door, store, fang):
    for group in ("Workers", "Guards"):
        schedules.put_group(store, group, None, "test")
    change(store, fang, Changes(group="Workers"), by="test")
    theirs, at = opened(fang)
    escorted = {"door": {"escorted_group": "Workers", "escort_group": "Guards"}}
    escorting = Browser(create_app(context_on(state, settings=escorted)))
    escorting.cookies = theirs.cookies
    assert f"{at}/passes" not in escorting.get(at).text
    assert problem_of(escorting.post(f"{at}/passes", data={"name": "Zhao"})) == (
        "Passes are made by the property office here."
    )
    change(store, fang, Changes(group="Guards"), by="test")
    assert escorting.post(f"{at}/passes", data={"name": "Zhao"}).status_code == 303


def test_a_lost_card_is_ended_by_one_press_and_found_by_the_office_alone(opened, store, fang):
    lei = residents.enrol(store, "Li Lei", "1-1", [], by="test")
    theirs, at = opened(fang)
    card = credentials.add_card(store, fang, "blue fob", b"c" * 32, by="test")
    others = credentials.add_card(store, lei, "red fob", b"d" * 32, by="test")
    page = theirs.get(at)
    assert ("blue fob" in page.text, "red fob" in page.text) == (True, False)
    assert "opens nothing any more" in theirs.send(f"{at}/cards/lost", data={"card": card}).text
    assert credentials.of_resident(store, fang.id)[0].suspended_at is not None
    assert theirs.post(f"{at}/cards/lost", data={"card": others}).status_code == 409
    assert credentials.of_resident(store, lei.id)[0].suspended_at is None
    assert by_page(store, "card_suspended")
    assert theirs.post(f"{at}/cards/found", data={"card": card}).status_code in (404, 405)


def test_a_phone_sets_up_its_own_digits_and_takes_them_away(opened, store, door, fang):
    theirs, at = opened(fang)
    page = theirs.send(f"{at}/phone")
    address = scanned(page)
    assert address.startswith("otpauth://totp/")
    assert "otpauth" not in theirs.get(f"{at}/phone").text
    assert by_page(store, "rolling_code_drawn")
    assert "/phone/removal" in theirs.get(at).text
    assert "opens nothing any more" in theirs.send(f"{at}/phone/removal").text
    assert credentials.of_resident(store, fang.id) == []


def test_whose_home_has_no_digits_reads_so(opened, store, door):
    gatehouse = residents.enrol(store, "Sun Hao", "Gatehouse", [], by="test")
    theirs, at = opened(gatehouse)
    assert "Set up this phone" not in theirs.get(at).text
    assert problem_of(theirs.post(f"{at}/phone")).endswith("Draw a PIN instead.")


def test_consent_is_read_and_withdrawn_with_what_happens_said_first(opened, store, context):
    given = agreed(Way.TOLD, "zh-CN").recorded("test")
    fang = residents.enrol(store, "王芳", "3-2-502", [Template("m", "s", {"yaw": 0.1}, bytes(256))], given)
    theirs, at = opened(fang)
    page = theirs.get(at)
    assert ('class="text" lang="zh-CN"' in page.text, "The gate knows your face." in page.text) == (True, True)
    said, yes = "are erased for ever. You stay a resident", "Yes, withdraw and erase"
    assert page.text.index(said) < page.text.index(yes)
    assert "your face is erased" in theirs.send(f"{at}/withdrawal").text
    assert not residents.get(store, fang.id).templates
    assert by_page(store, "consent_withdrawn")
    assert f"{at}/withdrawal" not in theirs.get(at).text
    # Sent twice it is as it was.
    assert theirs.send(f"{at}/withdrawal").status_code == 200


def test_nothing_of_others_is_shown_or_done(opened, manager, store, door, fang):
    lei = residents.enrol(store, "Li Lei", "3-2-502", [], by="test")
    theirs, at = opened(fang)
    visit = manager.post("/api/v1/passes", json=wanted(host=lei.id)).json()["made"]["id"]
    assert theirs.get(f"{at}/passes/{visit}").status_code == 409
    assert theirs.post(f"{at}/passes/{visit}/removal").status_code == 409
    assert passes.get(store, visit).revoked_at is None
    assert all(one not in theirs.get(at).text for one in ("Li Lei", "Zhao Lei"))


def test_whoever_found_a_phone_does_not_fill_the_record(opened, store, fang):
    theirs, at = opened(fang)
    answers = [theirs.post(f"{at}/phone/removal").status_code for _ in range(Acts.MOST + 1)]
    assert (answers[0], answers[-1]) == (303, 429)
    assert theirs.get(at).status_code == 200


def test_another_site_and_a_large_body_are_refused(opened, fang):
    theirs, at = opened(fang)
    assert theirs.post(f"{at}/end", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert theirs.post(f"{at}/passes", data={"name": "x" * 200_000}).status_code == 413
    assert theirs.get(at).status_code == 200
