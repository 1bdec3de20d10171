import asyncio

import httpx

from api.app import create_app
from tests.console import context_on
from tests.door import door_process
from tests.running import wait_for


def health(state):
    return get(state, "/api/health").json()


def get(state, path, **changes):
    async def ask():
        transport = httpx.ASGITransport(create_app(context_on(state, **changes)))
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.get(path)

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    return answer


def test_it_says_what_is_dead(state):
    answer = health(state)
    assert answer["gate"] == "North gate"
    assert answer["status"] == "degraded"
    assert not answer["door"]["alive"]
    assert not answer["vision"]["alive"]


def test_a_living_door_with_dead_vision_is_degraded(state):
    with door_process(state):
        wait_for(lambda: health(state)["door"]["last_write_age_s"] is not None)
        wait_for(lambda: health(state)["door"]["unwritten_events"] == 0)
        answer = health(state)
    assert answer["door"]["alive"]
    assert answer["door"]["mode"] == "normal"
    assert answer["machine"]["disk_free_bytes"] > 0
    assert "Face recognition does not answer: nobody can come in by face." in answer["problems"]
    assert answer["status"] == "degraded"


def test_metrics_say_the_same_for_prometheus(state):
    with door_process(state, tamper_pin=26, tamper_block_s=0.0):
        wait_for(lambda: health(state)["door"]["faults"] == ["tamper"])
        wait_for(lambda: health(state)["door"]["last_write_age_s"] is not None)
        text = get(state, "/metrics", settings={"api": {"open": ["metrics"]}}).text
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert samples["facegate_up"] == "0.0"
    assert samples["facegate_door_alive"] == "1.0"
    assert samples["facegate_vision_alive"] == "0.0"
    assert samples['facegate_door_fault{fault="tamper"}'] == "1.0"
    assert samples['facegate_door_mode{mode="normal"}'] == "1.0"
    assert float(samples["facegate_machine_disk_free_bytes"]) > 0
    assert float(samples["facegate_door_last_write_age_seconds"]) >= 0
