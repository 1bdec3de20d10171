"""Names as people type and paste them: one person stays one, and what nobody sees is refused."""

from contextlib import closing
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll.application import add_without_face
from gate.errors import Refusal, UsageError
from gate.names import clean_name, clean_text, name_key, normalised
from gate.store.database import open_database
from gate.store.people import finding, residents
from gate.store.site import schedules

PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"  # Ali-Reza, written with a zero-width non-joiner
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"  # Sri, with a zero-width joiner after the sign that takes the vowel away
MALAYALAM = "\u0d28\u0d3e\u0d30\u0d3e\u0d2f\u0d23\u0d28\u0d4d\u200d"  # Narayanan, which ends with one


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  王 芳 ", "王 芳"),
        ("王\u3000芳", "王 芳"),
        ("Wang\u00a0\u2009 Fang\u202f", "Wang Fang"),
        ("Wang Fang\r\n", "Wang Fang"),
        ("Jose\u0301", "José"),
        ("O'Brien-Ñandú", "O'Brien-Ñandú"),
        ("葛\U000e0100飾", "葛\U000e0100飾"),
        (PERSIAN, PERSIAN),
        (SINHALA, SINHALA),
        (MALAYALAM, MALAYALAM),
    ],
)
def test_names_of_the_world_are_kept_composed_with_plain_spaces_and_their_joiners(typed, kept):
    assert clean_text(typed, "name") == kept


@pytest.mark.parametrize(
    "name",
    [
        "An\u200dn", "An\u200cn", "\u200cAnn", "王\u200d芳", PERSIAN + "\u200c", "Ann\u00ad", "An\u200bn", "\ufeffAnn",
        "right\u202eleft", "\u2066Ann", "tab\there", "line\nbreak", "nul\0", "Ann\u2060", "An\u3164n", "\u2800Ann",
        "Ann\U000e0041", "\ue000", "An\u034fn", "\ud800",
    ],
)  # fmt: skip
def test_what_nobody_sees_is_refused(name):
    with pytest.raises(UsageError, match="invisible or control characters; type it again"):
        clean_text(name, "name")


@pytest.mark.parametrize("name", ["·", "· ·", "-", "——", "…", "（）", "٫", "।"])
def test_what_is_punctuation_alone_is_no_name(name):
    with pytest.raises(UsageError, match="is punctuation alone; type it again, with a letter or a digit"):
        clean_name(name)


@pytest.mark.parametrize("name", ["3", "J.", "O'", "☆", "王·", "·王", "一"])
def test_a_letter_a_digit_or_a_sign_is_enough_of_a_name(name):
    assert clean_name(name) == name


def test_wherever_a_name_is_taken_punctuation_alone_is_told_and_nothing_is_kept(browser, store, facegate):
    manager, owner, chinese = browser("manager"), browser("owner"), {"accept-language": "zh-CN"}
    someone = add_without_face(store, "王芳", "3-1204", by="test")
    said = [
        manager.post("/api/v1/residents", json={"name": "·"}),
        manager.post("/api/v1/enrolments", data={"name": "·", "way": "told"}, files=[("photos", ("a.jpg", b"x"))]),
        manager.ask("PATCH", f"/api/v1/residents/{someone.id}", json={"name": "·"}),
        manager.post("/enrol", data={"name": "·"}),
        manager.post("/enrol", data={"name": "·", "link": "k1"}),
        manager.post(f"/residents/{someone.id}", data={"name": "·", "known_as": "*"}),
        manager.ask("PUT", "/api/v1/groups/·", json={"schedule": None}),
        owner.post("/api/v1/users", json={"name": "·", "role": "guard", "password": "a long password 17"}),
    ]
    assert [(one.status_code, "punctuation alone" in one.text) for one in said] == [(422, True)] * len(said)
    assert "只有标点" in manager.post("/enrol", data={"name": "·"}, headers=chinese).text
    done = facegate("enroll", "·", "--no-face")
    assert (done.code, "punctuation alone" in done.err) == (2, True)
    assert [one.name for one in residents.every(store)] == ["王芳"]


