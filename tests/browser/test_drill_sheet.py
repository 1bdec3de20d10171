"""The sheet of an acceptance test on a phone."""

import pytest

from gate.config import Settings
from gate.drill.results import Result
from gate.drill.sheet import sheet_of
from gate.errors import Sentence
from tests.browser.conftest import browsing

pytestmark = pytest.mark.whole


def test_the_sheet_fits_a_phone_and_leads_back(chromium, camera):
    results = [Result("exit_button", True, Sentence("opens, also with the software stopped, " * 4))]
    sheet = sheet_of(Settings(), "me", results, {"buffalo_l/det_10g.onnx": "5" * 64}, simulated=False)
    with browsing(chromium, camera) as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.set_content(sheet.as_html())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.get_by_role("link").get_attribute("href") == "/door"
        assert page.get_by_text("opens, also").bounding_box()["width"] > 200
