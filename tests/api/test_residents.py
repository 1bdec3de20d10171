"""Residents over HTTP: one way to enrol, consent first, receipts, nobody quicker overwritten."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from api.app import create_app
from gate.store.people import consents, credentials, residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent
from tests.console import Browser, context_on, made_from, problem_of

AGREED = {"way": "paper", "language": "zh-CN"}


def upload(photos, *names):
    return [("photos", (name, (photos / name).read_bytes(), "image/jpeg")) for name in names]


@pytest.fixture
def manager(browser):
    return browser("manager")


def enrol(manager, photos, *names, **given):
    return manager.post("/api/v1/enrolments", data=AGREED | given, files=upload(photos, *names))


def test_someone_is_enrolled_with_their_consent_on_record_and_no_photo_kept(manager, photos, store, state):
    answer = enrol(manager, photos, "obama.jpg", "obama2.jpg", name="Barack Obama", unit="1-101", guardian="Ann")
    assert answer.status_code == 201
    one = answer.json()["resident"]
    assert (one["name"], one["unit"], one["templates"]) == ("Barack Obama", "1-101", 2)
    (agreed,) = consents.of(store, one["id"])
    assert (agreed.consent.way, agreed.consent.language, agreed.consent.guardian) == ("paper", "zh-CN", "Ann")
    assert agreed.consent.recorded_by.startswith("user ")
    photo = (photos / "obama.jpg").read_bytes()[2000:2400]
    assert not [path for path in state.rglob("*") if path.is_file() and photo in path.read_bytes()]
    shown = manager.get(f"/api/v1/residents/{one['id']}/templates").json()
    assert [set(template) for template in shown] == [
        {"id", "model", "source", "quality", "created_at", "learned_from", "damaged"}
    ] * 2


def test_more_photos_go_to_the_resident_they_are_meant_for(manager, photos):
    first = enrol(manager, photos, "obama.jpg", name="Barack Obama").json()["resident"]
    more = enrol(manager, photos, "obama3.jpg", resident=first["id"])
    assert more.json()["resident"]["templates"] == 2
    other = enrol(manager, photos, "biden.jpg", resident=first["id"])
    assert other.status_code == 409
    assert "does not look like the Barack Obama" in other.json()["detail"]


def test_a_namesake_is_refused_until_somebody_says_where_they_live(manager, photos):
    enrol(manager, photos, "obama.jpg", name="Barack Obama", unit="1-101")
    again = enrol(manager, photos, "biden.jpg", name="Barack Obama")
    assert again.status_code == 409
    assert "give their home" in again.json()["detail"]
    assert enrol(manager, photos, "biden.jpg", name="Barack Obama", unit="2-202").status_code == 201


def test_a_face_that_is_somebodys_is_refused_until_the_client_names_them(manager, photos, store):
    first = enrol(manager, photos, "obama.jpg", name="Barack Obama", unit="1-101").json()["resident"]
    key = {"idempotency-key": "once"}
    send = {"data": AGREED | {"name": "Somebody Else"}, "files": upload(photos, "obama2.jpg"), "headers": key}
    refused = manager.post("/api/v1/enrolments", **send)
    assert (refused.status_code, refused.json()["reason"]) == (409, "looks_like_another")
    like = {"id": first["id"], "name": "Barack Obama", "unit": "1-101", "likeness": "same"}
    assert refused.json()["lookalikes"] == [like]
    assert refused.json()["detail"].startswith("This is the face of Barack Obama, 1-101.")
    assert len(residents.every(store)) == 1
    send["data"]["another_than"] = "nobody"
    assert manager.post("/api/v1/enrolments", **send).status_code == 409
    send["data"]["another_than"] = first["id"]
    answer = manager.post("/api/v1/enrolments", **send)
    assert answer.status_code == 201
    assert answer.json()["lookalikes"] == ["Barack Obama"]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 422, "Give a name"),
        ({"name": "A", "way": "dreamt"}, 422, "way"),
        ({"name": "A", "language": "tlh"}, 422, "no consent text"),
        ({"resident": "nobody"}, 404, "no such resident"),
        ({"name": "evil \u202e name"}, 422, "invisible or control"),
        ({"name": "x" * 101}, 422, "between 1 and 100"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_enrolled(manager, photos, store, given, status, words):
    answer = enrol(manager, photos, "obama.jpg", **given)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert residents.every(store) == []


def test_nobody_needs_a_face(manager, store):
    answer = manager.post("/api/v1/residents", json={"name": "Wang Fang", "unit": "3-1204"})
    assert answer.status_code == 201
    assert manager.get(answer.headers["location"]).json()["templates"] == 0
    assert "etag" in manager.get(answer.headers["location"]).headers


def test_of_two_managers_the_slower_one_is_told(manager, browser):
    where = manager.post("/api/v1/residents", json={"name": "Wang Fang"}).headers["location"]
    seen = manager.get(where).headers["etag"]
    first = manager.ask("PATCH", where, json={"unit": "3-1204"}, headers={"if-match": seen})
    assert (first.status_code, first.json()["unit"]) == (200, "3-1204")
    second = browser("owner").ask("PATCH", where, json={"unit": "9-999"}, headers={"if-match": seen})
    assert second.status_code == 412
    assert "changed by someone else" in second.json()["detail"]
    assert manager.get(where).json()["unit"] == "3-1204"


def test_of_two_managers_in_the_very_same_moment_one_is_told(manager, browser):
    where = manager.post("/api/v1/residents", json={"name": "Wang Fang"}).headers["location"]
    page, both = where.removeprefix("/api/v1"), (manager, browser("owner"))
    for number in range(10):
        seen = manager.get(where).headers["etag"]

        def patch(who, number=number, seen=seen):
            unit = f"{number}-{both.index(who)}"
            return who.ask("PATCH", where, json={"unit": unit}, headers={"if-match": seen}).status_code

        def save(who, number=number, seen=seen):
            form = {"known_as": seen, "name": "Wang Fang", "unit": f"{number}-{2 + both.index(who)}"}
            return who.send(page, data=form).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(patch, both)) == [200, 412], number
            seen = manager.get(where).headers["etag"]
            assert sorted(pool.map(partial(save, seen=seen), both)) == [200, 422], number


def test_on_the_page_too(manager, store):
    where = manager.post("/api/v1/residents", json={"name": "Wang Fang"}).json()["id"]
    etag = manager.get(f"/api/v1/residents/{where}").headers["etag"]
    form = {"known_as": etag, "name": "Wang Fang", "unit": "3-1204", "group": ""}
    assert manager.send(f"/residents/{where}", data=form).status_code == 200
    late = manager.send(f"/residents/{where}", data=form | {"unit": "9-999"})
    assert late.status_code == 422
    assert "changed by someone else" in late.text
    assert residents.get(store, where).unit == "3-1204"
    # Of an earlier version, which does not say what it showed: all that was typed.
    assert 'name="unit" value="9-999"' in late.text


def test_the_slower_one_loses_nothing_of_what_they_typed_and_undoes_nothing(manager, browser, store):
    one = residents.enrol(store, "Wang Fang", "3-1204", [])
    path = f"/residents/{one.id}"
    page = manager.get(path).text
    shown = html.unescape(re.search(r'name="shown" value="([^"]*)"', page)[1])
    form = {"known_as": made_from(page), "shown": shown, "name": "Wang Fang", "unit": "3-1204", "schedule": "-"}
    browser("owner").send(path, data=form | {"valid_until": "2099-12-31"})
    late = manager.send(path, data=form | {"unit": "9-999", "extended": "1"})
    assert problem_of(late) == (
        "Wang Fang was changed by someone else in the meantime; look again before you change. They changed: Last day."
    )
    for field in ('name="unit" value="9-999"', 'name="valid_until" value="2099-12-31"', 'value="1" checked'):
        assert field in late.text, field
    for odd in ("[]", "{", "1", '{"name": []}'):
        assert manager.post(path, data=form | {"shown": odd}).status_code == 422


def test_withdrawal_and_erasure_give_receipts_that_are_on_record(manager, photos, store, staff):
    one = enrol(manager, photos, "obama.jpg", name="Barack Obama").json()["resident"]["id"]
    withdrawn = manager.post(f"/api/v1/residents/{one}/withdrawal").json()
    assert withdrawn["templates"] == 1
    assert manager.post(f"/api/v1/residents/{one}/withdrawal").status_code == 409
    erased = manager.ask("DELETE", f"/api/v1/residents/{one}").json()
    assert manager.get(f"/api/v1/residents/{one}").status_code == 404
    on_record = {line.id: line for line in audit.lines(store)}
    assert on_record[withdrawn["id"]].kind == "consent_withdrawn"
    assert on_record[erased["id"]].details["by"] == f"user {staff['manager'].id}"
    assert "Barack" not in str([line.personal for line in on_record.values()])
    assert audit.verify(store) is None


def test_the_list_is_searched_and_paged(manager):
    for number in range(5):
        manager.post("/api/v1/residents", json={"name": f"Person {number}", "unit": f"{number % 2}-101"})
    first = manager.get("/api/v1/residents?count=3").json()
    rest = manager.get(f"/api/v1/residents?count=3&after={first['next']}").json()
    assert [one["name"] for one in first["items"] + rest["items"]] == [f"Person {number}" for number in range(5)]
    assert rest["next"] is None
    manager.ask("DELETE", f"/api/v1/residents/{first['next']}")
    gone = manager.get(f"/api/v1/residents?count=3&after={first['next']}")
    assert (gone.status_code, "from the beginning" in gone.json()["detail"]) == (409, True)
    found = manager.get("/api/v1/residents?search=person 1-101").json()["items"]
    assert [one["name"] for one in found] == ["Person 1", "Person 3"]


def test_a_photo_is_judged_before_it_is_sent(manager, photos):
    def check(content):
        return manager.post("/api/v1/photos/checks", files={"photo": ("me.jpg", content, "image/jpeg")})

    assert check((photos / "obama.jpg").read_bytes()).json()["fit"]
    import cv2
    import numpy as np

    empty = check(cv2.imencode(".jpg", np.full((300, 300, 3), 90, np.uint8))[1].tobytes()).json()
    assert (empty["fit"], empty["reason"]) == (False, "no_face")
    assert check(b"GIF89a").status_code == 422
    form = {"photo": ("me.jpg", b"not a photo", "image/jpeg")}
    shown = manager.post("/photos/checks", files=form).json()
    assert (shown["fit"], shown["portrait"]) == (False, None)


def test_the_page_says_what_is_wrong_in_the_language_and_loses_nothing(manager, photos):
    form = {"name": "Barack Obama", "unit": "1-101", "way": "screen", "language": "zh-CN"}
    chinese = {"accept-language": "zh-CN"}
    unagreed = manager.send("/enrol", data=form, files=upload(photos, "obama.jpg"), headers=chinese)
    assert unagreed.status_code == 422
    assert "请勾选“本人已同意保存人脸数据”" in unagreed.text
    assert 'value="Barack Obama"' in unagreed.text
    wrong = [("photos", ("me.jpg", b"nothing", "image/jpeg"))]
    refused = manager.send("/enrol", data=form | {"agreed": "1"}, files=wrong, headers=chinese)
    assert "me.jpg不是可读取的照片" in refused.text
    assert 'value="1-101"' in refused.text


def test_a_poor_photo_among_good_ones_is_named_and_the_good_ones_are_taken(manager, photos, store):
    torn = ("photos", ("torn.jpg", (photos / "obama3.jpg").read_bytes()[:20_000], "image/jpeg"))
    given = [torn, *upload(photos, "obama.jpg", "obama2.jpg")]
    answer = manager.post("/api/v1/enrolments", data=AGREED | {"name": "Barack Obama"}, files=given)
    assert (answer.status_code, answer.json()["resident"]["templates"]) == (201, 2)
    (left_out,) = answer.json()["left_out"]
    assert (left_out["photo"], left_out["reason"]) == ("torn.jpg", None)
    assert "damaged" in left_out["advice"]
    form = {"resident": answer.json()["resident"]["id"], "way": "screen", "language": "en", "agreed": "1", "seen": "1"}
    shown = manager.send("/enrol", data=form, files=[torn, *upload(photos, "obama3.jpg")])
    assert "Left out: torn.jpg is damaged" in shown.text
    chinese = manager.send(
        "/enrol", data=form, files=[torn, *upload(photos, "obama3.jpg")], headers={"accept-language": "zh-CN"}
    )
    assert "未采用:torn.jpg" in chinese.text.replace("：", ":")
    # The same form sent twice enrols once.
    assert residents.every(store)[0].templates == 3


def test_each_look_at_people_is_on_record(manager, store, staff):
    for path in ("/residents", "/api/v1/residents"):
        manager.get(path)
    looks = [line.details for line in audit.lines(store) if line.kind == "looked_at"]
    assert looks == [{"what": "residents", "by": f"user {staff['manager'].id}"}] * 2


def test_the_same_request_with_the_same_key_is_carried_out_once(manager, photos, store):
    key = {"idempotency-key": "family-3-1204"}
    first = manager.post("/api/v1/residents", json={"name": "Wang Fang"}, headers=key)
    again = manager.post("/api/v1/residents", json={"name": "Wang Fang"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = manager.post("/api/v1/residents", json={"name": "Li Lei"}, headers=key)
    assert other.status_code == 409
    assert "another request" in other.json()["detail"]

    def enrol_with(key, *names):
        return manager.post(
            "/api/v1/enrolments",
            data=AGREED | {"name": "Barack Obama"},
            files=upload(photos, *names),
            headers={"idempotency-key": key},
        )

    one = enrol_with("k", "obama.jpg").json()["resident"]
    assert enrol_with("k", "obama.jpg").json()["resident"] == one
    assert enrol_with("k", "obama2.jpg").status_code == 409
    assert sorted(person.name for person in residents.every(store)) == ["Barack Obama", "Wang Fang"]
    # Whoever asks again is told of them as they are by now, and each time it is a look.
    manager.ask("PATCH", f"/api/v1/residents/{one['id']}", json={"unit": "9-901"})
    assert enrol_with("k", "obama.jpg").json()["resident"]["unit"] == "9-901"
    assert [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"] == ["a resident"] * 3


def test_a_key_whose_request_failed_can_be_used_again_and_is_nobody_elses(manager, browser, photos, store):
    headers = {"idempotency-key": "k"}
    form = AGREED | {"name": "A"}
    wrong = manager.post("/api/v1/enrolments", data=form, files=[("photos", ("x.jpg", b"x"))], headers=headers)
    assert wrong.status_code == 422
    right = manager.post("/api/v1/enrolments", data=form, files=upload(photos, "obama.jpg"), headers=headers)
    assert right.status_code == 201
    owner = browser("owner").post("/api/v1/residents", json={"name": "B"}, headers=headers)
    assert owner.json()["name"] == "B"


def test_a_lease_has_a_last_day(manager, store):
    where = manager.post("/api/v1/residents", json={"name": "Wang Fang"}).headers["location"]
    changed = manager.ask("PATCH", where, json={"valid_until": "2027-01-31"})
    assert changed.json()["valid_until"] == "2027-01-31"
    for no_day in ("soon", "2027-W04-7", "20270131"):
        assert manager.ask("PATCH", where, json={"valid_until": no_day}).status_code == 409
    page = f"/residents/{changed.json()['id']}"
    form = {
        "known_as": changed.headers["etag"],
        "name": "Wang Fang",
        "valid_from": "2027-02-01",
        "valid_until": "2027-01-31",
    }
    refused = manager.post(page, data=form, headers={"accept-language": "zh-CN"})
    assert "截止日期早于生效日期" in refused.text
    assert residents.every(store)[0].valid_from is None


def test_whose_templates_an_older_model_made_is_asked_to_enrol_again(manager, photos, store):
    one = enrol(manager, photos, "obama.jpg", name="Barack Obama").json()["resident"]["id"]
    assert "please enrol again" not in manager.get("/residents").text + manager.get(f"/residents/{one}").text
    store.execute("UPDATE templates SET model = 'older/0'")
    assert f'href="/enrol?resident={one}">please enrol again' in manager.get("/residents").text
    assert "made by an earlier model: please enrol again" in manager.get(f"/residents/{one}").text
    again = enrol(manager, photos, "obama3.jpg", resident=one).json()["resident"]
    assert again["templates"] == 2
    assert "please enrol again" not in manager.get("/residents").text


def test_who_was_enrolled_before_there_was_a_second_look_gains_by_new_photos(manager, state, models_dir, photos, store):
    one = enrol(manager, photos, "obama.jpg", name="Barack Obama").json()["resident"]["id"]
    gains, more = "known more surely by new photos", "is let in more surely"
    assert gains not in manager.get("/residents").text
    store.execute("UPDATE templates SET second_model = NULL, second_vector = NULL")
    assert gains in manager.get("/residents").text
    assert more in manager.get(f"/residents/{one}").text
    without = Browser(create_app(context_on(state, models_dir, settings={"vision": {"second_look": False}})))
    without.sign_in("manager")
    assert gains not in without.get("/residents").text
    assert more not in without.get(f"/residents/{one}").text


def test_a_name_that_was_written_wrong_is_mended(manager, store):
    where = manager.post("/api/v1/residents", json={"name": "Wang Fnag"}).headers["location"]
    assert manager.ask("PATCH", where, json={"name": "Wang\u202eFang"}).status_code == 422
    changed = manager.ask("PATCH", where, json={"name": " Wang Fang "})
    assert changed.json()["name"] == "Wang Fang"
    page = f"/residents/{changed.json()['id']}"
    form = {"known_as": changed.headers["etag"], "name": ""}
    assert "between 1 and 100" in manager.post(page, data=form).text
    assert "王芳" in manager.send(page, data=form | {"name": "王芳"}).text
    assert [one.name for one in residents.every(store)] == ["王芳"]


def test_a_family_is_on_one_card_and_has_a_page_with_the_next_one_a_click_away(browser, store):
    both = (("Wang Fang", "3-1204"), ("Wang Lei", "3栋1204"))
    family = [residents.enrol(store, name, unit, []) for name, unit in both]
    residents.enrol(store, "Li Lei", "5-101", [])
    audit.append(
        store, AuditEvent("granted", {"method": "face"}, {"resident": family[1].id, "name": "Wang Lei"}, family[1].id)
    )
    manager = browser("manager")
    (card,) = re.findall(r'<li class="card">(.*?)</ul>', manager.get("/residents?search=3号楼1204室").text, re.DOTALL)
    assert [one in card for one in ("Wang Fang", "Wang Lei", "Li Lei")] == [True, True, False]
    home = manager.get(re.search(r'href="(/homes/[^"]+)"', card)[1])
    assert "Wang Fang" in home.text
    assert "Let in" in home.text
    form = manager.get(html.unescape(re.search(r'href="(/enrol\?unit=[^"]+)"', home.text)[1])).text
    assert 'name="unit" maxlength="100" value="3-1204"' in form
    assert manager.get("/homes/3栋1204").headers["location"] == "/homes/3-1204"
    assert manager.get("/homes/9-9").status_code == 404


def test_two_of_one_name_are_told_apart_by_their_homes(browser, store):
    for unit in ("3-1204", "5-101"):
        one = residents.enrol(store, "Li Na", unit, [])
        audit.append(store, AuditEvent("granted", {"method": "face"}, {"resident": one.id, "name": "Li Na"}, one.id))
    manager = browser("manager")
    for path in ("/", "/events?what=entries", "/api/v1/events/export", "/api/v1/events/export?format=jsonl"):
        said = manager.get(path).text
        assert ("3-1204" in said, "5-101" in said) == (True, True), path
    assert {one["unit"] for one in manager.get("/api/v1/events?kind=granted").json()["items"]} == {"3-1204", "5-101"}
    assert len(manager.get("/api/v1/events?kind=granted&home=3栋1204").json()["items"]) == 1


def test_the_list_of_residents_goes_on_by_whole_homes(browser, store, monkeypatch):
    monkeypatch.setattr("api.pages.residents._PEOPLE_SHOWN", 3)
    for number in range(8):
        residents.enrol(store, f"Person {number}", f"1-{number // 2}" if number < 6 else None, [])
    manager, seen, path = browser("manager"), [], "/residents"
    while path:
        text = manager.get(path).text
        seen += re.findall(r'class="name"[^>]*>(.*?)</a>', text)
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', text)
        path = more and "/residents" + html.unescape(more[1])
    assert seen == [f"Person {number}" for number in range(8)]


def test_more_goes_on_where_whoever_was_last_is_gone(browser, store, monkeypatch):
    monkeypatch.setattr("api.pages.residents._PEOPLE_SHOWN", 2)
    people = [residents.enrol(store, f"Person {number}", f"1-{number}", []) for number in range(5)]
    manager = browser("manager")
    more = html.unescape(re.search(r'href="(\?[^"]*after=[^"]*)"', manager.get("/residents?lacking=none").text)[1])
    credentials.add_card(store, people[1], None, b"a" * 32, by="test")
    rest = manager.get(f"/residents{more}").text
    assert re.findall(r'class="name"[^>]*>(.*?)</a>', rest) == ["Person 2", "Person 3"]
    for junk in ("²", "zz-❶", "-", "9" * 300):
        assert manager.get("/residents", params={"after": junk}).status_code == 200


def test_a_whole_home_moves_out_at_once_and_nobody_who_was_not_shown(browser, store):
    family = [residents.enrol(store, name, "3-1204", []) for name in ("Wang Fang", "Wang Lei")]
    for one in family:
        audit.append(store, AuditEvent("granted", {"method": "face"}, {"resident": one.id, "name": one.name}, one.id))
    manager = browser("manager")
    shown = manager.get("/homes/3-1204").text
    ticked = re.findall(r'type="checkbox" name="resident" value="([^"]+)" checked', shown)
    assert ticked == [one.id for one in family]
    residents.enrol(store, "Wang Ming", "3栋1204", [])
    form = {"resident": ticked, "key": re.search(r'name="key" value="([^"]+)"', shown)[1]}
    first, again = (manager.post("/homes/3-1204/erasure", data=form) for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    *erased, together = [line for line in audit.lines(store) if line.kind.startswith("erased")]
    assert [line.kind for line in erased] == ["erased", "erased"]
    assert together.id in manager.get(first.headers["location"]).text
    assert [one.name for one in residents.every(store)] == ["Wang Ming"]
    assert audit.verify(store) is None
    assert manager.post("/homes/3-1204/erasure").status_code == 422
