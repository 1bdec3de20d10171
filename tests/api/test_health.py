from fastapi.testclient import TestClient

from api.app import create_app
from gate.link import runtime_directory
from tests.gate.door.test_service import door_process


def test_it_says_what_is_dead(state):
    client = TestClient(create_app("North gate", runtime_directory(state)))
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["gate"] == "North gate"
    assert answer.json()["status"] == "degraded"
    assert not answer.json()["door"]["alive"]
    assert not answer.json()["vision"]["alive"]


def test_a_living_door_with_dead_vision_is_degraded(state):
    with door_process(state):
        health = TestClient(create_app("North gate", runtime_directory(state))).get("/api/health").json()
    assert health["door"] == {"alive": True, "mode": "resting", "unwritten_events": 0}
    assert health["status"] == "degraded"
