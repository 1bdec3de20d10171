"""Links for many, by the API and by a command: drawn, listed, passed over, ended; with the record lines of the page."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from api.app import create_app
from api.front.hosts import Hosts
from gate.store.people import residents
from gate.store.record import audit
from tests.api.own_photos.links import OVER, agree, drawn
from tests.console import Browser
from tests.running import of_kind, wait_for

ADDRESS = "https://gate.example:8443"


@pytest.fixture
def li(store):
    return residents.enrol(store, "Li Na", "1-101", [])


def path_of(url):
    return urlsplit(url).path


def draw(manager, *people, key=None, **given):
    headers = {"idempotency-key": key} if key else {}
    asked = {"residents": [one.id for one in people]} | given
    return manager.post("/api/v1/photo-links", json=asked, headers=headers)


def test_links_for_many_are_drawn_by_the_api_listed_and_ended(manager, phone, wang, li, store, staff):
    before = drawn(manager, wang)
    answer = draw(manager, wang, li)
    assert answer.status_code == 201, answer.text
    # What was sent to somebody stays good.
    assert answer.json()["passed_over"] == [wang.id]
    assert agree(phone(), before).status_code == 303
    (one,) = answer.json()["links"]
    assert (one["resident"], "Li *" in phone().get(path_of(one["url"])).text) == (li.id, True)
    listed = manager.get("/api/v1/photo-links").json()
    assert [(link["resident"], link["agreed_at"] is None) for link in listed] == [(wang.id, False), (li.id, True)]
    assert not any("secret" in name for link in listed for name in link)
    # The line is that of the page.
    page, api = of_kind(store, "link_drawn")
    assert (page.details.keys(), page.details["by"]) == (api.details.keys(), api.details["by"])
    assert manager.ask("DELETE", f"/api/v1/residents/{li.id}/photo-link").status_code == 204
    assert manager.ask("DELETE", f"/api/v1/residents/{li.id}/photo-link").status_code == 409
    assert OVER in phone().get(path_of(one["url"])).text
    assert [line.details["by"] for line in of_kind(store, "link_ended")] == [f"user {staff['manager'].id}"]
    # Asked to, a new one takes the place of the one before.
    at_once = draw(manager, wang, again=True).json()
    assert (at_once["links"], at_once["passed_over"]) == ([], [wang.id])
    store.execute("UPDATE photo_links SET made_at = '2026-01-01T00:00:00.000+00:00'")
    again = draw(manager, wang, again=True).json()["links"]
    assert OVER in phone().get(before).text
    assert phone().get(path_of(again[0]["url"])).status_code == 200
    assert audit.verify(store) is None


def test_the_same_key_is_told_the_same_links_and_one_who_is_none_stops_all(manager, browser, wang, li, store):
    first, once_more = (draw(manager, wang, li, key="k1").json() for _ in range(2))
    assert first == once_more
    assert len(of_kind(store, "link_drawn")) == 2
    # Nobody else is told them by that key, and of one that was replaced nothing is told.
    theirs = draw(browser("owner"), wang, key="k1").json()
    assert (theirs["links"], theirs["passed_over"]) == ([], [wang.id])
    drawn(manager, wang, "k2")
    assert [one["resident"] for one in draw(manager, wang, li, key="k1").json()["links"]] == [li.id]
    unknown = manager.post("/api/v1/photo-links", json={"residents": [li.id, "nobody"], "again": True})
    assert unknown.status_code == 404
    assert len(of_kind(store, "link_drawn")) == 3


def test_links_are_drawn_listed_and_ended_by_command(facegate, manager, phone, wang, li, store):
    before = drawn(manager, wang)
    told = facegate("links", "draw", "--without-face", "--address", ADDRESS, "--json").answer
    assert told["passed_over"] == [wang.id]
    (one,) = told["links"]
    assert one["url"].startswith(f"{ADDRESS}/photo/")
    assert phone().get(path_of(one["url"])).status_code == 200
    page, command = of_kind(store, "link_drawn")
    assert page.details.keys() == command.details.keys()
    assert command.details["by"].startswith("uid ")
    assert {link["resident"] for link in facegate("links", "list", "--json").answer["links"]} == {wang.id, li.id}
    again = facegate("links", "draw", "王芳", "--again", "--address", f"{ADDRESS}/")
    assert again.code == 0
    assert f"{ADDRESS}/photo/" in again.out
    assert OVER in phone().get(before).text
    assert facegate("links", "end", "Li Na").code == 0
    assert OVER in phone().get(path_of(one["url"])).text
    assert facegate("links", "end", "Li Na").code == 1
    assert facegate("links", "draw", "Li Na", "Nobody", "--address", ADDRESS).code == 1
    assert len(of_kind(store, "link_drawn")) == 3
    # Who has one is told of with what to do.
    refused = facegate("links", "draw", "王芳", "--address", ADDRESS)
    ends = facegate("links", "list", "--json").answer["links"][0]["ends_at"]
    assert (refused.code, f"王芳 has a link already, until {ends}" in refused.err, "--again" in refused.err) == (
        1, True, True,
    )  # fmt: skip


def test_an_address_that_no_browser_opens_ends_no_link(facegate, wang, store):
    assert facegate("links", "draw", "王芳", "--address", "https://192.168.1.20:8443").code == 0
    for address in ("https://a b", "https://x:99999", "https://ann@x", "https://[", "https://x/p"):
        refused = facegate("links", "draw", "王芳", "--again", "--address", address)
        assert (refused.code, "Give the address as https://192.168.1.20:8443" in refused.err) == (2, True), address
    assert len(of_kind(store, "link_drawn")) == 1


@pytest.mark.parametrize(("host", "reachable"), [("127.0.0.1:8443", False), ("192.168.1.20:8443", True)])
def test_page_api_and_command_say_alike_whether_phones_reach_the_gate_by_a_link(
    context, staff, facegate, wang, host, reachable
):
    manager = Browser(create_app(replace(context, hosts=Hosts.of(("127.0.0.1", "192.168.1.20")))))
    manager.headers["host"] = host
    manager.sign_in("manager")
    shown = manager.post(f"/residents/{wang.id}/photo-link", data={"key": "k"}).headers["location"]
    assert ("an address that no phone reaches" in manager.get(shown).text) is not reachable
    assert draw(manager, wang, again=True).json()["reachable"] is reachable
    by_command = facegate("links", "draw", "王芳", "--again", "--address", f"https://{host}")
    assert ("No phone reaches the gate" in by_command.err) is not reachable


def test_after_an_import_links_are_drawn_in_bulk_for_its_people_without_a_photo(manager, browser, phone, wang, store):
    table = ("people.csv", "name,unit\n王芳,3-1204\nLi Na,1-101\nLi Wei,10-101\nLi Xu,1-101\n".encode())
    residents.enrol(store, "Not In It", "9-909", [])
    drawn(manager, wang)
    manager.post("/import", files=[("files", table)])
    wait_for(lambda: "Confirm import" in (page := manager.get("/import").text) and page, 30)
    assert "without a photo" not in manager.get("/import").text
    key = re.search(r'name="key" value="([^"]+)"', manager.get("/import").text)[1]
    manager.post("/import/run", data={"key": key})
    done = wait_for(lambda: "Finish" in (page := manager.get("/import").text) and page, 30)
    assert "Draw links for 3 people without a photo" in done
    form = {"link_key": re.search(r'name="link_key" value="([^"]+)"', done)[1]}
    where = manager.post("/import/photo-links", data=form).headers["location"]
    # Pressed twice they are drawn once.
    assert manager.post("/import/photo-links", data=form).headers["location"] == where
    shown = manager.get(where).text
    links = re.findall(r"<code>https?://[^/]+(/photo/[\w-]{43})</code>", shown)
    assert (len(links), "Li Na" in shown, "王芳" in shown, "Not In It" in shown) == (3, True, False, False)
    # A home's people stand beside one another, and no home is cut in two lines.
    rows = re.findall(r'class="unit whole" href="/homes/[^"]+">([^<]+)</a>\s*</td><td>([^<]+)<', shown)
    assert rows == [("1-101", "Li Na"), ("1-101", "Li Xu"), ("10-101", "Li Wei")]
    assert all("Li *" in phone().get(path).text for path in links)
    # The page of each says as much: it is shown again for as long.
    for page in re.findall(r'href="(/residents/[^"]+/photo-link\?[^"]+)"', shown) * 2:
        of_one = manager.get(page).text
        assert ("For 10 minutes it is shown here" in of_one, "It is shown only now" in of_one) == (True, False)
    assert [line.personal["name"] for line in of_kind(store, "link_drawn")] == ["王芳", "Li Na", "Li Wei", "Li Xu"]
    assert "<code>" not in browser("owner").get(where).text
    assert "without a photo" not in manager.get("/import").text
