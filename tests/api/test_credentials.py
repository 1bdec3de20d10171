"""PINs and cards over the API, at a real door: what is told once, what opens, what is taken away, and who may."""

import time
from itertools import count

import pytest

from api.idempotency import digest_of
from api.v1.credentials import NewCard
from gate.processes.asking import present
from gate.store.people import credentials, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.vocabulary import Method, Presented
from tests.door import door_process
from tests.running import wait_for

_NUMBERS = count(1)


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


@pytest.fixture
def door(state):
    with door_process(state) as (_, client):
        yield client


def press(door, keys):
    for key in keys.replace(" ", ""):
        present(door, Presented(f"p{next(_NUMBERS)}", Method.PIN, "keypad", time.monotonic(), key))


def show(door, number):
    present(door, Presented(f"p{next(_NUMBERS)}", Method.CARD, "garage", time.monotonic(), number))


def answered(store, *wanted):
    """What the record says of each who asked, in order."""

    def answers():
        lines = [line for line in audit.lines(store) if line.kind in ("granted", "denied")]
        return [(line.kind, line.details["method"], line.details.get("reason")) for line in lines]

    wait_for(lambda: len(answers()) >= len(wanted), 5, answers)
    assert answers() == list(wanted)


def of(fang, path=""):
    return f"/api/v1/residents/{fang.id}{path}"


def test_a_pin_is_told_once_opens_the_gate_and_opens_nothing_once_it_is_removed(browser, store, door, fang):
    manager = browser("manager")
    assert manager.get(of(fang)).json()["ways_in"] == []
    drawn = manager.post(of(fang, "/pin"))
    assert (drawn.status_code, drawn.headers["cache-control"]) == (201, "no-store")
    told = drawn.json()
    assert told["typed"] == f"32502 # {told['pin']} #"
    assert int(told["duress"][-1]) == (int(told["pin"][-1]) + 1) % 10
    assert manager.get(of(fang)).json()["ways_in"] == ["pin"]
    (held,) = manager.get(of(fang, "/credentials")).json()
    assert (held["kind"], held["flat"], held["label"]) == ("pin", "32502", None)
    press(door, told["typed"])
    answered(store, ("granted", "pin", None))
    assert manager.ask("DELETE", of(fang, "/pin")).status_code == 204
    again = manager.ask("DELETE", of(fang, "/pin"))
    assert (again.status_code, again.json()["detail"]) == (404, "They have no PIN.")
    written = str([(line.details, line.personal) for line in audit.lines(store)])
    assert told["pin"] not in written
    assert told["duress"] not in written


def test_a_card_that_was_just_shown_is_added_by_what_nobody_else_can_use(browser, store, door, fang):
    manager = browser("manager")
    assert manager.get("/api/v1/cards/unknown").json() == []
    show(door, "0004711F")
    answered(store, ("denied", "card", "wrong_code"))
    (shown,) = manager.get("/api/v1/cards/unknown").json()
    assert (shown["reader"], shown["ending"]) == ("garage", "711F")
    assert set(shown) == {"id", "reader", "ending", "seconds_ago"}
    new = {"shown": shown["id"], "label": " blue  fob "}
    made = manager.post(of(fang, "/cards"), json=new, headers={"idempotency-key": "k"})
    assert (made.status_code, made.json()["label"]) == (201, "blue fob")
    assert manager.post(of(fang, "/cards"), json=new, headers={"idempotency-key": "k"}).json() == made.json()
    assert credentials.find(store, Method.CARD, bytes.fromhex(shown["id"]) * 2) is None
    show(door, "4711f")
    answered(store, ("denied", "card", "wrong_code"), ("granted", "card", None))
    gone = manager.post(of(fang, "/cards"), json={"shown": shown["id"]})
    assert (gone.status_code, gone.json()["detail"]) == (
        409,
        "This card is Wang Fang's already. Remove it there first.",
    )
    never = manager.post(of(fang, "/cards"), json={"shown": "0" * 32})
    assert never.json()["detail"].startswith("This card was shown too long ago")


