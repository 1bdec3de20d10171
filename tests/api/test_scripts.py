"""The console's scripts share one scope wherever a page loads several."""

import re

from tests.conftest import REPOSITORY

SCRIPTS = REPOSITORY / "api" / "static"
PAGES = REPOSITORY / "api" / "pages"
LOADED = re.compile(r'src="/static/([a-z_]+\.js)"')
DECLARED = re.compile(
    r"^(?:const|let|var|(?:async )?function\*?|class) +(?:\{([^}]*)\}|([A-Za-z_$][\w$]*))", re.MULTILINE
)


def declared(script):
    """What a script declares for all others of a page; a module declares nothing."""
    text = (SCRIPTS / script).read_text("utf-8")
    names = [one for many, one in DECLARED.findall(text) if one]
    for many, _ in DECLARED.findall(text):
        names += [part.split(":")[-1].split("=")[0].strip() for part in many.split(",") if part.strip()]
    return names


def test_no_script_declares_a_name_of_those_that_every_page_loads():
    pages = {page.name: page.read_text("utf-8") for page in PAGES.rglob("*.html")}
    everywhere = {name: script for script in LOADED.findall(pages["base.html"]) for name in declared(script)}
    assert everywhere
    modules = {one for text in pages.values() for one in re.findall(r'src="/static/([a-z_]+\.js)" type="module"', text)}
    others = {path.name for path in SCRIPTS.glob("*.js")} - modules - set(everywhere.values())
    assert [(name, script) for script in sorted(others) for name in declared(script) if name in everywhere] == []
