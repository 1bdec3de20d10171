"""The decoder as its asker sees it: one child at a time, one photo at a time, another child after any failure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.decoder.wire import HEADER_SIZE, PHOTO, Header, NoPicture, Word

# From asking to the last pixel; the child's own limit is in seconds of the processor.
WALL_S = 60.0
# What a photo left behind in its decoder is gone after so many.
_PHOTOS_A_CHILD = 500
_END_WITHIN_S = 1.0
# The same house as ours, wherever a command is started and whatever lies there.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from enroll.decoder.child import main; sys.exit(main())"
_HOUSE = str(Path(__file__).resolve().parents[2])


class Decoder:
    """Turns files into pictures. Used from any thread; whoever comes meanwhile waits."""

    def __init__(self, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def decode(self, descriptor: int) -> NDArray[np.uint8]:
        """The picture in an open file as (H, W, 3) uint8 BGR. Raises NoPicture; OSError where no child will start."""
        with self._turn:
            if self._child is not None and not self._child.will_do():
                self._child.end()
                self._child = None
            if self._child is None:
                self._child = _Child(self._wall_s)
            return self._child.ask(descriptor)


class _Child:
    """One process. Raises OSError where it does not start, or cannot give its rights away."""

    def __init__(self, wall_s: float) -> None:
        self._wall_s = wall_s
        self._photos = 0
        # It is as patient as whoever started it, and nobody can make it less so.
        self._policy = os.sched_getscheduler(0)
        self._socket, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, _HOUSE],
                stdin=its.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env={},
            )  # fmt: skip
        try:
            with self._deadline():
                said = self._header()
        except (OSError, ValueError) as error:
            said = Header(Word.DIED, str(error))
        if said.word is not Word.READY:
            self.end()
            raise OSError(said.why)

    def will_do(self) -> bool:
        """Whether it is there for another photo of this thread's."""
        patient = self._policy == os.sched_getscheduler(0)
        return patient and self._photos < _PHOTOS_A_CHILD and self._process.poll() is None

    def ask(self, descriptor: int) -> NDArray[np.uint8]:
        """What it makes of an open file. Raises NoPicture, and has then ended unless the child itself said why."""
        self._photos += 1
        began_mono = time.monotonic()
        try:
            with self._deadline():
                socket.send_fds(self._socket, [PHOTO], [descriptor])
                said = self._header()
                if said.word is Word.PICTURE:
                    pixels = np.empty((said.height, said.width, 3), np.uint8)
                    self._fill(pixels.data.cast("B"))
                    return pixels
        except (OSError, ValueError) as error:
            late = time.monotonic() - began_mono >= self._wall_s
            raise NoPicture(Word.TOO_SLOW if late else self._ended_by()) from error
        raise NoPicture(said.word, said.why)

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _ended_by(self) -> Word:
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.end()
            return Word.DIED
        if self._process.returncode == -signal.SIGXCPU:
            return Word.TOO_SLOW
        # Whoever kills a process without a word is the kernel that has no memory left.
        return Word.TOO_LARGE if self._process.returncode == -signal.SIGKILL else Word.DIED

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """What is not done by then is never done: the child is killed, and whatever waits for it returns."""
        late = threading.Timer(self._wall_s, self._process.kill)
        late.daemon = True
        late.start()
        try:
            yield
        finally:
            late.cancel()

    def _header(self) -> Header:
        sent = bytearray(HEADER_SIZE)
        self._fill(memoryview(sent))
        return Header.unpack(bytes(sent))

    def _fill(self, room: memoryview) -> None:
        while room:
            count = self._socket.recv_into(room)
            if not count:
                raise OSError("the decoder hung up")
            room = room[count:]
