"""A resident's own page, as it goes: the manager draws a link, a phone opens it, makes a pass and ends it again."""

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from enroll import codes
from enroll.consent import agreed
from gate.processes.asking import seal
from gate.store.people import residents
from gate.store.people.consents import Way
from gate.store.people.templates import Template
from tests.api_process import api_process
from tests.browser.conftest import SHOTS, browsing
from tests.browser.test_console import become_owner
from tests.browser.test_own_photo import barriers_on, phone_of
from tests.door import door_process

pytestmark = pytest.mark.soak


@pytest.fixture
def office(chromium, camera, state, store, models_dir):
    """A browser, and in it the owner's page of a gate that knows Wang Fang by face, PIN and card."""
    given = agreed(Way.TOLD, "zh-CN").recorded("test")
    fang = residents.enrol(store, "王芳", "3-2-502", [Template("m", "s", {"yaw": 0.1}, bytes(256))], given)
    with (
        door_process(state, synchronised=True) as (_, door),
        api_process(state, models_dir) as address,
        browsing(chromium, camera) as window,
    ):
        codes.new_pin(store, partial(seal, door), fang, by="test")
        codes.card_of_number(store, partial(seal, door), fang, "4711", "blue fob", by="test")
        page = window.new_context(ignore_https_errors=True, base_url=address, locale="en-GB").new_page()
        become_owner(page, (state / "run" / "api" / "owner-code").read_text().strip())
        page.goto(f"/residents/{fang.id}")
        yield window, page


def shoot(page, name):
    """The page as it is, on its phone, on the narrowest one, and on a desk; in both languages where it can be asked."""
    if not SHOTS:
        return
    before = page.viewport_size
    for width in (390, 320, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    page.set_viewport_size(before)


def looked_at(page, name, barriers):
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        barriers += [(name, width, one) for one in barriers_on(page)]
    shoot(page, name)


def test_a_phone_has_the_page_of_a_resident_from_the_link_to_its_end(office):
    window, manager = office
    barriers = []
    manager.get_by_role("button", name="Draw a link to their page").click()
    expect(manager.get_by_role("img", name="The link as a QR code")).to_be_visible()
    link = manager.get_by_label("The link", exact=True).input_value()
    shoot(manager, "own-page-drawn")
    barriers += barriers_on(manager)
    mine = phone_of(window, "en-GB")
    mine.goto(link)
    expect(mine.get_by_text("This link is for 王*.")).to_be_visible()
    looked_at(mine, "own-page-hello-en", barriers)
    mine.get_by_role("button", name="Yes, open my page").click()
    expect(mine.get_by_role("heading", name="王芳")).to_be_visible()
    looked_at(mine, "own-page-en", barriers)
    mine.get_by_role("button", name="简体中文").click()
    expect(mine.get_by_role("heading", name="我的进门方式")).to_be_visible()
    mine.get_by_text("查看同意的内容").click()
    mine.get_by_text("撤回我的同意…").click()
    looked_at(mine, "own-page-zh", barriers)
    # A pass in three taps: name, make, send.
    mine.get_by_label("访客姓名").fill("赵蕾")
    mine.get_by_role("button", name="生成访客码").click()
    expect(mine.get_by_role("img", name=re.compile("访客码"))).to_be_visible()
    looked_at(mine, "own-pass-zh", barriers)
    with mine.expect_download() as saved:
        mine.get_by_role("link", name=re.compile("PNG")).click()
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
    mine.get_by_role("link", name="返回我的页面").click()
    mine.get_by_role("button", name="English").click()
    expect(mine.get_by_role("link", name="赵蕾")).to_be_visible()
    mine.get_by_role("button", name="Take back").click()
    expect(mine.get_by_role("status")).to_contain_text("is taken back")
    mine.get_by_role("button", name="Report lost").click()
    expect(mine.get_by_text("Found again? The property office makes it open.")).to_be_visible()
    mine.get_by_role("button", name="Set up this phone").click()
    expect(mine.get_by_role("link", name="Open it in an authenticator app")).to_have_attribute(
        "href", re.compile("^otpauth://totp/")
    )
    looked_at(mine, "own-phone-en", barriers)
    mine.get_by_role("link", name="Back to my page").click()
    # Whoever was sent the link too late, or by mistake.
    other = phone_of(window, "zh-CN")
    other.goto(link)
    expect(other.get_by_text("此链接已被使用")).to_be_visible()
    looked_at(other, "own-page-elsewhere-zh", barriers)
    mine.get_by_text("Withdraw my consent…").click()
    mine.get_by_role("button", name="Yes, withdraw and erase").click()
    expect(mine.get_by_role("status")).to_contain_text("your face is erased")
    manager.get_by_role("link", name="Back to 王芳").click()
    expect(manager.get_by_text("Their phone has it since")).to_be_visible()
    shoot(manager, "own-page-card")
    barriers += barriers_on(manager)
    mine.get_by_text("End this page…").click()
    mine.get_by_role("button", name="Yes, end this page").click()
    expect(mine.get_by_text("There is no page for this phone here.")).to_be_visible()
    looked_at(mine, "own-page-over-en", barriers)
    assert barriers == []


def test_it_goes_without_scripts(office):
    window, manager = office
    manager.get_by_role("button", name="Draw a link to their page").click()
    mine = phone_of(window, "en-GB", java_script_enabled=False)
    mine.goto(manager.get_by_label("The link", exact=True).input_value())
    mine.get_by_role("button", name="Yes, open my page").click()
    mine.get_by_label("Name of the visitor").fill("Zhao Lei")
    mine.get_by_role("button", name="Make the pass").click()
    expect(mine.get_by_role("img", name="The pass as a QR code")).to_be_visible()
