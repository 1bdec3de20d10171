import pytest

from evaluate.chart import draw_times

pytestmark = pytest.mark.whole


def test_it_prints_the_stages_beside_the_pipeline(facegate, tmp_path):
    done = facegate("bench", "--rounds", "5", "--largest", "100000", "--json")
    assert done.code == 0, done.err
    answer = done.answer
    assert set(answer["bare_ms"]) == {"search", "detector", "alignment", "embedder"}
    assert answer["overhead"] > 0
    assert answer["lively_to_relay_ms"]["p50"] >= answer["lively_ms"]["p50"] > 0
    assert answer["idle"]["embedded"] == 0
    assert {"1000", "10000", "100000"} <= set(answer["search_ms"])
    assert set(answer["threads_ms"]) == {"1", "2", "4"}
    assert set(answer["batch_ms"]) == {"1", "2", "4", "8"}
    assert answer["start"]["first_face_s"] > 0
    assert answer["start"]["memory_mb"] > 50
    table = facegate("bench", "--rounds", "5", "--largest", "1000").out
    assert "overhead, frame to relay over the bare models" in table
    assert "give --peers too" in facegate("bench", "--chart", tmp_path / "speed.svg").err


def test_the_chart_names_everyone_with_their_time(tmp_path):
    draw_times(tmp_path / "speed.svg", {"Facegate": 10.4, "another": 148.6})
    drawn = (tmp_path / "speed.svg").read_text()
    assert all(said in drawn for said in ("Facegate", "10 ms", "another", "149 ms"))
