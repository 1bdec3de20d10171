import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.database import open_database, open_read_only
from gate.store.people import erasure, residents, templates
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.vision.gallery import Gallery, LiveGallery
from models.manifest import Cohort

DIMENSION = 16


def unit(rng: np.random.Generator, count: int, dimension: int = DIMENSION) -> np.ndarray:
    vectors = rng.normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rows_of(vectors: np.ndarray) -> list[tuple[int, str, bytes]]:
    return [(number + 1, f"r{number + 1}", vector.tobytes()) for number, vector in enumerate(vectors)]


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_best_and_second_person_are_the_true_ones(count, seed):
    vectors = unit(np.random.default_rng(seed), count)
    (probe,) = unit(np.random.default_rng(seed + 1), 1)
    found = Gallery(rows_of(vectors), DIMENSION).search(probe)
    truth = sorted(((float(vector @ probe), f"r{n + 1}") for n, vector in enumerate(vectors)), reverse=True)
    for candidate, (score, who) in zip(found[:2], truth[:2], strict=True):
        assert candidate.similarity == pytest.approx(score, abs=1e-5)
        assert candidate.resident == who or score == pytest.approx(truth[0][0], abs=1e-6)


def test_a_person_with_several_templates_is_one_entry_at_their_mean():
    a, b, c = unit(np.random.default_rng(0), 3)
    gallery = Gallery([(1, "x", a.tobytes()), (1, "x", b.tobytes()), (2, "y", c.tobytes())], DIMENSION)
    mean = (a + b) / np.linalg.norm(a + b)
    found = gallery.search(mean)
    assert len(gallery) == 2
    assert found[0].resident == "x"
    assert found[0].similarity == pytest.approx(1, abs=1e-5)
    assert [candidate.resident for candidate in found] == ["x", "y"]


def test_strangers_come_no_nearer_to_whoever_enrolled_with_more_photos():
    rng = np.random.default_rng(4)

    def faces(count, person):
        """Photos that stray about a person, who has a part in common with everybody."""
        rows = np.full(64, 0.05) + person + rng.normal(0, 0.09, (count, 64))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    strangers = np.concatenate([faces(1, rng.normal(0, 0.1, 64)) for _ in range(400)])
    people = [rng.normal(0, 0.1, 64) for _ in range(60)]
    common = float(np.mean([strangers @ faces(1, person)[0] for person in people]))

    def average(photos, common):
        cohort = Cohort(np.eye(64, dtype=np.float32)[:1], 0.0, common)
        rows = [(number, str(number), face.tobytes()) for number, person in enumerate(people)
                for face in faces(photos, person)]  # fmt: skip
        gallery = Gallery(rows, 64, cohort)
        return np.mean([one.similarity for stranger in strangers for one in gallery.search(stranger, len(people))])

    assert average(4, common) == pytest.approx(average(1, common), abs=0.01)
    assert average(4, 0.0) > average(1, 0.0) + 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, 2.0])
def test_a_probe_that_is_no_unit_vector_finds_nobody(bad):
    gallery = Gallery(rows_of(unit(np.random.default_rng(0), 3)), DIMENSION)
    probe = np.zeros(DIMENSION, np.float32)
    probe[0] = bad
    assert gallery.search(probe) == ()


def test_an_empty_gallery_finds_nobody():
    assert Gallery([], DIMENSION).search(unit(np.random.default_rng(0), 1)[0]) == ()


def test_a_damaged_template_is_passed_over_and_everybody_else_is_found():
    one, other = unit(np.random.default_rng(0), 2)
    opposite, nought, short = (-one).tobytes(), b"\0" * 4 * DIMENSION, b"\0\0\0\0"
    rows = [
        (1, "r1", nought), (2, "r2", short), (3, "r3", one.tobytes()), (3, "r3", opposite), (4, "r4", other.tobytes()),
        (5, "r5", one.tobytes()), (5, "r5", nought),
    ]  # fmt: skip
    gallery = Gallery(rows, DIMENSION)
    assert (gallery.people, gallery.damaged) == ({"r4", "r5"}, {"r1", "r2", "r3", "r5"})
    assert gallery.search(one)[0].resident == "r5"
    gallery.put(5, [])
    gallery.put(4, [(4, "r4", short)])
    gallery.put(1, [(1, "r1", one.tobytes())])
    assert (gallery.people, gallery.damaged) == ({"r1"}, {"r2", "r3", "r4"})
    assert Gallery(rows[:3], DIMENSION).people == {"r3"}


def enrol(store: sqlite3.Connection, name: str, vector: np.ndarray, model: str = "m") -> residents.Resident:
    return residents.enrol(store, name, None, [Template(model, "test", {}, vector.tobytes())], NO_PERSON)


