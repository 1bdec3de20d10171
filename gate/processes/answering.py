"""The end of a Unix-domain socket that answers, for a process that has a loop: to one user alone, one question after
the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from gate.processes.peers import IDLE_S, has_place, keeper_of, peer_of
from gate.processes.wire import MAX_ANSWER, MAX_MESSAGE, Message, decode, encode

_log = logging.getLogger(__name__)

_SENT_WITHIN_S = 2.0


async def answer_for_ever(path: Path, whose: Path, answer: Callable[[Message], Awaitable[Message]]) -> None:
    """Answer on the socket `path`, for ever, whoever owns the folder of the socket `whose`, and root. Raises OSError
    where nothing can be listened on."""
    held: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer_of(writer.get_extra_info("socket")).uid
        try:
            if not _may(uid, whose):
                _log.warning("refused uid %d on %s", uid, path)
            elif has_place(uid, held, frozenset({0})):
                held.append(uid)
                try:
                    await _converse(reader, writer, answer)
                finally:
                    held.remove(uid)
        except ConnectionError:
            # Whoever asked is gone, and says so itself.
            return
        except (OSError, ValueError, TimeoutError) as error:
            _log.warning("uid %d on %s: %s", uid, path, error or type(error).__name__)
        finally:
            with suppress(OSError):
                writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(serve, path, limit=MAX_MESSAGE)
    path.chmod(0o660)
    async with server:
        await server.serve_forever()


def _may(uid: int, whose: Path) -> bool:
    with suppress(OSError):
        return uid in (0, keeper_of(whose))
    return uid == 0


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[[Message], Awaitable[Message]]
) -> None:
    while line := await asyncio.wait_for(reader.readline(), IDLE_S):
        said = encode(await answer(decode(line)))
        if len(said) > MAX_ANSWER:
            raise ValueError("the answer is too long")
        writer.write(said)
        await asyncio.wait_for(writer.drain(), _SENT_WITHIN_S)
