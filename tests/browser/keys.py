"""Whoever has a keyboard and no mouse: does what a `Hand` does by Tab, Enter, Space and the arrows, and looks each time
whether what has the focus can be seen."""

# Twice as many as a page of two hundred residents takes.
_MOST_TABS = 400
# What has the focus: whether it is the one meant, and how it is told from the others.
_FOCUS = """(target) => {
    const focused = document.activeElement, style = getComputedStyle(focused), box = focused.getBoundingClientRect();
    const here = target.contains(focused) || focused.contains(target) && focused.matches("summary, label, a, button");
    return {
        here,
        what: focused.outerHTML.slice(0, 160),
        seen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || focused === document.body,
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""


class Keys:
    """Acts on one page as a `Hand` does; `tabs` is how often it was moved on."""

    def __init__(self, page):
        self._page = page
        self.tabs = 0

    def click(self, target):
        """Go there, and press what such a thing is pressed with."""
        self._reach(target)
        kind = target.evaluate("(one) => one.type || one.tagName")
        self._page.keyboard.press("Space" if kind == "checkbox" else "Enter")
        self._page.wait_for_load_state("load")

    def choose(self, target, option):
        """One of a list, by the arrows."""
        self._reach(target)
        wanted = target.locator("option").all_inner_texts().index(option)
        for _ in range(wanted - target.evaluate("(one) => one.selectedIndex")):
            self._page.keyboard.press("ArrowDown")

    def drop(self, target, file):
        """By the file chooser: there is no drawing without a mouse."""
        field = target.locator("input[type=file]")
        self._reach(field)
        with self._page.expect_file_chooser() as chooser:
            self._page.keyboard.press("Space")
        chooser.value.set_files(file)

    def drag(self, from_, to):
        """Over the week: the arrows move to where it begins, Space opens, Shift takes the others along."""
        self._reach(from_.locator("xpath=ancestor::*[@role='grid']").locator("[tabindex='0']"))
        at, first, last = (
            one.evaluate("(one) => [Number(one.dataset.day), Number(one.dataset.step)]")
            for one in (self._page.locator(":focus"), from_, to)
        )
        self._arrows(at, first)
        self._page.keyboard.press("Space")
        self._arrows(first, last, shift=True)

    def _arrows(self, at, to, *, shift=False):
        held = "Shift+" if shift else ""
        for number, (back, on) in enumerate((("ArrowUp", "ArrowDown"), ("ArrowLeft", "ArrowRight"))):
            for _ in range(abs(to[number] - at[number])):
                self._page.keyboard.press(held + (on if to[number] > at[number] else back))

    def fill(self, target, text):
        """Into a field."""
        self._reach(target)
        self._page.keyboard.type(text)

    def type(self, text):
        """Into whatever has the focus."""
        self._page.keyboard.type(text)

    def press(self, key):
        """One key."""
        self._page.keyboard.press(key)
        self._page.wait_for_load_state("load")

    def see(self, expected):
        """Wait until the page shows it."""
        expected()

    def _reach(self, target):
        target.wait_for(state="attached")
        for _ in range(_MOST_TABS):
            found = target.evaluate(_FOCUS)
            if found["here"]:
                return
            self._page.keyboard.press("Tab")
            self.tabs += 1
            found = target.evaluate(_FOCUS)
            assert found["seen"], f"nobody sees that this has the focus: {found['what']}"
            assert found["inside"], f"this has the focus out of sight: {found['what']}"
        raise AssertionError(f"no Tab leads to {target}")