def test_it_follows_the_store_within_half_a_second_and_the_removed_finds_nothing(store, state):
    vectors = unit(np.random.default_rng(0), 3)
    people = [enrol(store, f"P{n}", vector) for n, vector in enumerate(vectors)]
    live = LiveGallery(open_read_only(state), "m", DIMENSION)
    assert live.gallery.people == {person.id for person in people}

    changed_at = threading.Thread(target=erasure.remove, args=(store, people[1]), kwargs={"by": "test"})
    changed_at.start()
    changed_at.join()
    began = time.monotonic()
    while people[1].id in live.gallery.people:
        live.refresh()
        assert time.monotonic() - began < 0.5
    found = live.gallery.search(vectors[1])
    assert people[1].id not in {candidate.resident for candidate in found}
    assert all(candidate.similarity < 0.99 for candidate in found)
    kept = {identity for _, identity, _ in templates.vectors(store, "m")}
    assert live.gallery.people == kept


def test_templates_of_another_model_are_left_out_and_other_commits_cost_no_rebuild(store, state):
    vectors = unit(np.random.default_rng(0), 2)
    enrol(store, "A", vectors[0])
    enrol(store, "B", vectors[1], model="other")
    live = LiveGallery(open_read_only(state), "m", DIMENSION)
    assert len(live.gallery) == 1
    before = live.gallery
    store.execute("CREATE TABLE unrelated (x)")
    assert not live.refresh()
    assert live.gallery is before


def test_a_search_is_done_by_the_thread_that_asks():
    vectors = unit(np.random.default_rng(0), 300)
    gallery = Gallery([(number, str(number), one.tobytes()) for number, one in enumerate(vectors)], DIMENSION)

    def helpers() -> int:
        before = set(os.listdir("/proc/self/task"))
        gallery.search(vectors[0], 8)
        return len(set(os.listdir("/proc/self/task")) - before)

    # A thread of its own, since OpenMP keeps helpers for each that asks.
    with ThreadPoolExecutor(1) as asking:
        assert asking.submit(helpers).result() == 0


def test_the_index_is_exact():
    assert isinstance(Gallery([], DIMENSION)._index, faiss.IndexIDMap2)
    assert faiss.downcast_index(Gallery([], DIMENSION)._index.index).__class__ is faiss.IndexFlatIP


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["enrol", "more", "withdraw", "remove", "look"]), st.integers(0, 5)), max_size=25
    )
)
@settings(max_examples=40, deadline=None)
def test_what_follows_the_store_step_by_step_is_what_is_read_anew(tmp_path_factory, steps):
    state = tmp_path_factory.mktemp("state")
    store, rng = open_database(state), np.random.default_rng(1)
    live = LiveGallery(open_read_only(state), "m", DIMENSION)
    people: list[residents.Resident] = []
    for step, which in steps:
        one = residents.get(store, people[which].id) if which < len(people) else None
        if step == "enrol":
            people.append(enrol(store, f"P{len(people)}", unit(rng, 1)[0], "m" if which else "other"))
        elif step == "more" and one is not None and one.templates:
            # Near the first ones: templates of one person do not contradict each other.
            (_, _, kept), *_ = templates.vectors_of(store, "m", one.number) or [(0, "", unit(rng, 1)[0].tobytes())]
            near = np.frombuffer(kept, "<f4") + 0.1 * unit(rng, 1)[0]
            vector = (near / np.linalg.norm(near)).astype("<f4").tobytes()
            if one.templates < templates.MAX_TEMPLATES:
                residents.add_templates(store, one, [Template("m", "test", {}, vector)])
        elif step == "withdraw" and one is not None and one.templates:
            erasure.withdraw(store, one, by="test")
        elif step == "remove" and one is not None:
            erasure.remove(store, one, by="test")
        elif step == "look":
            live.refresh()
    live.refresh()
    anew = Gallery(templates.vectors(store, "m"), DIMENSION)
    assert live.gallery.people == anew.people
    for probe in unit(rng, 3):
        followed, read = live.gallery.search(probe), anew.search(probe)
        assert {c.resident: round(c.similarity, 4) for c in followed} == {
            c.resident: round(c.similarity, 4) for c in read
        }
    store.close()


def test_who_is_far_behind_reads_everything_anew(store, state):
    live = LiveGallery(open_read_only(state), "m", DIMENSION)
    one = unit(np.random.default_rng(0), 1)[0]
    first = enrol(store, "A", one)
    store.execute("UPDATE gate SET gallery_version = gallery_version + 5000")
    second = enrol(store, "B", one)
    assert templates.changed_since(store, 0) is None
    assert live.refresh()
    assert live.gallery.people == {first.id, second.id}
