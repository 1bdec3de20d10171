"""The real page of the screen at the gate, in Chromium, in whichever state; and what is measured of it.

Colours and colour blindness: contrast after WCAG 2.2; dichromacy by the matrices of Machado, Oliveira and Fernandes
(2009), "A physiologically-based model for simulation of color vision deficiency", at severity 1.0, in linear RGB.
"""

import io
import itertools
from contextlib import contextmanager

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from api.languages import Languages
from api.pages.enrol_words import AT_THE_GATE
from api.pages.screen import _told
from api.pages.screen_words import everything
from tests.api_process import api_process

SPOKEN = {one.tag: one for one in Languages().all}
# Displays for gates: their pixels, and how many millimetres high their picture is.
DISPLAYS = {
    "7 inches": (800, 480, 86.0),
    "10 inches": (1280, 800, 136.0),
    "15.6 inches": (1920, 1080, 194.0),
    "15.6 inches upright": (1080, 1920, 345.0),
}
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}

# For each state: shown at once, and measured. Heights in pixels: of a capital, or of a Han character's ink.
MEASURE = """(states) => {
  const paint = document.createElement("canvas").getContext("2d");
  const height = (element) => {
    const style = getComputedStyle(element);
    paint.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const sign = [...element.textContent].find((one) => one >= "\\u4e00" && one <= "\\u9fff") ? "\\u56fd" : "H";
    const box = paint.measureText(sign);
    return box.actualBoundingBoxAscent + (sign === "H" ? 0 : box.actualBoundingBoxDescent);
  };
  const whole = (element) => {
    const box = element.getBoundingClientRect();
    return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  };
  const isTorn = (node) => {
    const range = document.createRange();
    range.selectNode(node);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
  };
  const id = (name) => document.getElementById(name);
  const page = document.scrollingElement;
  return states.map((now) => {
    show(now);
    const said = id("said"), style = getComputedStyle(document.body);
    const texts = ["words", "advice", ...(now.second ? ["second-words", "second-advice"] : [])];
    return {
      heights: texts.map((name) => height(id(name))),
      fits: said.scrollHeight <= said.clientHeight && said.scrollWidth <= said.clientWidth
        && page.scrollHeight <= innerHeight && page.scrollWidth <= innerWidth
        && texts.every((name) => whole(id(name))) && whole(id("drawing")),
      torn: texts.flatMap((name) => [...id(name).childNodes].filter(isTorn).map((one) => one.textContent)),
      drawing: id("drawing").getBoundingClientRect().height,
      ink: style.color, ground: style.backgroundColor,
    };
  });
}"""


def states():
    """Each state of the screen once, by the name of what leads to it first."""
    seen = {}
    enrolling = ((f"enrolment {prompt}", said) for prompt, said in AT_THE_GATE.items())
    for name, said in (*everything(), *enrolling):
        seen.setdefault((said.look, said.symbol, said.words, said.advice), (name, said))
    return list(seen.values())


def told(said, *tags):
    """What the page is told of a state, in these languages."""
    return _told(said, "x", tuple(SPOKEN[tag] for tag in tags))


@contextmanager
def screen_page(chromium, state, models_dir, **screen):
    """The page on an api that really runs; it is told nothing but what a test shows it."""
    with (
        api_process(state, models_dir, tls="off", screen=screen, door={"bell": True}) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_context(service_workers="block", locale="en-GB", reduced_motion="reduce").new_page()
        page.goto(f"{address}/gate")
        page.evaluate("document.fonts.ready")
        # What it is told from now on is older than what it knows.
        page.evaluate("() => { answered = Infinity; }")
        yield page


def size(page, display):
    """Have the page on a display; its millimetres for one pixel."""
    width, height, millimetres = DISPLAYS[display]
    page.set_viewport_size({"width": width, "height": height})
    return millimetres / height


def linear(colour):
    """A colour "rgb(1, 2, 3)" or "#010203" as linear RGB, each from 0 to 1."""
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
        parts = [int(digits[i : i + 2], 16) for i in (0, 2, 4)]
    else:
        parts = [float(one) for one in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    values = np.array(parts) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """After WCAG: from 1 to 21."""
    light = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(rgb):
    """Linear RGB as CIELAB under D65."""
    matrix = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    xyz = np.array(matrix) @ np.clip(rgb, 0, 1) / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array((116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])))


def apart(one, other, blindness=None):
    """How far two colours lie apart in CIELAB, as somebody sees them."""
    matrix = np.array(BLINDNESS[blindness]) if blindness else np.eye(3)
    return float(np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(other))))


def shape(page):
    """The drawing without its colours, 64 x 64: True where it is not ground."""
    grey = np.asarray(
        Image.open(io.BytesIO(page.locator("#drawing").screenshot())).convert("L").resize((64, 64)), float
    )
    ground = grey[0, 0]
    return np.abs(grey - ground) > 40


def unlike(one, other):
    """Which part of what either of two shapes covers the other does not, from 0 to 1."""
    either = np.logical_or(one, other).sum()
    return float(np.logical_xor(one, other).sum() / either) if either else 0.0


def pairs(things):
    """Each two of them."""
    return itertools.combinations(things, 2)
