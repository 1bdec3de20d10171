def test_it_prints_the_stages_beside_the_pipeline(facegate):
    done = facegate("bench", "--rounds", "5", "--json")
    assert done.code == 0, done.err
    answer = done.answer
    assert set(answer["bare_ms"]) == {"detector", "alignment", "embedder"}
    assert answer["overhead"] > 0
    assert answer["idle"]["embedded"] == 0
    assert set(answer["search_ms"]) == {"1000", "10000", "100000"}
    table = facegate("bench", "--rounds", "5").out
    assert "overhead, frame to relay over the bare models" in table
