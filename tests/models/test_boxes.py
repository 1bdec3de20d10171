from hypothesis import given
from hypothesis import strategies as st

from models.boxes import overlap

side = st.floats(1, 500)
boxes = st.tuples(st.floats(0, 500), st.floats(0, 500), side, side)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(a, b):
    assert 0 <= overlap(a, b) <= 1
    assert overlap(a, b) == overlap(b, a)


@given(boxes)
def test_a_box_overlaps_itself_wholly_and_a_far_one_not_at_all(box):
    assert overlap(box, box) > 0.999
    assert overlap(box, (box[0] + 2000, box[1], box[2], box[3])) == 0
