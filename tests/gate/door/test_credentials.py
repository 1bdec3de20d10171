"""PINs and cards at a real door's socket: what they open, what they do not, and what the record says of it."""

import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from gate.door.code_key import key_file
from gate.door.lockout import TRIES
from gate.door.restart_memory import memory_of
from gate.errors import Refusal
from gate.processes.asking import present, unknown_cards
from gate.store.people import changes, credentials, erasure, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.vocabulary import Method, Presented
from tests.codes import card_of_number, new_pin
from tests.door import claim, door_process, edges, events, until
from tests.running import wait_for

_NUMBERS = count(1)


def at_door(state, *clock, **door):
    """A door that a PIN reaches in time on a busy machine too."""
    return door_process(state, *clock, **{"freshness_s": 5} | door)


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [Template("m", "s", {}, b"")], NO_PERSON)


@pytest.fixture
def li(store):
    return residents.enrol(store, "Li Na", None, [Template("m", "s", {}, b"")], NO_PERSON)


def shown(method, code, reader="keypad", age_s=0.0):
    return Presented(f"p{next(_NUMBERS)}", method, reader, time.monotonic() - age_s, code)


def press(client, keys, reader="keypad"):
    for key in keys.replace(" ", ""):
        assert present(client, shown(Method.PIN, key, reader)).taken


def show(client, number, reader="cards"):
    assert present(client, shown(Method.CARD, number, reader)).taken


def answers(state):
    """What the record says of each who asked, in order: kind, reason, method."""
    lines = [line for line in events(state) if line.kind in ("granted", "denied", "came_along")]
    return [(line.kind, line.details.get("reason"), line.details["method"]) for line in lines]


def answered(state, *wanted):
    wait_for(lambda: len(answers(state)) >= len(wanted), 5, lambda: answers(state))
    assert answers(state) == list(wanted)


WRONG = ("denied", "wrong_code", "pin")


def test_a_pin_behind_the_digits_of_a_home_opens_once_and_is_on_record_without_its_digits(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        assert (drawn.flat, len(drawn.pin)) == ("32502", 6)
        press(client, drawn.typed)
        answered(state, ("granted", None, "pin"))
        until(client, mode="pulse", signal="grant", residents=[wang.id])
    granted = next(line for line in events(state) if line.kind == "granted")
    assert granted.personal == {"resident": wang.id, "name": "Wang Fang", "unit": "3-2-502"}
    assert granted.details["reader"] == "keypad"
    assert granted.details["shown_to_relay_ms"] > 0
    assert edges(state)[:2] == [False, True]
    assert drawn.pin not in str([(line.details, line.personal) for line in events(state)])


def test_whoever_has_no_home_types_a_longer_pin_alone(state, store, li):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, li, by="test")
        assert (drawn.flat, len(drawn.pin)) == (None, 8)
        press(client, f"{drawn.pin}#")
        answered(state, ("granted", None, "pin"))


def test_a_new_pin_ends_the_old_one_and_so_does_removing_it(state, store, wang):
    with at_door(state) as (_, client):
        old, new = (new_pin(store, client, wang, by="test") for _ in range(2))
        press(client, old.typed)
        answered(state, WRONG)
        press(client, new.typed)
        answered(state, WRONG, ("granted", None, "pin"))
        until(client, mode="normal", at_rest=True)
        assert credentials.remove_pin(store, wang, by="test")
        assert not credentials.remove_pin(store, wang, by="test")
        press(client, new.typed)
        answered(state, WRONG, ("granted", None, "pin"), WRONG)


