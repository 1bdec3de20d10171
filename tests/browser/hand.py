"""A person's hand in a browser: what it clicks and types is counted, and how long a person would need for it.

The seconds are those of the keystroke-level model (Card, Moran and Newell, "The keystroke-level model for user
performance time with interactive systems", 1980): a key 0.28 s, pointing 1.1 s, a press of the button 0.2 s, from mouse
to keys or back 0.4 s, making up one's mind before each step 1.35 s; what the page itself takes is measured and added.
"""

import base64
import time

# What a browser tells the page of a file that is let go over it.
_DROP = """(target, [name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "image/jpeg" }));
    for (const kind of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""
KEY_S, POINT_S, PRESS_S, HOME_S, MIND_S = 0.28, 1.1, 0.2, 0.4, 1.35


class Hand:
    """Acts on one page; `clicks`, `keys` and `seconds` are what it took so far."""

    def __init__(self, page):
        self._page = page
        self._at_keys = False
        self.clicks, self.keys, self.seconds = 0, 0, 0.0

    def click(self, target):
        """One click, and whatever page comes of it."""
        self.clicks += 1
        self._think(MIND_S + POINT_S + PRESS_S, at_keys=False)
        self._do(target.click)

    def drag(self, from_, to):
        """Draw from the middle of one thing to that of another: a press, a way and a release count as one click."""
        self.clicks += 1
        self._think(MIND_S + 2 * POINT_S + PRESS_S, at_keys=False)
        self._do(lambda: from_.drag_to(to))

    def choose(self, target, option):
        """One of a list: it opens by a click, and another picks."""
        self.clicks += 2
        self._think(MIND_S + 2 * (POINT_S + PRESS_S), at_keys=False)
        self._do(lambda: target.select_option(label=option))

    def pick_files(self, target, files):
        """The button of the file chooser, and its own."""
        self.clicks += 2
        self._think(2 * (MIND_S + POINT_S + PRESS_S), at_keys=False)
        self._do(lambda: target.set_input_files(files))

    def drop(self, target, file):
        """Draw a photo out of its folder onto the page."""
        self.clicks += 1
        self._think(MIND_S + 2 * POINT_S + PRESS_S, at_keys=False)
        content = base64.b64encode(file.read_bytes()).decode("ascii")
        self._do(lambda: target.evaluate(_DROP, [file.name, content]))

    def fill(self, target, text):
        """Into a field, which whoever works with the mouse clicks into first, also where the cursor is there."""
        self.click(target)
        self.type(text)

    def type(self, text):
        """Into whatever has the focus."""
        self.keys += len(text)
        self._think(MIND_S + KEY_S * len(text), at_keys=True)
        self._do(lambda: self._page.keyboard.type(text))

    def press(self, key):
        """One key, such as `Tab` or `Enter`."""
        self.keys += 1
        self._think(KEY_S, at_keys=True)
        self._do(lambda: self._page.keyboard.press(key))

    def see(self, expected):
        """Wait until the page shows it; that is the page's time."""
        self._do(expected)

    def _think(self, seconds, *, at_keys):
        self.seconds += seconds + (HOME_S if at_keys is not self._at_keys else 0)
        self._at_keys = at_keys

    def _do(self, act):
        began = time.monotonic()
        act()
        self._page.wait_for_load_state("load")
        self.seconds += time.monotonic() - began
