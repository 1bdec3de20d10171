"""The screen at the gate as people see it: letters in millimetres, contrast, and how unlike its states are.

Two states with different symbols differ in shape, in greyscale, whatever somebody's eyes make of colours; in colour the
kinds of answer differ for each kind of colour blindness. It prints what it measured.
"""

import pytest

from tests.api.test_screen_words import colours
from tests.browser.conftest import chromium as chromium
from tests.screens import (
    BLINDNESS,
    DISPLAYS,
    MEASURE,
    apart,
    contrast,
    pairs,
    screen_page,
    shape,
    size,
    states,
    told,
    unlike,
)

pytestmark = pytest.mark.soak

# Which part of two drawings differs at least, of what either of them covers.
UNLIKE = 0.1
TEXTS = ("words", "advice", "second words", "second advice")


def test_what_people_see_of_each_state(chromium, state, models_dir):
    with screen_page(chromium, state, models_dir) as page:
        for tags in (("en",), ("zh-CN",), ("en", "zh-CN"), ("zh-CN", "en")):
            for display in DISPLAYS:
                print_sizes(page, display, tags)
        found = sorted((unlike(one, other), a, b) for (a, one), (b, other) in pairs(drawings(page)))
    print("the drawings that are most alike in greyscale:", *found[:5], sep="\n  ")
    known = colours()
    for blindness in (None, *BLINDNESS):
        near = min((apart(known[a][0], known[b][0], blindness), a, b) for a, b in pairs(sorted(known)))
        print(f"{blindness or 'all colours'}: grounds at least {near[0]:.1f} apart in CIELAB ({near[1]}, {near[2]})")
    assert found[0][0] >= UNLIKE, found[0]


def drawings(page):
    """The shape of each symbol in its frame, by the first state that shows it."""
    size(page, "7 inches")
    seen = {}
    for name, said in states():
        if (said.look, said.symbol) not in seen:
            page.evaluate("show", told(said, "en"))
            seen[said.look, said.symbol] = (name, shape(page))
    return list(seen.values())


def print_sizes(page, display, tags):
    millimetres = size(page, display)
    shown = [(name, told(said, *tags)) for name, said in states()]
    found = page.evaluate(MEASURE, [one for _, one in shown])
    sizes = [[height * millimetres for height in one["heights"]] for one in found]
    ratios = [contrast(one["ink"], one["ground"]) for one in found]
    least = [f"{what} {min(each):.1f}" for what, each in zip(TEXTS, zip(*sizes, strict=True), strict=False)]
    drawing = min(one["drawing"] for one in found) * millimetres
    whole = sum(one["fits"] for one in found)
    print(f"\n{display}, {' and '.join(tags)}: at least {', '.join(least)}, drawing {drawing:.0f} mm high,", end=" ")
    print(f"contrast {min(ratios):.1f}, {whole} of {len(found)} whole")
    if len(tags) == 1 and "upright" not in display:
        for (name, _), (words, advice), ratio in zip(shown, sizes, ratios, strict=True):
            print(f"    {name:24} words {words:5.1f} mm  advice {advice:5.1f} mm  contrast {ratio:4.1f}")
