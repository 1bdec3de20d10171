"""The socket of a process that has a loop: whoever should ask is answered, and nobody else holds it up."""

import asyncio
import json
import os
import socket
from contextlib import asynccontextmanager, suppress

import pytest

from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.answering import answer_for_ever
from gate.processes.client import Client, LinkDown
from tests.neighbours import STRANGER, need_other_users, open_folder, run_as
from tests.running import wait_for

ASKING = """
import json, socket
end = socket.socket(socket.AF_UNIX)
end.settimeout(10)
end.connect({path!r})
end.sendall(b'{{"say": "who"}}\\n')
print(json.dumps(end.recv(100).decode()))
"""


@asynccontextmanager
async def served(state, answer):
    """The api's socket, which answers the link."""
    runtime_directory(state, "api")
    runtime_directory(state, "link")
    path = socket_of(state, "api")
    task = asyncio.create_task(answer_for_ever(path, socket_of(state, "link"), answer))
    await asyncio.to_thread(wait_for, lambda: path.exists() and path.stat().st_mode & 0o020, 10)
    try:
        yield path
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def echo(message):
    return {"said": message}


def ask(path, message):
    client = Client(path, timeout_s=5)
    try:
        return client.ask(message)
    finally:
        client.close()


def test_questions_are_answered_and_one_that_waits_keeps_nobody_waiting(state):
    async def tried():
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def answer(message):
            if message.get("slow"):
                begun.set()
                await go_on.wait()
            return {"said": message}

        async with served(state, answer) as path:
            slow = asyncio.create_task(asyncio.to_thread(ask, path, {"slow": True}))
            await asyncio.wait_for(begun.wait(), 10)
            assert await asyncio.to_thread(ask, path, {"a": 1}) == {"said": {"a": 1}}
            go_on.set()
            assert await slow == {"said": {"slow": True}}

    asyncio.run(tried())


@pytest.mark.parametrize("said", [b"x" * 5000 + b"\n", b"no json\n", b"[1]\n", b'{"a": 1e999}\n', b""])
def test_what_is_no_question_is_hung_up_on_and_the_next_is_answered(state, said):
    async def tried():
        async with served(state, echo) as path:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(said)
            writer.write_eof()
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            assert await asyncio.to_thread(ask, path, {"a": 1}) == {"said": {"a": 1}}

    asyncio.run(tried())


def test_an_answer_that_is_too_long_and_one_that_fails_are_no_answer(state):
    async def answer(message):
        if message.get("fails"):
            raise ValueError("it makes no sense")
        return {"long": "x" * 200_000}

    async def tried():
        async with served(state, answer) as path:
            for message in ({"fails": True}, {}):
                with pytest.raises(LinkDown):
                    await asyncio.to_thread(ask, path, message)

    asyncio.run(tried())


def test_another_user_of_the_machine_is_told_nothing():
    need_other_users()

    async def tried(state):
        async with served(state, echo) as path:
            # As if the folders were open to them: the socket itself asks who they are.
            for place in (state, state / "run", path.parent):
                place.chmod(0o755)
            path.chmod(0o666)
            program = ASKING.format(path=str(path))
            theirs = await asyncio.to_thread(run_as, STRANGER, program)
            assert json.loads(theirs.stdout or '""') == "", theirs.stderr
            os.chown(socket_of(state, "link").parent, STRANGER, STRANGER)
            links = await asyncio.to_thread(run_as, STRANGER, program)
            assert json.loads(json.loads(links.stdout)) == {"said": {"say": "who"}}

    with open_folder() as folder:
        asyncio.run(tried(folder / "state"))


def test_a_crowd_leaves_the_asker_a_place(state):
    async def tried():
        async with served(state, echo) as path:
            held = []
            for _ in range(30):
                one = socket.socket(socket.AF_UNIX)
                one.connect(str(path))
                held.append(one)
            for one in held:
                one.close()
            await asyncio.to_thread(
                wait_for, lambda: asked_at_last(path), 20, "the places of those who left are not free again"
            )

    asyncio.run(tried())


def asked_at_last(path):
    try:
        return ask(path, {"a": 1})
    except LinkDown:
        return None
