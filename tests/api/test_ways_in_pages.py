"""PIN and cards on the pages: told once, on a slip; added as they are shown; lost and found; who lacks a way in."""

import re

import pytest

from gate.store.people import consents, credentials, residents
from gate.store.people.consents import NO_PERSON, Consent
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.vocabulary import Method
from tests.api.test_credentials import answered, door, press, show  # noqa: F401 - a fixture
from tests.api.test_ways_in_told import text_of
from tests.console import problem_of
from tests.door import door_process
from tests.running import wait_for

FACE = (Template("m", "s", {}, b""),)


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


@pytest.fixture
def manager(browser):
    return browser("manager")


def keys_on(page):
    return "".join(re.findall(r"<kbd>(.)</kbd>", page.text))


def test_a_pin_is_told_on_one_page_once_and_stands_nowhere_else(manager, browser, store, door, fang):  # noqa: F811
    at = f"/residents/{fang.id}"
    assert "Wang Fang has no way in yet" in text_of(manager.get(at))
    drawn = manager.post(f"{at}/pin")
    assert (drawn.status_code, drawn.headers["location"]) == (303, f"{at}/pin")
    other = browser("owner")
    assert keys_on(other.get(f"{at}/pin")) == ""
    slip = manager.get(f"{at}/pin")
    keys = keys_on(slip)
    assert re.fullmatch(r"32502#\d{6}#", keys)
    assert slip.headers["cache-control"] == "no-store"
    pin = keys.split("#")[1]
    again = manager.get(f"{at}/pin")
    # Nor is there a button that would print it.
    assert (keys_on(again), 'id="print"' in again.text) == ("", False)
    # In another language it would be gone.
    assert ['action="/language"' in page.text for page in (slip, again)] == [False, True]
    for page in (manager.get(at), manager.get("/events?what=everything"), manager.get(f"{at}/held")):
        assert pin not in page.text
    assert "press 32502 # and then their PIN" in text_of(manager.get(at))
    assert [line.kind for line in audit.lines(store)].count("pin_drawn") == 1
    press(door, keys)
    answered(store, ("granted", "pin", None))


def test_the_duress_pin_is_tried_out_from_the_page_and_told_there(manager, store, state, fang):
    at = f"/residents/{fang.id}"
    with door_process(state, synchronised=True) as (_, client):
        manager.post(f"{at}/pin")
        home, pin, _ = keys_on(manager.get(f"{at}/pin")).split("#")
        manager.send(f"{at}/pin/duress-trial")
        assert "instead of an alarm the record says" in text_of(manager.get(at))
        press(client, f"{home}#{pin[:-1]}{(int(pin[-1]) + 1) % 10}#")
        answered(store, ("granted", "pin", None))
        wait_for(lambda: "it works" in text_of(manager.get(at)), 5)
    assert "Duress alarm" not in text_of(manager.get("/"))
    begun = manager.ask("POST", f"/api/v1{at}/pin/duress-trial")
    assert begun.status_code == 201
    assert "until" in begun.json()


def test_the_slip_speaks_the_language_in_which_they_agreed(manager, store, door):  # noqa: F811
    agreed = Consent("residents-1", "zh-CN", "0" * 64, consents.Way.TOLD, "test")
    li = residents.enrol(store, "Li Na", None, FACE, agreed)
    slip = manager.send(f"/residents/{li.id}/pin")
    assert re.fullmatch(r"\d{8}#", keys_on(slip))
    assert 'lang="zh-CN"' in slip.text
    for said in ("您的开门密码", "胁迫", "PIN of Li Na"):
        assert said in slip.text


def test_of_two_pins_drawn_at_once_only_the_one_that_opens_is_told(manager, store, door, fang):  # noqa: F811
    first = manager.post(f"/residents/{fang.id}/pin")
    manager.post(f"/residents/{fang.id}/pin")
    # The browser shows the page of the answer that came last, which was the first to be asked for.
    manager.cookies.update(first.cookies)
    assert keys_on(manager.get(f"/residents/{fang.id}/pin")) == ""


