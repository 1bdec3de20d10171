"""The page about the gate itself: the zone, the drill's sheet, the doctor's findings, what the settings mean."""

import re
import tarfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest

from api.app import create_app
from api.languages import Languages
from gate.config import Settings, load_settings, shown
from gate.drill.results import Result
from gate.drill.sheet import save, sheet_of
from gate.errors import Sentence
from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.site import approach_zone
from gate.vocabulary import AuditEvent
from tests.console import Browser, context_on, problem_of

ZONE = {"left": "10", "top": "20", "right": "80", "bottom": "90.5"}


def gate_page(state, models_dir, **settings):
    owner = Browser(create_app(context_on(state, models_dir, settings=shown(load_settings(**settings)))))
    owner.sign_in("owner")
    return owner.get("/door").text


def test_a_zone_is_drawn_and_forgotten_by_owners_alone(browser, store, staff):
    owner = browser("owner")
    assert browser("manager").send("/door/zone", data=ZONE).status_code == 403
    assert "Saved." in owner.send("/door/zone", data=ZONE).text
    assert approach_zone.drawn(store) == (0.1, 0.2, 0.8, 0.905)
    assert 'value="90.5"' in owner.get("/door").text
    assert "Saved." in owner.send("/door/zone/removal").text
    assert approach_zone.drawn(store) is None
    drawn = [line.details for line in audit.lines(store) if line.kind == "zone_changed"]
    by = f"user {staff['owner'].id}"
    assert drawn == [{"zone": [0.1, 0.2, 0.8, 0.905], "by": by}, {"zone": None, "by": by}]


@pytest.mark.parametrize("wrong", [{"right": "10"}, {"left": "79"}, {"bottom": "20"}, {"right": "5"}])
def test_what_is_no_zone_is_refused(browser, store, wrong):
    answer = browser("owner").send("/door/zone", data=ZONE | wrong)
    assert "at least a twentieth" in problem_of(answer)
    assert approach_zone.drawn(store) is None


def test_what_lies_outside_the_picture_is_no_form_of_ours(browser, store):
    assert browser("owner").send("/door/zone", data=ZONE | {"right": "101"}).status_code == 422
    assert browser("owner").send("/door/zone", data=ZONE | {"left": "nan"}).status_code == 422
    assert approach_zone.drawn(store) is None


def test_the_settings_are_told_as_what_they_mean(state, store, models_dir, staff):
    vision = {"threshold": 0.7, "frames": 4, "zone": {"left": 0.25}}
    text = gate_page(state, models_dir, vision=vision, door={"pulse_s": 3})
    assert "set by hand to 0.7" in text
    assert "at least 4 clear pictures to recognise a face; one that is still uncertain after 0.8 seconds" in text
    assert "in 1 year, with 50 strangers a day." in text
    assert "Liveness is standard: whoever raises a doubt" in text
    assert "Liveness is off" in gate_page(state, models_dir, vision={"liveness": "off"})
    assert "The relay is on for 3 seconds, and never for more than 12" in text
    assert 'name="left" min="0" max="100" step="any" required value="25"' in text


def test_the_promise_is_priced_by_photos_beside_the_gate_s_own_strangers(state, store, models_dir, models, staff):
    for name, photos in (("Ann", 1), ("Bea", 3), ("Cem", 1)):
        made = [templates.Template(models.model_id, "test", {}, bytes(768))] * photos
        residents.enrol(store, name, None, made, NO_PERSON, by="test")
    week_ago = time.time() - 8 * 86_400
    for number in range(80):
        refused = AuditEvent("denied", {"method": "face", "reason": "unknown"})
        audit.append(store, refused, Moment(number, week_ago + number, True))
    text = gate_page(state, models_dir)
    assert re.search(r"Of 2 residents with 1 photo, about [\d.]+ in 100 need a second try.", text)
    assert re.search(r"Of 1 resident with 3 photos or more, about [\d.]+ in 100 need a second try.", text)
    assert re.search(r"With 3 photos of everyone, about [\d.]+ in 100 would.", text)
    assert "has 10 strangers a day: the number for vision.promise.strangers_a_day." in text
    assert 'class="warn">The record of' in gate_page(state, models_dir, vision={"promise": {"strangers_a_day": 9}})


def test_one_is_told_as_one(state, store, models_dir, staff):
    keep, door = {"record_days": 1, "moved_out_days": 1}, {"pulse_s": 1, "max_pulse_s": 1.5}
    residents.enrol(store, "Ann", None, [], by="test")
    text = gate_page(
        state, models_dir, vision={"promise": {"strangers_a_day": 1}, "patience_s": 1}, keep=keep, door=door
    )
    assert "in 1 year, with 1 stranger a day." in text
    assert "still uncertain after 1 second counts as unknown" in text
    assert "on for 1 second, and never for more than 1.5 seconds." in text
    assert "kept for 1 day, a face nobody uses for 365 days, a resident who moved out for 1 day." in text
    assert not re.search(r"\b1 \w+s\b(?<! ms)", re.sub(r"<[^>]*>", " ", text))


def test_each_liveness_check_is_named_by_what_it_proves_with_how_often_it_errs(state, store, liveness_dir, staff):
    text = gate_page(state, liveness_dir, vision={"liveness": "standard"}, infrared={"source": "/dev/video2"})
    assert rates(text) == {
        "liveness-minifas": ("4.3 %", "16.7 %"),
        "liveness-celeba": ("4.3 %", "0.0 %"),
        "held frame": ("0.0 %", "7.8 %"),
        "asked turn": ("0.0 %", "0.0 %"),
        "infrared camera": ("–", "–"),
        "all together": ("–", "–"),
    }
    assert "no straight edges of a sheet or a screen" in text
    text = gate_page(state, liveness_dir, vision={"liveness": "strict"})
    assert rates(text)["all together"] == ("81.0 %", "0.0 %")
    assert rates(gate_page(state, state)).keys() == {"held frame", "asked turn", "all together"}
    assert "Liveness checks" not in gate_page(state, liveness_dir, vision={"liveness": "off"})


