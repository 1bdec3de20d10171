from hypothesis import given
from hypothesis import strategies as st

from gate.vision.tracker import LOST_AFTER_S, MIN_OVERLAP, Tracks, follow
from models.boxes import overlap
from models.faces import Face

side = st.floats(1, 500)
boxes = st.tuples(st.floats(0, 500), st.floats(0, 500), side, side)


def face(box: tuple[float, float, float, float]) -> Face:
    return Face(box, ((0.0, 0.0),) * 5, 0.9)


faces = st.lists(boxes.map(face), max_size=5)


@given(st.lists(faces, min_size=1, max_size=6))
def test_numbers_are_never_given_twice_and_each_face_has_one_track(pictures):
    tracks, given_numbers = Tracks(), set()
    for second, picture in enumerate(pictures):
        before = {track.number for track in tracks.active}
        tracks = follow(tracks, picture, float(second))
        numbers = [track.number for track in tracks.active]
        assert len(numbers) == len(set(numbers))
        new = set(numbers) - before
        assert not new & given_numbers
        given_numbers |= set(numbers)
        seen = [track.face for track in tracks.active if track.seen_mono == second]
        assert sorted(f.box for f in seen) == sorted(f.box for f in picture)


@given(boxes, st.floats(0.05, 0.15))
def test_a_face_that_moves_a_little_keeps_its_track(box, share):
    first = follow(Tracks(), [face(box)], 0.0)
    moved = (box[0] + share * box[2], box[1], box[2], box[3])
    second = follow(first, [face(moved)], 0.1)
    assert [track.number for track in second.active] == [1]
    assert second.active[0].since_mono == 0.0


@given(boxes)
def test_a_track_unseen_too_long_ends_and_a_jump_begins_another(box):
    first = follow(Tracks(), [face(box)], 0.0)
    assert len(follow(first, [], LOST_AFTER_S).active) == 1
    assert follow(first, [], LOST_AFTER_S + 0.01).active == ()
    jumped = follow(first, [face((box[0] + 3 * box[2], box[1], box[2], box[3]))], 0.1)
    assert {track.number for track in jumped.active} == {1, 2}


def test_the_better_overlap_wins_the_track():
    first = follow(Tracks(), [face((0, 0, 100, 100))], 0.0)
    second = follow(first, [face((60, 0, 100, 100)), face((5, 0, 100, 100))], 0.1)
    kept = next(track for track in second.active if track.number == 1)
    assert kept.face.box == (5, 0, 100, 100)
    assert overlap((0, 0, 100, 100), (60, 0, 100, 100)) > MIN_OVERLAP
