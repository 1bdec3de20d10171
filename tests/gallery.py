"""Writes docs/screen.md: every state of the screen at the gate, photographed from the real page in a real browser.

Run by `python -m tests.gallery` after a change of the screen or its words; a test holds that no state is missing.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from api.pages.screen_words import Look, Said
from tests.conftest import REPOSITORY
from tests.screens import screen_page, states, told

PAGE = REPOSITORY / "docs" / "screen.md"
PICTURES = REPOSITORY / "docs" / "screen"
# What a picture in the page is wide, of 800 x 480 pixels.
_SHOWN = (300, 180)
_UPRIGHT = (216, 384)
LOOKS = {
    Look.CALM: "It waits, and makes no sound",
    Look.GO: "It opens: a disc, three notes that rise",
    Look.HELP: "Somebody can help themselves: a square with round corners, one note twice; a turn rises or falls",
    Look.WAIT: "Somebody waits: a broken ring, one low note",
    Look.NO: "It stays shut: an eight-cornered sign, two notes that fall",
    Look.LOCKED: "It is shut to all: the same sign filled, one low note three times",
    Look.ALARM: "It was left open or opened: a filled triangle, two notes in turn",
    Look.FAULT: "Something is broken: a small triangle beside it, three notes with pauses",
    Look.FIRE: "Fire: a filled square, two long notes in turn",
    Look.ENROL: "Somebody is being enrolled: a ring and the seconds that are left, one short note",
}


# What stands above it in the page is written by hand.
MARK = "<!-- the gallery -->\n"


def pictures() -> list[tuple[str, str, Said]]:
    """Each state, by the name of its picture and of what leads to it."""
    return [(name.replace(" ", "-").replace("_", "-"), name, said) for name, said in states()]


def page() -> str:
    """The whole page, with every state that there is."""
    return PAGE.read_text("utf-8").split(MARK)[0] + MARK + "".join(_group(look, title) for look, title in LOOKS.items())


def _group(look: Look, title: str) -> str:
    rows = [
        f"| {name} | ![{name}](screen/{file}.en.webp) | ![{name}](screen/{file}.zh-CN.webp) |"
        for file, name, said in pictures()
        if said.look is look
    ]
    return f"\n## {title}\n\n| what leads to it | English | Chinese |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def photograph(chromium: str, models_dir: Path) -> None:
    """Every picture anew, in both languages; and what two languages at once look like, upright and across."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    with tempfile.TemporaryDirectory() as state, screen_page(chromium, Path(state), models_dir) as screen:
        screen.set_viewport_size({"width": 800, "height": 480})
        for file, _, said in pictures():
            for tag in ("en", "zh-CN"):
                _take(screen, told(said, tag), f"{file}.{tag}", _SHOWN)
        known = {name: said for _, name, said in pictures()}
        _take(screen, told(known["mode lockdown"], "zh-CN", "en"), "two-languages", _SHOWN)
        screen.evaluate("draw([0.7, 0.1, 0.5, 0.7])")
        _take(screen, told(known["mode normal"], "zh-CN", "en"), "outline", _SHOWN)
        screen.evaluate("draw(null)")
        screen.set_viewport_size({"width": 1080, "height": 1920})
        _take(screen, told(known["reason unknown"], "zh-CN", "en"), "upright", _UPRIGHT)
    photograph_touched(chromium, models_dir)


def photograph_touched(chromium: str, models_dir: Path) -> None:
    """The screen with the button that rings."""
    settings = {"bell_button": True, "language": "zh-CN", "second_language": "en"}
    with tempfile.TemporaryDirectory() as state, screen_page(chromium, Path(state), models_dir, **settings) as screen:
        screen.set_viewport_size({"width": 800, "height": 480})
        unknown = next(said for name, said in states() if name == "reason unknown")
        _take(screen, told(unknown, "zh-CN", "en") | {"bell": True}, "touched", _SHOWN)


def _take(screen, now, name: str, shown: tuple[int, int]) -> None:
    left = {"left_s": 3} if now["look"] == Look.ENROL and now["symbol"] in ("enrol", "still") else {}
    left |= {"typed": 4} if now["look"] == Look.CALM and now["symbol"] == "keypad" else {}
    screen.evaluate("show", now | left)
    picture = Image.open(io.BytesIO(screen.screenshot())).convert("RGB")
    picture.resize(shown, Image.Resampling.LANCZOS).save(PICTURES / f"{name}.webp", quality=70, method=6)


if __name__ == "__main__":
    photograph(shutil.which("chromium") or "google-chrome", REPOSITORY / ".cache" / "models")
    PAGE.write_text(page(), "utf-8")
