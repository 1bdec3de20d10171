"""A resident's own photo, as it goes: the manager's browser draws a link, and Chromium as a phone opens it."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.api_process import api_process
from tests.browser.conftest import SHOTS, browsing, faults_on
from tests.browser.test_console import become_owner

pytestmark = pytest.mark.whole

PHONE = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
    "ignore_https_errors": True,
}  # fmt: skip


@pytest.fixture
def window(chromium, camera):
    """A browser whose camera sees one man."""
    with browsing(chromium, camera) as opened:
        yield opened


@pytest.fixture
def manager(window, state, models_dir):
    """The owner's page of an office whose gate sees nobody, with Wang Fang added without a face."""
    with api_process(state, models_dir) as address:
        yield owners_page(window, address, (state / "run" / "api" / "owner-code").read_text().strip())


def owners_page(window, address, code):
    page = window.new_context(ignore_https_errors=True, base_url=address, locale="en-GB").new_page()
    become_owner(page, code)
    page.get_by_role("link", name="Enrol", exact=True).click()
    page.get_by_label("Name").fill("Wang Fang")
    page.get_by_label("Home").fill("3-1204")
    page.get_by_role("button", name="Enrol", exact=True).click()
    page.get_by_role("link", name="See what is known of them").click()
    return page


@pytest.fixture
def poor(tmp_path, photos):
    """Photos that will not do, with what is said of each."""
    image = cv2.imread(str(photos / "obama2.jpg"))
    made = {
        "The photo is too dark on the face": (image * 0.1).astype("uint8"),
        "The photo is blurred": cv2.GaussianBlur(image, (0, 0), 9),
        "The photo shows several faces": np.hstack([image, image]),
        "The photo shows no face that can be found": np.full((300, 300, 3), 128, "uint8"),
    }
    return [(said, _written(tmp_path / f"{at}.jpg", one)) for at, (said, one) in enumerate(made.items())]


def _written(path, image):
    cv2.imwrite(str(path), image)
    return path


def phone_of(window, locale="zh-CN", **changes):
    return window.new_context(**PHONE | {"locale": locale} | changes).new_page()


def draw(page):
    page.get_by_role("button", name=re.compile("Draw a (new link|link for)")).click()
    expect(page.get_by_role("img", name="The link as a QR code")).to_be_visible()
    return page.get_by_label("The link", exact=True).input_value()


def shoot(page, name):
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def barriers_on(page):
    found = faults_on(page)
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [one["id"] for one in found] + (["scrolls sideways"] if wide else [])


def test_a_resident_sends_a_photo_from_a_phone_and_the_manager_confirms_it(window, manager, poor, photos, tmp_path):
    link, barriers = draw(manager), []
    manager.get_by_role("button", name="Copy the link").click()
    expect(manager.get_by_role("button", name="Copied")).to_be_visible()
    shoot(manager, "link-en")
    barriers += barriers_on(manager)
    # Loaded again it is not shown again, and no second one is drawn, which would end it.
    manager.reload()
    expect(manager.get_by_text("A link is shown once, to whoever drew it.")).to_be_visible()
    mine = phone_of(window)
    mine.goto(link)
    expect(mine.get_by_text("本链接仅供Wang *使用。")).to_be_visible()
    barriers += barriers_on(mine)
    shoot(mine, "own-agree-zh")
    mine.get_by_role("button", name="English").click()
    expect(mine.get_by_role("heading", name="1. Read and agree")).to_be_visible()
    shoot(mine, "own-agree-en")
    mine.get_by_role("button", name="I agree").click()
    expect(mine.get_by_label("Photo of your face")).to_be_visible()
    shoot(mine, "own-photo-en")
    barriers += barriers_on(mine)
    for said, photo in poor:
        mine.get_by_label("Photo of your face").set_input_files(photo)
        mine.get_by_role("button", name="Send").click()
        # The first look opens the models.
        expect(mine.get_by_role("alert")).to_contain_text(said, timeout=30_000)
    shoot(mine, "own-poor-en")
    # Somebody to whom it was forwarded.
    other = phone_of(window, "en-GB")
    other.goto(link)
    expect(other.get_by_text("This link is already used on another phone.")).to_be_visible()
    assert "Fang" not in other.content()
    shoot(other, "own-elsewhere-en")
    # By the phone's camera, judged before it is sent.
    mine.get_by_role("button", name="Take it here").click()
    mine.get_by_role("button", name="Take a photo").click()
    expect(mine.get_by_text("Good. Send it, or take another one.")).to_be_visible(timeout=30_000)
    shoot(mine, "own-camera-en")
    mine.get_by_role("button", name="Send").click()
    expect(mine.get_by_role("heading", name="Sent. Thank you.")).to_be_visible(timeout=30_000)
    shoot(mine, "own-sent-en")
    manager.get_by_role("link", name="Today", exact=True).click()
    expect(manager.get_by_role("heading", name="1 photo waits for you")).to_be_visible()
    # Decoded, it is as large as a portrait.
    expect(manager.get_by_alt_text("What Wang Fang sent")).to_have_js_property("naturalWidth", 112)
    shoot(manager, "waits-en")
    barriers += barriers_on(manager)
    manager.get_by_role("button", name="Confirm: this is Wang Fang").click()
    expect(manager.get_by_text("on their own phone")).to_be_visible()
    expect(manager.get_by_text("from a photo of their own phone")).to_be_visible()
    mine.reload()
    expect(mine.get_by_role("heading", name="Done: the gate knows your face.")).to_be_visible()
    # Used up: drawn anew, the old one is like one that never was.
    manager.get_by_role("button", name="Draw a new link").click()
    mine.reload()
    expect(mine.get_by_text("This link is not valid, or not any more.")).to_be_visible()
    shoot(mine, "own-over-en")
    barriers += barriers_on(mine)
    assert barriers == []