def test_a_card_is_shown_pressed_lost_found_and_removed(manager, store, door, fang):  # noqa: F811
    at = f"/residents/{fang.id}"
    assert "No card that is nobody's was shown" in text_of(manager.get(f"{at}/cards"))
    show(door, "00AB4711")
    answered(store, ("denied", "card", "wrong_code"))
    live = manager.get(f"{at}/cards?part=live").text
    assert "The card ending in 4711" in live
    pressed = re.search(r'name="shown" value="(\w+)"', live)[1]
    done = manager.send(f"{at}/cards", data={"shown": pressed, "label": "blue fob", "number": "", "key": "k"})
    assert "The card is added" in text_of(done)
    manager.post(f"{at}/cards", data={"shown": pressed, "label": "blue fob", "number": "", "key": "k"})
    (card,) = credentials.of_resident(store, fang.id)
    assert card.label == "blue fob"
    lost = manager.send(f"{at}/cards/lost", data={"card": card.id})
    assert re.search(r"blue fob reported lost .*: it opens nothing", text_of(lost))
    show(door, "ab4711")
    answered(store, ("denied", "card", "wrong_code"), ("denied", "card", "suspended"))
    assert "The card opens again." in text_of(manager.send(f"{at}/cards/found", data={"card": card.id}))
    assert "The card is removed." in text_of(manager.send(f"{at}/cards/removal", data={"card": card.id}))
    assert credentials.of_resident(store, fang.id) == []


def test_what_is_no_number_is_said_above_what_was_typed(manager, door, fang):  # noqa: F811
    refused = manager.post(f"/residents/{fang.id}/cards", data={"number": "12", "label": "mine"})
    assert refused.status_code == 422
    assert problem_of(refused).startswith("That is no card")
    assert 'value="12"' in refused.text
    assert 'value="mine"' in refused.text


def test_without_a_door_the_page_says_so_and_keeps_what_was_typed(manager, store, fang):
    page = manager.get(f"/residents/{fang.id}/cards")
    assert (page.status_code, "The door does not answer" in page.text) == (200, True)
    refused = manager.post(f"/residents/{fang.id}/cards", data={"number": "4711", "label": "mine"})
    assert (refused.status_code, 'value="4711"' in refused.text) == (422, True)
    assert manager.post(f"/residents/{fang.id}/pin").status_code == 503
    assert credentials.of_resident(store, fang.id) == []


def test_a_pin_is_removed_once(manager, store, door, fang):  # noqa: F811
    manager.post(f"/residents/{fang.id}/pin")
    for _ in range(2):
        assert "The PIN is removed" in text_of(manager.send(f"/residents/{fang.id}/pin/removal"))
    assert [line.kind for line in audit.lines(store)].count("pin_removed") == 1


def test_who_has_a_face_alone_or_no_way_in_is_found_in_the_list(manager, store, door):  # noqa: F811
    people = {
        "Face Alone": residents.enrol(store, "Face Alone", "1-1", FACE, NO_PERSON),
        "Nothing At All": residents.enrol(store, "Nothing At All", "1-2", []),
        "Card Alone": residents.enrol(store, "Card Alone", "1-3", []),
        "Face And Card": residents.enrol(store, "Face And Card", "1-4", FACE, NO_PERSON),
    }
    for name, finder in (("Card Alone", b"a" * 32), ("Face And Card", b"b" * 32)):
        credentials.add_card(store, people[name], None, finder, by="test")

    def listed(query):
        page = manager.get(f"/residents{query}").text
        return {name for name in people if f">{name}</a>" in page}

    assert listed("") == set(people) == listed("?lacking=unheard")
    assert listed("?lacking=face") == {"Face Alone"}
    assert listed("?lacking=none") == {"Nothing At All"}
    assert listed("?lacking=none&search=1-1") == set()
    page = text_of(manager.get("/residents"))
    assert "With a face and nothing else (1)" in page
    assert "Without any way in (1)" in page
    assert page.count("no way in") == 1
    lost = credentials.of_resident(store, people["Card Alone"].id)[0]
    credentials.suspend_card(store, people["Card Alone"], lost.id, by="test")
    assert listed("?lacking=none") == {"Nothing At All", "Card Alone"}
    assert credentials.having(store) == {people["Face And Card"].id: frozenset({Method.CARD})}


def test_withdrawing_ends_the_face_alone_and_erasing_ends_all(manager, store, door):  # noqa: F811
    li = residents.enrol(store, "Li Na", "1-1", FACE, NO_PERSON)
    at = f"/residents/{li.id}"
    manager.post(f"{at}/pin")
    keys = keys_on(manager.get(f"{at}/pin"))
    credentials.add_card(store, li, "blue fob", b"c" * 32, by="test")
    manager.post(f"{at}/withdrawal", data={"key": "k"})
    assert credentials.methods_of(store, li.id) == {Method.PIN, Method.CARD}
    held = text_of(manager.get(f"{at}/held"))
    assert "blue fob" in held
    assert "press 11 # and then their PIN" in held
    press(door, keys)
    answered(store, ("granted", "pin", None))
    manager.post(f"{at}/erasure", data={"key": "l"})
    assert store.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
