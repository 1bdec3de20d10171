"""The controls of a page as a screen reader tells them: what each is called, and what it does."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"input", "img", "br", "meta", "link", "hr"}
_CONTROLS = {"a", "button", "summary", "input", "select", "textarea"}


@dataclass
class Element:
    tag: str
    attributes: dict
    parent: "Element | None" = None
    children: list = field(default_factory=list)

    def within(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.within()

    def above(self, tag):
        one = self.parent
        while one is not None and one.tag != tag:
            one = one.parent
        return one

    @property
    def text(self):
        if "aria-hidden" in self.attributes:
            return ""
        if "aria-label" in self.attributes:
            return self.attributes["aria-label"]
        # What is chosen in a field is its value and no part of its name.
        said = (
            one if isinstance(one, str) else one.text for one in self.children if getattr(one, "tag", "") != "select"
        )
        return " ".join("".join(f" {part} " for part in said).split())


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.root = self._at = Element("page", {})
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        made = Element(tag, dict(attributes), self._at)
        self._at.children.append(made)
        if tag not in _EMPTY:
            self._at = made

    def handle_endtag(self, tag):
        if tag not in _EMPTY and self._at.tag == tag:
            self._at = self._at.parent

    def handle_data(self, data):
        self._at.children.append(data)


def controls(text):
    """Each control of a page: (kind, name, what it does)."""
    page = _Page(text).root
    return [
        (one.tag, name_of(one), does(one))
        for one in page.within()
        if one.tag in _CONTROLS
        and one.attributes.get("type") != "hidden"
        and (one.tag != "a" or "href" in one.attributes)
    ]


def name_of(one):
    if one.attributes.get("aria-label"):
        return one.attributes["aria-label"]
    if one.tag in ("input", "select", "textarea"):
        label, group = one.above("label"), one.above("fieldset")
        legend = next((inner.text for inner in group.within() if inner.tag == "legend"), "") if group else ""
        return f"{legend} {label.text if label else ''}".strip()
    return one.text


def does(one):
    if one.tag == "a":
        return one.attributes["href"]
    form = one.above("form")
    if one.tag == "summary":
        form = next((inner for inner in one.parent.within() if inner.tag == "form"), one.parent)
    if one.tag in ("input", "select", "textarea"):
        return (form and form.attributes.get("action"), one.attributes.get("name"), one.attributes.get("value"))
    given = [(inner.attributes.get("name"), inner.attributes.get("value")) for inner in form.within()
             if inner.tag == "input" and inner.attributes.get("type") == "hidden"] if form else []  # fmt: skip
    own = (one.attributes.get("name"), one.attributes.get("value")) if one.tag == "button" else ()
    return (form.attributes.get("action") if form else one.attributes.get("id"), tuple(given), own)


def ambiguous(text):
    """What is called the same on a page and does not do the same; and what has no name."""
    known, found = {}, []
    for kind, name, what in controls(text):
        if not name or known.setdefault((kind, name), what) != what:
            found.append((kind, name, what, known.get((kind, name))))
    return found
