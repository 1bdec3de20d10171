"""One face under two names, enrolled by two processes at the same moment: the second is told whose it is."""

import io
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from enroll.application import Application
from enroll.consent import agreed
from enroll.decode import photo_in
from enroll.enrolment import prepare
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON, Way
from tests.api.own_photos.links import form_of, sent_by
from tests.api.test_enrol_page import say_yes, submit
from tests.api.test_residents import enrol as enrol_by_api
from tests.conftest import command_environment
from tests.console import Browser
from tests.enrolling import DECODER
from tests.running import wait_for

# Whoever looks photos over computes; who waits for another to have written does not.
IDLE_S = 0.4


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def templates(store, models, photos):
    """Of the one who is on all the photos."""
    photo = photo_in(photos / "obama2.jpg", DECODER)
    return prepare(store, models, Application.of("Li Na", "3-1204", [photo], agreed(Way.TOLD))).templates


def by_api(manager, photos, **_):
    return lambda: enrol_by_api(manager, photos, "obama.jpg", name="Wang Fang", unit="2-201")


def by_page(manager, photos, **_):
    return lambda: submit(manager, photos, "obama.jpg", seen="1")


def by_yes(manager, photos, **_):
    answer = submit(manager, photos, "obama.jpg")
    return lambda: say_yes(manager, answer)


def by_link(manager, photos, store, app, context, **_):
    wang = residents.enrol(store, "Wang Fang", "2-201", [])
    sent_by(lambda: Browser(app), manager, wang, photos / "obama.jpg")
    address, form = form_of(manager, context)
    return lambda: manager.post(f"{address}/confirmed", data=form)


def by_import(manager, photos, context, store, **_):
    context.importer.start(store, [table(photos)], "test", "en")
    wait_for(lambda: context.importer.now.phase == "rehearsed", 30)

    def run():
        context.importer.carry_out("test", lambda _: True)
        wait_for(lambda: context.importer.now.phase == "done", 30)

    return run


def table(photos):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("people.csv", "name,unit,photos,consent\nWang Fang,2-201,obama.jpg,told\n")
        archive.write(photos / "obama.jpg", "obama.jpg")
    packed.seek(0)
    return "people.zip", packed


def by_command(photos, state, models_dir, **_):
    command = [sys.executable, "-m", "commands.cli", "enroll", "Wang Fang", str(photos / "obama.jpg"), "--json"]
    return lambda: subprocess.run(
        command, env=command_environment(models_dir, state), capture_output=True, check=False, timeout=60
    )


WAYS = (by_api, by_page, by_yes, by_link, by_import, by_command)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_comes_between_the_look_and_the_writing_is_not_overlooked(
    way, manager, photos, store, state, models_dir, app, context, templates
):
    act = way(manager=manager, photos=photos, store=store, state=state, models_dir=models_dir, app=app, context=context)
    with closing(open_database(state)) as other, ThreadPoolExecutor(1) as pool:
        # Another process writes: photos are looked over meanwhile, and whoever is to be written waits for it.
        other.execute("BEGIN IMMEDIATE")
        residents.enrol(other, "Li Na", "3-1204", templates, NO_PERSON, by="another process")
        asked = pool.submit(act)
        idle(asked)
        assert not asked.done()
        other.execute("COMMIT")
        asked.result()
    assert [one.name for one in residents.every(store) if one.templates] == ["Li Na"]


def idle(asked):
    """Wait until nothing is computed for what is asked, by this process or by any that it started."""
    since, used = time.monotonic(), computed_s()
    while time.monotonic() - since < IDLE_S and not asked.done():
        time.sleep(0.02)
        if computed_s() - used > 0.02:
            since, used = time.monotonic(), computed_s()


def computed_s():
    """What this process and all that it started have computed, seconds."""
    return sum(ticks_of(process) for process in family(os.getpid())) / os.sysconf("SC_CLK_TCK")


def family(process):
    """A process and whatever came of it."""
    yield process
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in file.read_text().split():
                yield from family(int(child))


def ticks_of(process):
    """The processor's time that one had, its own and the kernel's for it."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
