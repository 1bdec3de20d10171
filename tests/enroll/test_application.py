"""What whoever enrols asks for is cleaned and checked in one place, and so in the same words at every door."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from enroll.application import Application, Photo, add_without_face, of_namesake, write
from enroll.consent import agreed
from gate.errors import Refusal, UsageError
from gate.store.database import open_database
from gate.store.people import consents, erasure, residents
from gate.store.people.consents import NO_PERSON, Way
from gate.store.people.templates import Template

TOLD = agreed(Way.TOLD)


def unopened(count):
    return [Photo(f"{number}.jpg", lambda: pytest.fail("a photo is opened before anything else is right")) for number in
            range(count)]  # fmt: skip


def test_name_and_home_are_cleaned_and_nothing_is_opened():
    asked = Application.of("  Jose\u0301\u3000Li ", " 3-1204\u00a0", unopened(8), TOLD)
    assert (asked.name, asked.unit, len(asked.photos), asked.whose) == ("José Li", "3-1204", 8, None)
    assert Application.of("王芳", None).agreed is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("", None), "The name must have between 1 and 100 characters."),
        (("Li\u202eNa", None), "The name holds invisible or control characters; type it again."),
        (("Li Na", " "), "The unit must have between 1 and 100 characters."),
        (("Li Na", None, unopened(9), TOLD), "Give between 1 and 8 photos."),
        (("Li Na", None, (), TOLD), "Give between 1 and 8 photos."),
        (("Li Na", None, unopened(1)), "Photos need a consent: told, paper or screen."),
        (("Li Na", None, unopened(1), agreed(Way.NONE)), "Photos need a consent: told, paper or screen."),
    ],
)
def test_what_is_wrong_is_one_sentence(given, why):
    with pytest.raises(UsageError) as refused:
        Application.of(*given)
    assert str(refused.value) == why


def test_whose_face_it_is_is_found_by_name_and_home(store):
    first = residents.enrol(store, "Li Na", None, [])
    assert of_namesake(store, Application.of("Li Na", None)).whose == first
    assert of_namesake(store, Application.of("Li\u00a0Na", "1-101")).whose == first, "nobody said where she lives"
    second = residents.enrol(store, "Li Na", "2-202", [])
    assert of_namesake(store, Application.of("Zhao Lei", None)).whose is None
    residents.enrol(store, "Wu Bo", "1-101", [])
    assert of_namesake(store, Application.of("Wu Bo", "2-202")).whose is None
    with pytest.raises(Refusal, match="There are 2 residents called Li Na; give their home"):
        of_namesake(store, Application.of("Li Na", None))
    more = Application.of("whatever was typed", None, unopened(1), TOLD, second)
    assert (more.name, more.whose) == ("Li Na", second)


def test_of_several_who_ask_for_the_same_person_at_once_one_is_heard(store, state):
    began = Barrier(4)

    def ask(_):
        with closing(open_database(state)) as connection:
            began.wait(10)
            try:
                return add_without_face(connection, "Li Na", "2-202", by="test").name
            except Refusal as refused:
                return str(refused)

    with ThreadPoolExecutor(4) as together:
        said = sorted(together.map(ask, range(4)))
    assert said[0] == "Li Na"
    assert set(said[1:]) == {
        "Li Na is already enrolled, in 2-202. For another person of that name there, write into the name what tells"
        " them apart, for example: Li Na (son)."
    }
    assert [one.unit for one in residents.every(store)] == ["2-202"]


def test_whoever_was_added_while_photos_were_looked_over_is_not_added_again(store):
    asked = of_namesake(store, Application.of("Li Na", "2-202"))
    residents.enrol(store, "Li Na", "2-202", [])
    with pytest.raises(Refusal, match="Li Na is already enrolled"):
        write(store, asked, (), "test")
    assert len(residents.every(store)) == 1


def test_what_ended_since_it_was_agreed_to_is_told_by_the_store_and_by_no_clock(store):
    (made,) = [Template("m", "s", {}, b"")]
    li = residents.enrol(store, "Li Na", None, [made], NO_PERSON)
    erasure.withdraw(store, li, by="test")
    # The gate's clock was years ahead then.
    store.execute("UPDATE consents SET withdrawn_at = '2099-01-01T00:00:00.000+00:00'")
    anew = Application.of("Li Na", None, unopened(1), TOLD, li, ended=consents.ended(store))
    assert write(store, anew, [made], "test").templates == 1
    before = Application.of("Li Na", None, unopened(1), TOLD, li, ended=consents.ended(store))
    erasure.withdraw(store, li, by="test")
    # And years behind now.
    store.execute("UPDATE consents SET withdrawn_at = '1970-01-01T00:00:00.000+00:00'")
    with pytest.raises(Refusal, match="Li Na withdrew their consent in the meantime"):
        write(store, before, [made], "test")


def test_api_page_import_and_command_refuse_a_name_in_the_same_words(browser, facegate, photos, store, tmp_path):
    name = "Li\u202eNa"
    with pytest.raises(UsageError) as refused:
        Application.of(name, None)
    why = str(refused.value)
    manager = browser("manager")
    sent = {"photos": ("obama.jpg", (photos / "obama.jpg").read_bytes())}
    answer = manager.post("/api/v1/enrolments", data={"name": name, "way": "told"}, files=sent)
    assert (answer.status_code, answer.json()["detail"]) == (422, why)
    assert why in manager.post("/enrol", data={"name": name, "agreed": "true"}, files=sent).text
    assert facegate("enroll", name, photos / "obama.jpg").err.strip().endswith(why)
    (tmp_path / "people.csv").write_text(f"name\n{name}\n", "utf-8")
    (row,) = facegate("import", tmp_path / "people.csv", "--json").answer["rows"]
    assert (row["action"], row["why"]) == ("refused", why)
    assert residents.every(store) == []
