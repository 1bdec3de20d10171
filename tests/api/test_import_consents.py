"""The language in which those of a table agreed, and who agreed without a photo."""

import io
import re
import zipfile

import pytest

from api.app import create_app
from gate.store.people import consents, residents
from tests.api.importing import looked_at, until
from tests.console import Browser, context_on, problem_of

pytestmark = pytest.mark.whole


@pytest.fixture
def manager(browser):
    return browser("manager")


WITHOUT_LANGUAGE = (
    "name,unit,photos,consent,language\nObama,1,obama.jpg,paper,\nBiden,2,biden.jpg,told,en\n王芳,3,,paper,\n"
)


@pytest.fixture
def of_wang(photos):
    """A ZIP whose table names a language for one of three."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("people.csv", WITHOUT_LANGUAGE)
        for name in ("obama.jpg", "biden.jpg"):
            out.write(photos / name, name)
    return made.getvalue()


def languages_agreed_in(store):
    return {
        one.name: [given.consent.language for given in consents.of(store, one.id)] for one in residents.every(store)
    }


@pytest.mark.parametrize(
    ("setting", "chosen", "reader", "wanted"),
    [("", "", "zh-CN", "zh-CN"), ("", "", "en", "en"), ("zh-CN", "", "en", "zh-CN"), ("zh-CN", "en", "zh-CN", "en")],
)
def test_whose_row_names_no_language_agreed_in_the_sites(
    state, models_dir, store, staff, of_wang, setting, chosen, reader, wanted
):
    manager = Browser(create_app(context_on(state, models_dir, settings={"enrolment": {"language": setting}})))
    manager.sign_in("manager")
    headers = {"accept-language": reader}
    assert f'<option value="{setting or reader}" lang="{setting or reader}" selected>' in (
        manager.get("/import", headers=headers).text
    )
    files = [("files", ("all.zip", of_wang))]
    manager.post("/import", files=files, data={"language": chosen} if chosen else {}, headers=headers)
    assert until(manager, "rehearsed")["language"] == wanted
    assert {"en": "the text in English", "zh-CN": "the text in 简体中文"}[wanted] in manager.get("/import").text
    manager.post("/import/run", data=looked_at(manager))
    until(manager, "done")
    assert languages_agreed_in(store) == {"Obama": [wanted], "Biden": ["en"], "王芳": []}


def test_api_and_command_take_the_sites_language_too_or_the_one_they_are_given(
    state, models_dir, store, staff, of_wang, facegate, photos, tmp_path
):
    manager = Browser(create_app(context_on(state, models_dir, settings={"enrolment": {"language": "zh-CN"}})))
    manager.sign_in("manager")
    for form, wanted in (({}, "zh-CN"), ({"language": "en"}, "en")):
        manager.post("/api/v1/imports", files=[("files", ("all.zip", of_wang))], data=form)
        assert until(manager, "rehearsed")["language"] == wanted
    unknown = manager.post("/api/v1/imports", files=[("files", ("all.zip", of_wang))], data={"language": "tlh"})
    assert (unknown.status_code, unknown.json()["detail"]) == (422, "There is no consent text in this language.")
    (tmp_path / "all.zip").write_bytes(of_wang)
    chinese = {"FACEGATE_ENROLMENT__LANGUAGE": "zh-CN"}
    done = facegate("import", tmp_path / "all.zip", "--yes", "--json", **chinese)
    assert (done.answer["language"], done.answer["enrolled"]) == ("zh-CN", 2)
    form = {"name": "Ann", "way": "told", "another_than": [one.id for one in residents.every(store)]}
    manager.post("/api/v1/enrolments", data=form, files=[("photos", ("a", (photos / "obama2.jpg").read_bytes()))])
    facegate("enroll", "Joe", photos / "biden.jpg", "--another-person", **chinese)
    assert languages_agreed_in(store) == {
        "Ann": ["zh-CN"], "Obama": ["zh-CN"], "Biden": ["en"], "王芳": [], "Joe": ["zh-CN"],
    }  # fmt: skip


def test_who_agreed_and_has_no_photo_is_a_warning_counted_above_the_table(manager, facegate, of_wang, tmp_path):
    manager.post("/import", files=[("files", ("all.zip", of_wang))])
    for phase in ("rehearsed", "done"):
        now = until(manager, phase)
        assert (now["warnings"], [line["warns"] for line in now["lines"]]) == (1, [False, False, True])
        page = manager.get("/import").text
        assert "1 line needs a look" in page
        # It stands first, and is marked.
        assert re.search(r"<tbody>\s*<tr><td>4</td><td>王芳</td><td class=\"warn\">", page)
        if phase == "rehearsed":
            manager.post("/import/run", data=looked_at(manager))
    (tmp_path / "all.zip").write_bytes(of_wang)
    said = facegate("import", tmp_path / "all.zip", "--json")
    assert (said.answer["warnings"], [row["warns"] for row in said.answer["rows"]]) == (1, [False, False, True])
    assert "no photo is named: no face is kept" in said.answer["rows"][2]["why"]
    assert "1 line above should be looked at" in facegate("import", tmp_path / "all.zip").err


def test_an_agreement_without_a_photo_is_a_warning_where_one_is_enrolled(manager, store):
    page = manager.send("/enrol", data={"name": "王芳", "agreed": "1"})
    assert problem_of(page) == "王芳 is added, but has no face: they agreed, and no photo was chosen."
    assert [(one.name, one.templates) for one in residents.every(store)] == [("王芳", 0)]
    without = manager.send("/enrol", data={"name": "李雷"})
    assert (problem_of(without), "李雷 is added, without a face." in without.text) == (None, True)