def test_under_duress_the_gate_opens_as_ever_and_the_record_says_so(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        assert int(drawn.duress[-1]) == (int(drawn.pin[-1]) + 1) % 10
        press(client, f"{drawn.flat}#{drawn.duress}#")
        answered(state, ("granted", None, "pin"))
        until(client, mode="pulse", signal="grant", reason=None, residents=[wang.id])
        wait_for(lambda: any(line.kind == "duress" for line in events(state)), 5)
    (line,) = (line for line in events(state) if line.kind == "duress")
    assert (line.personal["resident"], line.personal["name"]) == (wang.id, "Wang Fang")


def test_a_trial_of_the_duress_pin_is_no_alarm_for_ten_minutes_and_for_them_alone(state, store, wang, li):
    with at_door(state, True) as (_, client):
        drawn, other = new_pin(store, client, wang, by="test"), new_pin(store, client, li, by="test")
        with pytest.raises(Refusal, match="has no PIN"):
            nobody = residents.enrol(store, "Chen Bo", None, [], None)
            credentials.begin_trial(store, nobody, datetime.now(UTC), by="test")
        credentials.begin_trial(store, wang, datetime.now(UTC), by="test")
        press(client, f"{drawn.flat}#{drawn.duress}#")
        answered(state, ("granted", None, "pin"))
        wait_for(lambda: any(line.kind == "duress_tried" for line in events(state)), 5)
        until(client, mode="normal", at_rest=True)
        press(client, f"{other.duress}#")
        wait_for(lambda: any(line.kind == "duress" for line in events(state)), 5)
        until(client, mode="normal", at_rest=True)
        # Begun eleven minutes ago, it is over.
        credentials.begin_trial(store, wang, datetime.now(UTC) - timedelta(minutes=11), by="test")
        press(client, f"{drawn.flat}#{drawn.duress}#")
        wait_for(lambda: sum(line.kind == "duress" for line in events(state)) == 2, 5)
    kinds = [(line.kind, line.personal["name"]) for line in events(state) if line.kind.startswith("duress")]
    trial, tried = ("duress_trial", "Wang Fang"), ("duress_tried", "Wang Fang")
    assert kinds == [trial, tried, ("duress", "Li Na"), trial, ("duress", "Wang Fang")]


def test_a_trial_that_makes_no_sense_refuses_the_pin_and_the_door_goes_on(state, store, wang):
    with at_door(state, True) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        store.execute("INSERT INTO duress_trials (resident_id, until) VALUES (?, 'x')", (wang.id,))
        press(client, f"{drawn.flat}#{drawn.duress}#")
        answered(state, ("denied", "store_unreadable", "pin"))
        until(client, mode="normal", at_rest=True)


def test_by_a_clock_that_may_be_wrong_no_trial_silences_an_alarm(state, store, wang):
    with at_door(state, False) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        credentials.begin_trial(store, wang, datetime.now(UTC), by="test")
        press(client, f"{drawn.flat}#{drawn.duress}#")
        wait_for(lambda: any(line.kind == "duress" for line in events(state)), 5)
    assert not any(line.kind == "duress_tried" for line in events(state))


def test_after_five_wrong_pins_a_keypad_rests_and_everything_else_goes_on(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        card_of_number(store, client, wang, "0004711", "Blue fob", by="test")
        for number in range(TRIES):
            press(client, "111#222222#")
            answered(state, *[WRONG] * (number + 1))
        press(client, drawn.typed)
        resting = ("denied", "locked_out", "pin")
        answered(state, *[WRONG] * TRIES, resting)
        until(client, reason="locked_out")
        (rest,) = (line for line in events(state) if line.kind == "locked_out")
        assert rest.details == {"reader": "keypad", "seconds": 30}
        assert client.ask(claim(wang.id))["granted"]
        until(client, mode="normal", at_rest=True)
        press(client, drawn.typed, "keypad inside")
        answered(state, *[WRONG] * TRIES, resting, ("granted", None, "face"), ("granted", None, "pin"))
        until(client, mode="normal", at_rest=True)
        # A card at the keypad's own reader ends its rest.
        show(client, "4711", "keypad")
        until(client, mode="pulse")
        until(client, mode="normal", at_rest=True)
        press(client, drawn.typed)
        wait_for(lambda: len(answers(state)) == TRIES + 5, 5)
        assert answers(state)[-2:] == [("granted", None, "card"), ("granted", None, "pin")]


def test_whoever_shows_a_card_before_each_fifth_try_has_no_tries_without_end(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        card_of_number(store, client, wang, "0004711", "Blue fob", by="test")
        for number in range(TRIES - 1):
            press(client, f"11{number}#222222#")
            answered(state, *[WRONG] * (number + 1))
        show(client, "4711", "keypad")
        until(client, mode="pulse")
        until(client, mode="normal", at_rest=True)
        press(client, "119#222222#")
        answered(state, *[WRONG] * (TRIES - 1), ("granted", None, "card"), WRONG)
        wait_for(lambda: [line.kind for line in events(state) if line.kind == "locked_out"] == ["locked_out"], 5)
        press(client, drawn.typed)
        until(client, reason="locked_out")


def test_cutting_the_power_gives_no_more_tries(state, store, wang):
    with at_door(state) as (process, client):
        drawn = new_pin(store, client, wang, by="test")
        for number in range(TRIES - 1):
            press(client, "111#222222#")
            answered(state, *[WRONG] * (number + 1))
        wait_for(lambda: '"wrong": 4' in memory_of(state).read_text())
        process.kill()
        process.wait()
    with at_door(state) as (process, client):
        press(client, "111#222222#")
        answered(state, *[WRONG] * TRIES)
        assert [line.kind for line in events(state) if line.kind == "locked_out"] == ["locked_out"]
        wait_for(lambda: '"rests": 1' in memory_of(state).read_text())
        process.kill()
        process.wait()
    with at_door(state) as (_, client):
        press(client, drawn.typed)
        answered(state, *[WRONG] * TRIES, ("denied", "locked_out", "pin"))
        # It goes on, and is not told anew.
        assert len([line for line in events(state) if line.kind == "locked_out"]) == 1


def test_a_home_rests_too_at_whichever_keypad_it_was_tried(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        wrong = str((int(drawn.pin) + 5) % 1_000_000).zfill(6)
        for number in range(TRIES):
            press(client, f"{drawn.flat}#{wrong}#", f"keypad {number}")
            answered(state, *[WRONG] * (number + 1))
        press(client, drawn.typed, "another")
        answered(state, *[WRONG] * TRIES, ("denied", "locked_out", "pin"))


@pytest.mark.parametrize("keys", ["#", "##", "*#", "123#", "123#12345#", "1" * 500 + "#", "123456#12#", "12345678"])
def test_what_is_no_code_opens_nothing(state, store, wang, keys):
    with at_door(state) as (_, client):
        new_pin(store, client, wang, by="test")
        press(client, keys)
        card_of_number(store, client, wang, "4711", None, by="test")
        show(client, "4711")
        until(client, mode="pulse")
    assert [one for one in answers(state) if one[0] == "granted"] == [("granted", None, "card")]


def test_a_card_opens_until_it_is_lost_and_again_when_it_is_found(state, store, wang):
    with at_door(state) as (_, client):
        card = card_of_number(store, client, wang, " 00 4711", "Blue fob", by="test")
        show(client, "4711")
        answered(state, ("granted", None, "card"))
        until(client, mode="normal", at_rest=True)
        credentials.suspend_card(store, wang, card, by="test")
        show(client, "4711")
        answered(state, ("granted", None, "card"), ("denied", "suspended", "card"))
        credentials.resume_card(store, wang, card, by="test")
        show(client, "4711")
        until(client, mode="pulse")
        until(client, mode="normal", at_rest=True)
        credentials.remove_card(store, wang, card, by="test")
        show(client, "4711")
        wait_for(lambda: len(answers(state)) == 4, 5)
        assert answers(state)[2:] == [("granted", None, "card"), ("denied", "wrong_code", "card")]


def test_a_card_that_is_nobodys_can_be_given_to_who_holds_it(state, store, wang):
    with at_door(state) as (_, client):
        show(client, "AB:12:00:77")
        answered(state, ("denied", "wrong_code", "card"))
        (card,) = unknown_cards(client)
        assert (card.reader, card.ending) == ("cards", "0:77")
        credentials.add_card(store, wang, None, card.finder, by="test")
        show(client, "ab:12:00:77")
        until(client, mode="pulse")
    with closing(store.execute("SELECT hex(finder) FROM credentials")) as rows:
        assert "AB120077" not in str(rows.fetchall())


def test_nothing_that_was_shown_a_while_ago_opens(state, store, wang):
    with at_door(state, freshness_s=1.5) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        card_of_number(store, client, wang, "4711", None, by="test")
        assert present(client, shown(Method.CARD, "4711", "cards", age_s=2)).taken
        answered(state, ("denied", "stale", "card"))
        press(client, drawn.typed[:-1])
        assert present(client, shown(Method.PIN, "#", age_s=2)).taken
        press(client, "#")
        again = shown(Method.CARD, "4711")
        for _ in range(2):
            assert present(client, again).taken
        answered(state, ("denied", "stale", "card"), ("granted", None, "card"), ("denied", "replayed", "card"))


def test_in_hours_that_ask_for_two_factors_one_waits_for_another_of_the_same_person(state, store, wang, li):
    with at_door(state, True, face_and_pin="daily 00:00-24:00") as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        card_of_number(store, client, li, "4711", None, by="test")
        one_more = "one_more"
        assert client.ask(claim(wang.id, 1))["reason"] == one_more
        # Somebody else's card is no second factor, and theirs takes the place of the first.
        show(client, "4711")
        answered(state, ("denied", one_more, "face"), ("denied", one_more, "card"))
        assert client.ask(claim(wang.id, 2))["reason"] == one_more
        # Whose face is known types their PIN alone.
        press(client, f"{drawn.pin}#")
        wait_for(lambda: any(line.kind == "granted" for line in events(state)), 5, lambda: answers(state))
        granted = next(line for line in events(state) if line.kind == "granted")
        assert (granted.details["method"], granted.details["first"]) == ("pin", "face")
        until(client, mode="normal", at_rest=True)
        press(client, drawn.typed)
        wait_for(lambda: answers(state)[-1] == ("denied", one_more, "pin"), 5)
        assert client.ask(claim(wang.id, 3))["granted"]
    assert answers(state)[-1] == ("granted", None, "face")


@pytest.mark.parametrize("unit", ["13-2-502", "A-12345678"])
def test_whoever_is_on_the_register_by_name_and_home_alone_is_named_on_record_forced_or_not(state, store, unit):
    chen = residents.enrol(store, "Chen Mei", unit, [])
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, chen)
        card = card_of_number(store, client, chen, "4711")
        press(client, drawn.typed.replace(drawn.pin, drawn.duress))
        answered(state, ("granted", None, "pin"))
        credentials.suspend_card(store, chen, card, by="test")
        show(client, "4711")
        answered(state, ("granted", None, "pin"), ("denied", "suspended", "card"))
        wait_for(lambda: [line for line in events(state) if line.kind == "duress"], 5)
    named = [line for line in events(state) if line.kind in ("granted", "duress", "denied")]
    assert [line.personal.get("name") for line in named] == ["Chen Mei"] * 3


def test_whoever_s_face_is_known_types_the_pin_of_the_home_in_which_it_was_drawn(state, store):
    chen = residents.enrol(store, "Chen Mei", "13-2-502", [Template("m", "s", {}, b"")], NO_PERSON)
    with at_door(state, True, face_and_pin="daily 00:00-24:00") as (_, client):
        drawn = new_pin(store, client, chen)
        assert (drawn.flat, client.ask(claim(chen.id, 1))["reason"]) == ("132502", "one_more")
        # As many digits as a PIN has, and typed first as on every other day.
        press(client, drawn.typed)
        answered(state, ("denied", "one_more", "face"), ("granted", None, "pin"))
        until(client, mode="normal", at_rest=True)
        changes.change(store, chen, changes.Changes(unit="7-1-101"), by="test")
        assert client.ask(claim(chen.id, 2))["reason"] == "one_more"
        press(client, f"{drawn.pin}#")
        wait_for(lambda: answers(state).count(("granted", None, "pin")) == 2, 5, lambda: answers(state))


def test_a_face_alone_is_not_enough_for_whoever_has_nothing_else(state, wang):
    with at_door(state, True, face_and_pin="daily 00:00-24:00") as (_, client):
        assert client.ask(claim(wang.id))["reason"] == "face_not_enough"


def test_hours_and_days_bind_codes_as_they_bind_faces(state, store, wang):
    gone = replace(wang, id="none")
    with at_door(state, True) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        yesterday = datetime.fromtimestamp(time.time() - 2 * 86_400, UTC).date().isoformat()
        store.execute("UPDATE residents SET valid_until = ?", (yesterday,))
        press(client, drawn.typed)
        answered(state, ("denied", "out_of_validity", "pin"))
        erasure.remove(store, wang, by="test")
        assert store.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
        press(client, drawn.typed)
        answered(state, ("denied", "out_of_validity", "pin"), WRONG)
        assert credentials.of_resident(store, gone.id) == []


def test_lockdown_outranks_a_pin(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
        assert client.ask({"do": "lockdown"})["granted"]
        press(client, drawn.typed)
        answered(state, ("denied", "lockdown", "pin"))


def test_a_key_that_is_lost_or_damaged_refuses_and_is_not_written_over(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
    assert key_file(state).stat().st_mode & 0o077 == 0
    key_file(state).write_bytes(b"short")
    with at_door(state) as (_, client):
        # Before anybody stands outside.
        until(client, code_fault="is damaged")
        with pytest.raises(Refusal, match="has lost its key"):
            new_pin(store, client, wang, by="test")
        press(client, drawn.typed)
        answered(state, ("denied", "store_unreadable", "pin"))
        assert client.ask({"do": "status"})["code_fault"] == "is damaged"
    assert key_file(state).read_bytes() == b"short"


def test_a_board_with_a_key_of_its_own_tells_of_codes_that_another_made_and_opens_for_its_own(state, store, wang, li):
    with at_door(state) as (_, client):
        theirs = new_pin(store, client, wang)
    key_file(state).write_bytes(bytes(range(32)))
    with at_door(state) as (_, client):
        until(client, code_fault="is another than 1 of them were made with")
        press(client, theirs.typed)
        answered(state, WRONG)
        ours = new_pin(store, client, li)
        press(client, ours.typed)
        answered(state, WRONG, ("granted", None, "pin"))
        until(client, mode="normal", at_rest=True, code_fault="is another than 1 of them were made with")
        new_pin(store, client, wang)
        until(client, code_fault=None)


def test_a_pin_works_after_a_restart_of_the_door(state, store, wang):
    with at_door(state) as (_, client):
        drawn = new_pin(store, client, wang, by="test")
    with at_door(state) as (_, client):
        press(client, drawn.typed)
        answered(state, ("granted", None, "pin"))