def test_what_is_kept_of_a_request_does_not_give_the_number_of_a_card_to_whoever_tries_numbers(
    browser, store, door, fang
):
    manager = browser("manager")
    new = NewCard(number="4711815", label="fob")
    for _ in range(2):
        made = manager.post(of(fang, "/cards"), json=new.model_dump(), headers={"idempotency-key": "k"})
        assert made.status_code == 201
    page = {"number": "4711816", "label": "", "shown": "", "key": "k2"}
    assert manager.post(f"/residents/{fang.id}/cards", data=page).status_code == 303
    kept = {digest for (digest,) in store.execute("SELECT digest FROM requests")}
    tried = [
        digest_of((b"card", fang.id.encode(), new.model_dump_json().encode())),
        digest_of(one.encode() for one in ("card", fang.id, "", "4711816", "")),
    ]
    assert len(kept) == 2
    assert kept.isdisjoint(tried)
    (first, second) = credentials.of_resident(store, fang.id)
    credentials.remove_card(store, fang, second.id, by="test")
    again = manager.post(f"/residents/{fang.id}/cards", data=page)
    assert (again.status_code, "This card is not theirs any more." in again.text) == (422, True)
    assert [one.id for one in credentials.of_resident(store, fang.id)] == [first.id]


def test_a_lost_card_opens_nothing_until_it_is_found_and_none_once_removed(browser, store, door, fang):
    manager = browser("manager")
    card = manager.post(of(fang, "/cards"), json={"number": "00 4711"}).json()["id"]
    lost = manager.post(of(fang, f"/cards/{card}/suspend"))
    assert lost.json()["suspended_at"] is not None
    assert manager.get(of(fang)).json()["ways_in"] == []
    show(door, "4711")
    answered(store, ("denied", "card", "suspended"))
    assert manager.post(of(fang, f"/cards/{card}/resume")).json()["suspended_at"] is None
    assert manager.get("/api/v1/residents").json()["items"][0]["ways_in"] == ["card"]
    assert manager.ask("DELETE", of(fang, f"/cards/{card}")).status_code == 204
    for asked in (("POST", f"/cards/{card}/suspend"), ("DELETE", f"/cards/{card}")):
        refused = manager.ask(asked[0], of(fang, asked[1]))
        assert (refused.status_code, refused.json()["detail"]) == (409, "This card is not theirs any more.")
    kinds = [line.kind for line in audit.lines(store)]
    assert [kind for kind in kinds if kind.startswith("card_")] == [
        "card_added", "card_suspended", "card_resumed", "card_removed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "status"), [({}, 422), ({"number": "1", "shown": "2"}, 422), ({"number": "12"}, 409), ({"pin": "1"}, 422),
                      ({"number": "4711", "label": "a\u202eb"}, 422)]
)  # fmt: skip
def test_what_is_no_card_is_refused_in_a_sentence(browser, state, fang, new, status):
    with door_process(state):
        refused = browser("manager").post(of(fang, "/cards"), json=new)
    assert refused.status_code == status
    assert refused.json()["detail"].endswith(".")


def test_without_a_door_nothing_is_changed_and_it_is_said_what_to_do(browser, store, fang):
    manager = browser("manager")
    asked = (("POST", of(fang, "/pin"), None), ("POST", of(fang, "/cards"), {"number": "4711"}),
             ("GET", "/api/v1/cards/unknown", None))  # fmt: skip
    for method, path, body in asked:
        refused = manager.ask(method, path, **({"json": body} if body else {}))
        assert refused.status_code == 503, path
        assert refused.json()["detail"].endswith("nothing was changed. Try again in a moment.")
    assert credentials.of_resident(store, fang.id) == []


def test_whoever_may_not_change_residents_gets_neither_pins_nor_cards(browser, fang):
    for role in ("auditor", "guard"):
        one = browser(role)
        for method, path in (("POST", "/pin"), ("DELETE", "/pin"), ("GET", "/credentials"), ("POST", "/cards")):
            assert one.ask(method, of(fang, path)).status_code == 403, (role, path)


def test_a_face_a_pin_and_a_card_are_told_as_ways_in(browser, store, door):
    li, manager = residents.enrol(store, "Li Na", None, [Template("m", "s", {}, b"")], NO_PERSON), browser("manager")
    told = manager.post(of(li, "/pin")).json()
    assert (told["flat"], len(told["pin"]), told["typed"]) == (None, 8, f"{told['pin']} #")
    manager.post(of(li, "/cards"), json={"number": "4711"})
    assert manager.get(of(li)).json()["ways_in"] == ["face", "pin", "card"]