def test_a_gate_that_goes_on_without_liveness_says_that_new_ones_have_it(state, store, models_dir, staff):
    store.execute("UPDATE gate SET liveness = 'off'")
    text = gate_page(state, models_dir)
    assert "Liveness is off" in text
    assert "new gates have it on" in text
    assert "Liveness checks" not in text
    assert "new gates have it on" not in gate_page(state, models_dir, vision={"liveness": "off"})


def rates(text):
    rows = re.findall(
        r"<strong>(.*?)</strong>.*?</td>\s*<td class=\"number\">(.*?)</td>\s*<td class=\"number\">(.*?)</td>", text
    )
    return {name: (refused, passed) for name, refused, passed in rows}


def test_the_sheet_of_the_last_drill_is_shown_and_runs_nothing(browser, state):
    owner = browser("owner")
    assert owner.get("/door/drill").status_code == 404
    assert "never, start it with: sudo facegate drill" in owner.get("/door").text
    (state / "drills").mkdir()
    (state / "drills" / "drill-20260101T000000.html").write_text("<p>old</p>")
    (state / "drills" / "drill-20261101T000000.html").write_text("<p>new</p><script>alert(1)</script>")
    sheet = owner.get("/door/drill")
    assert "new" in sheet.text
    policy = sheet.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_a_drill_that_was_only_simulated_is_not_taken_for_the_acceptance_test(browser, state):
    owner, results = browser("owner"), [Result("relay", True, Sentence("it moves"))]
    (state / "drills").mkdir()
    for day, simulated in ((1, True), (2, False), (3, True)):
        made = sheet_of(
            Settings(gate=f"drill {day}", door={"pin_factory": "lgpio"}), "test", results, {}, simulated=simulated
        )
        save(replace(made, at=datetime(2026, 11, day, tzinfo=UTC)), state / "drills")
        shown, page = owner.get("/door/drill").text, owner.get("/door").text
        assert f"drill {min(day, 2)}" in shown
        assert ("This is no acceptance test of the gate." in shown) is (day == 1)
        assert ("only simulated" in page) is (day == 1)


def test_the_sheet_is_shown_in_the_readers_language(browser, state):
    owner = browser("owner")
    results = [Result("exit_button", True, Sentence("opens, also with the software stopped"))]
    languages = [one for one in Languages().all if one.tag != "en"]
    page = save(sheet_of(Settings(), "test", results, {}, simulated=False), state / "drills", languages)
    assert "opens, also with the software stopped" in owner.get("/door/drill").text
    owner.cookies.set("language", "zh-CN")
    shown = owner.get("/door/drill").text
    assert ("能开门，软件停止时也能" in shown, "opens" in shown) == (True, False)
    # A sheet of before has the English page alone.
    page.with_suffix(".zh-CN.html").unlink()
    assert "opens, also with the software stopped" in owner.get("/door/drill").text


def test_the_page_and_the_command_find_the_same(browser, facegate):
    text = unescape(browser("owner").post("/door/examination").text)
    findings = {one["name"]: one for one in facegate("doctor", "--json").answer["findings"]}
    shown = dict(re.findall(r'<td lang="en">([^<]+)</td><td lang="en">([^<]*)</td>', text))
    assert list(shown) == list(findings)
    # What is free changes from one look to the next.
    for name in findings.keys() - {"disk", "memory"}:
        assert shown[name] == f"{findings[name]['seen']} {findings[name]['do']}", name
    assert browser("manager").post("/door/examination").status_code == 403


def test_how_alike_the_people_look_is_told_in_the_reader_s_language(browser):
    owner = browser("owner")
    owner.cookies.set("language", "zh-CN")
    text = unescape(owner.post("/door/examination").text)
    assert '<td lang="en">likeness</td><td lang="zh-CN">登记人数太少' in text
    assert '<td lang="en">clock</td><td lang="en">' in text


def test_a_configuration_that_cannot_be_read_is_told_on_the_page(state, store, models_dir, staff, tmp_path):
    config = tmp_path / "elsewhere.toml"
    config.write_text("[door]\npulse = 3\n")
    owner = Browser(create_app(context_on(state, models_dir, config=config)))
    owner.sign_in("owner")
    assert "There is no setting door.pulse" in problem_of(owner.post("/door/examination"))


def test_the_doctor_and_a_backup_take_the_configuration_the_gate_runs_with(state, store, models_dir, staff, tmp_path):
    config = tmp_path / "elsewhere.toml"
    config.write_text(f'[models]\ndir = "{models_dir.resolve()}"\n[camera]\nsource = "/dev/no-such-camera"\n')
    owner = Browser(create_app(context_on(state, models_dir, config=config)))
    owner.sign_in("owner")
    assert "/dev/no-such-camera" in owner.post("/door/examination").text
    made = owner.post("/api/v1/backups")
    assert made.status_code == 201
    with tarfile.open(state / "backups" / made.json()["file"]) as archive:
        assert "no-such-camera" in archive.extractfile("facegate.toml").read().decode()


def test_the_doctor_looks_once_at_a_time(browser, context):
    with context.examining:
        answer = browser("owner").post("/door/examination")
    assert answer.status_code == 422
    assert "being examined" in answer.text