def test_it_goes_without_scripts_and_without_a_camera_of_the_browser(window, manager, photos):
    mine = phone_of(window, java_script_enabled=False)
    mine.goto(draw(manager))
    mine.get_by_label("未满14周岁").fill("王明")
    mine.get_by_role("button", name="我同意").click()
    field = mine.get_by_label("本人人脸正面照片")
    assert field.get_attribute("capture") == "user"
    field.set_input_files(photos / "biden.jpg")
    mine.get_by_role("button", name="提交").click()
    expect(mine.get_by_role("heading", name="已提交，谢谢。")).to_be_visible(timeout=30_000)


def test_without_a_network_the_photo_stays_on_the_page_and_is_sent_again(window, manager, photos, tmp_path):
    mine = phone_of(window, "en-GB")
    mine.goto(draw(manager))
    mine.get_by_role("button", name="I agree").click()
    field, send = mine.get_by_label("Photo of your face"), mine.get_by_role("button", name="Send")
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(143 << 20)
    # Only once the script runs.
    expect(mine.get_by_role("button", name="Take it here")).to_be_visible()
    field.set_input_files(large)
    send.click()
    expect(mine.get_by_role("status")).to_contain_text("48 MB is the most. Send one photo, or take it here")
    field.set_input_files(photos / "biden.jpg")
    mine.context.set_offline(True)
    send.click()
    expect(mine.get_by_role("status")).to_have_text("The gate does not answer. Try again.")
    assert field.evaluate("field => field.files[0].name") == "biden.jpg"
    assert barriers_on(mine) == []
    mine.context.set_offline(False)
    send.click()
    expect(mine.get_by_role("heading", name="Sent. Thank you.")).to_be_visible(timeout=30_000)
    assert mine.get_by_role("alert").count() == 0
    mine.reload()
    expect(mine.get_by_role("heading", name="Sent. Thank you.")).to_be_visible()


def test_without_a_network_or_an_answer_it_is_said_and_whoever_agrees_goes_on(window, manager, photos):
    mine = phone_of(window)
    # As if twenty seconds and a minute were over sooner.
    mine.add_init_script(
        "const whole = AbortSignal.timeout; AbortSignal.timeout = (ms) => whole.call(AbortSignal, ms / 10)"
    )
    mine.goto(draw(manager))
    name, agree = mine.get_by_label("未满14周岁"), mine.get_by_role("button", name="我同意")
    name.fill("王明")
    status, silent = mine.get_by_role("status"), "门禁系统无响应，请重试。"
    mine.context.set_offline(True)
    agree.click()
    expect(status).to_have_text(silent, timeout=20_000)
    expect(name).to_have_value("王明")
    mine.context.set_offline(False)
    # What is sent arrives nowhere, and no error comes back.
    mine.route(re.compile("/consent$"), lambda route: None)
    agree.click()
    expect(status).to_have_text(silent, timeout=20_000)
    mine.unroute_all()
    agree.click()
    field, send = mine.get_by_label("本人人脸正面照片"), mine.get_by_role("button", name="提交")
    # Only once the script runs.
    expect(mine.get_by_role("button", name="在此页拍摄并即时检测")).to_be_visible()
    field.set_input_files(photos / "biden.jpg")
    address = mine.url
    mine.route(address, lambda route: None)
    send.click()
    expect(status).to_have_text(silent, timeout=20_000)
    assert field.evaluate("field => field.files[0].name") == "biden.jpg"
    mine.unroute_all()
    mine.reload()
    assert mine.get_by_role("button", name="提交").is_visible()