def test_wherever_a_home_is_taken_punctuation_alone_is_told_and_homes_of_before_stay(
    browser, store, facegate, tmp_path
):
    manager, photo = browser("manager"), [("photos", ("a.jpg", b"x"))]
    # As a home could be before.
    someone = residents.enrol(store, "王芳", "--", [])
    said = [
        manager.post("/api/v1/residents", json={"name": "Li Na", "unit": "。"}),
        manager.post("/api/v1/enrolments", data={"name": "Li Na", "unit": "--", "way": "told"}, files=photo),
        manager.ask("PATCH", f"/api/v1/residents/{someone.id}", json={"unit": "。"}),
        manager.post("/enrol", data={"name": "Li Na", "unit": "·"}),
        manager.post("/enrol", data={"name": "Li Na", "unit": "…", "link": "k1"}),
        manager.post("/enrol", data={"name": "Li Na", "unit": "…", "agreed": "1"}, files=photo),
        manager.post(f"/residents/{someone.id}", data={"name": "王芳", "unit": "—", "known_as": "*"}),
    ]
    assert [(one.status_code, "unit is punctuation alone" in one.text) for one in said] == [(422, True)] * len(said)
    assert (done := facegate("enroll", "Li Na", "--no-face", "--unit", "--")).code == 2
    assert "unit is punctuation alone" in done.err
    (tmp_path / "people.csv").write_text("name,unit\nLi Na,--\n")
    assert "unit is punctuation alone" in facegate("import", tmp_path / "people.csv", "--yes").out
    # Whoever has such a home keeps it while something else of theirs is changed.
    assert manager.ask("PATCH", f"/api/v1/residents/{someone.id}", json={"unit": "--", "name": "王 芳"}).is_success
    form = {"name": "王芳", "unit": " -- ", "known_as": "*"}
    assert manager.send(f"/residents/{someone.id}", data=form).is_success
    assert [(one.name, one.unit) for one in residents.every(store)] == [("王芳", "--")]


@given(st.text())
def test_to_normalise_twice_is_to_normalise_once(text):
    once = normalised(text)
    assert normalised(once) == once
    assert name_key(once) == name_key(text)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("Wang Fang", "Wang\u00a0Fang"),
        ("Wang Fang", " Wang \u3000 Fang"),
        ("José", "Jose\u0301"),
        (PERSIAN, PERSIAN.replace("\u200c", "")),
        (PERSIAN.replace("\u200c", ""), PERSIAN),
    ],
)
def test_another_spelling_is_no_second_person(store, first, again):
    someone = add_without_face(store, first, "3-1", by="test")
    for unit in ("3-1", "3-1\u00a0"):
        with pytest.raises(Refusal, match="already enrolled"):
            add_without_face(store, again, unit, by="test")
    assert residents.find(store, again) == someone
    assert finding.search(store, again) == [someone]


def test_yesterdays_names_are_made_one_and_found(state):
    with closing(open_database(state)) as store:
        kept = [residents.enrol(store, name, unit, []) for name, unit in
                (("Wang\u00a0Fang", "3\u30001"), ("Jose\u0301", "\u00a0"), ("王芳", None))]  # fmt: skip
        for name in ("night\u00a0guards", "night guards", "day\u00a0guards"):
            schedules.put_group(store, name, None, "test")
        store.create_function("normalised", 1, lambda text: text and normalised(text))
        store.execute("DROP INDEX residents_by_key")
        store.executescript((resources.files("gate.store") / "migrations" / "0017_names.sql").read_text("utf-8"))
    with closing(open_database(state)) as store:
        assert [residents.get(store, one.id).name for one in kept] == ["Wang Fang", "José", "王芳"]
        assert [residents.get(store, one.id).unit for one in kept] == ["3 1", None, None]
        assert residents.find(store, "Wang\u2003Fang").id == kept[0].id
        assert [one.name for one in schedules.groups(store)] == ["day guards", "night guards", "night\u00a0guards"]
        by_name = f"EXPLAIN QUERY PLAN SELECT 1 FROM residents r WHERE {residents._NAME_KEY} = ?"
        used = store.execute(by_name, ("x",)).fetchall()
        assert "residents_by_key" in str(used)


def test_a_hard_space_makes_no_second_person_by_page_api_or_command(browser, store, facegate):
    manager = browser("manager")
    assert manager.post("/api/v1/residents", json={"name": "Wang Fang", "unit": "3-1"}).status_code == 201
    assert manager.post("/api/v1/residents", json={"name": "Wang\u00a0Fang", "unit": "3-1"}).status_code == 409
    page = manager.post("/enrol", data={"name": "Wang\u3000Fang", "unit": "3-1\u00a0", "way": "told"})
    assert "already enrolled" in page.text
    done = facegate("enroll", "Wang\u00a0Fang", "--unit", "\u00a03-1", "--no-face")
    assert (done.code, "already enrolled" in done.err) == (1, True)
    assert [(one.name, one.unit) for one in residents.every(store)] == [("Wang Fang", "3-1")]
    assert facegate("residents", "show", "Wang\u2009Fang", "--json").answer["name"] == "Wang Fang"
    assert manager.get("/api/v1/residents?search=wang%C2%A0fang").json()["items"][0]["name"] == "Wang Fang"
    facegate("schedules", "put", "night\u00a0shift", "Mon-Fri 20:00-24:00")
    assert [one.name for one in schedules.every(store)] == ["night shift"]
