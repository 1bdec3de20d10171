"""Between two sentences of a page there is a blank, or the end of a line, whichever of them are shown."""

import re

import pytest
from jinja2 import nodes

from api.pages.page import templates

# What stands within a line, and parts nothing.
INLINE = re.compile(r"</?(?:span|a|strong|em|time|code)\b[^>]*>")


def joined(source):
    """The pairs of sentences of a template of which the second may begin where the first has just ended."""
    found = []
    _end_of(templates().parse(source).body, {None}, found)
    return found


def _end_of(parts, ended, found):
    """What may have ended at once before the end of these nodes; None: nothing, or there is a blank."""
    for part in parts:
        match part:
            case nodes.Output():
                for one in part.nodes:
                    ended = _told(one, ended, found)
            case nodes.If():
                told = [_end_of(one.body, ended, found) for one in (part, *part.elif_)]
                ended = set().union(*told, _end_of(part.else_, ended, found))
            case nodes.For():
                once = _end_of(part.body, ended, found)
                ended = ended | once | _end_of(part.body, once, found)
            case nodes.Block() | nodes.Macro() | nodes.CallBlock():
                _end_of(part.body, {None}, found)
                ended = {None}
            case nodes.Assign() | nodes.FromImport() | nodes.Import():
                pass
            case _:
                ended = {None}
    return ended


def _told(one, ended, found):
    if isinstance(one, nodes.TemplateData):
        return {None} if INLINE.sub("", one.data) else ended
    said = list(_sentences(one))
    found += [f"{first} | {then}" for first in ended if first for then in said if re.match("[A-Z]", then)]
    return {then if re.search(r"[.?!]$", then) else None for then in said} or {None}


def _sentences(one):
    """What an expression may say."""
    match one:
        case nodes.CondExpr():
            yield from _sentences(one.expr1)
            yield from _sentences(one.expr2) if one.expr2 else ("",)
        case nodes.Call(node=nodes.Name(name="_" | "many")):
            yield from (given.value for given in one.args if isinstance(given, nodes.Const))


@pytest.mark.parametrize("name", templates().list_templates(extensions=["html"]))
def test_no_two_sentences_are_joined(name):
    source, *_ = templates().loader.get_source(templates(), name)
    assert joined(source) == []


def test_a_joint_is_found_and_nothing_else():
    for told in (
        '<p>{% if a %}{{ _("One.") }}{% endif %}\n  {% if b %}<span>{{ _("Two.") }}</span>{% endif %}</p>',
        '{{ _("One.") }}{% if a %} {{ _("Three: {it}") }}{% endif %}{{ _("Two.") }}',
    ):
        assert joined(told) == ["One. | Two."]
    for apart in (
        '{{ _("One.") }} {{ _("Two.") }}',
        '{% if a %}{{ _("One.") }}{% else %}{{ _("Two.") }}{% endif %}',
        '<p>{{ _("One.") }}</p><p>{{ _("Two.") }}</p>',
    ):
        assert joined(apart) == []
