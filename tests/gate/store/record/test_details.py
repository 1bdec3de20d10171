"""What is looked for in a line's details is typed, whatever an old or a forged line holds."""

import re
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.record import audit
from gate.store.record.details import CALLED, Details, details_of, without_scores
from gate.vocabulary import AuditEvent
from tests.conftest import REPOSITORY

NAMES = tuple(CALLED.get(field.name, field.name) for field in fields(Details))
# Those are of other things than lines of the record, or hold and write what they were given.
OTHERS = ("gate/door/", "gate/drill/rig.py", "gate/store/record/details.py", "gate/care/retention.py")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(anything)
def test_any_details_are_read_and_each_is_of_its_kind_or_missing(said):
    found = details_of(said)
    for field in fields(Details):
        value = getattr(found, field.name)
        assert value is None or (
            type(value).__name__ in field.type or (type(value), field.type) == (int, "float | None")
        )
        assert value is None or value == said[CALLED.get(field.name, field.name)] or value != value


DEEP = '{"why":' * 900 + "1" + "}" * 900


@pytest.mark.parametrize("said", ["[]", "5", "null", '["reason"]', '{"seconds":1e999}', r'{"why":"\ud800"}', DEEP])
@pytest.mark.parametrize("column", ["details", "commitments"])
def test_a_line_that_holds_something_else_says_nothing_and_does_not_verify(store, column, said):
    audit.append(store, AuditEvent("tidied", {"through": 0}, {"name": "Wang Fang"}))
    store.execute(f"UPDATE audit SET {column} = ?", (said,))
    (line,) = audit.lines(store)
    assert getattr(line, column) == {}
    assert audit.verify(store) is not None


def test_how_alike_a_face_was_is_left_out_and_nothing_else():
    assert without_scores({"method": "face", "similarity": 0.7, "frames": 3}) == {"method": "face", "frames": 3}


def test_nobody_else_knows_a_detail_by_its_name():
    for path in sorted(REPOSITORY.glob("[aegc]*/**/*.*")):
        name = path.relative_to(REPOSITORY).as_posix()
        if path.suffix not in (".py", ".html") or name.startswith(OTHERS):
            continue
        text = path.read_text("utf-8")
        read = set(re.findall(r"""details(?:\.get\(|\[)["'](\w+)["']""", text))
        assert read <= ({"replaced"} if name.endswith("anchors.py") else set()), name
        assert set(re.findall(r"'\$\.(\w+)'", text)) <= set(NAMES), name
