import asyncio

import httpx

from api.app import create_app
from gate.link import runtime_directory
from tests.gate.door.test_service import door_process


def health(state):
    async def ask():
        transport = httpx.ASGITransport(create_app("North gate", runtime_directory(state)))
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.get("/api/health")

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    return answer.json()


def test_it_says_what_is_dead(state):
    answer = health(state)
    assert answer["gate"] == "North gate"
    assert answer["status"] == "degraded"
    assert not answer["door"]["alive"]
    assert not answer["vision"]["alive"]


def test_a_living_door_with_dead_vision_is_degraded(state):
    with door_process(state):
        answer = health(state)
    assert answer["door"] == {"alive": True, "mode": "resting", "unwritten_events": 0}
    assert answer["status"] == "degraded"
