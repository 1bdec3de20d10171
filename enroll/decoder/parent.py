"""The decoder as its asker sees it: one child at a time, one photo at a time, another child after any failure."""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from enroll.decoder.wire import HEADER_SIZE, PHOTO, ROOM, Header, NoPicture, Word

# From asking to the answer; the child's own limit is in seconds of the processor.
WALL_S = 60.0
# What photos leave behind in a decoder is gone after so many.
_PHOTOS_A_CHILD = 2000
_END_WITHIN_S = 1.0
_VMSTAT = Path("/proc/vmstat")
# Its heap grows in larger steps than glibc's own, which cost as much as decoding does.
_ENVIRONMENT = {"MALLOC_TOP_PAD_": str(8 << 20)}
# The same house as ours, wherever a command is started and whatever lies there.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from enroll.decoder.child import main; sys.exit(main())"
_HOUSE = str(Path(__file__).resolve().parents[2])


class Decoder:
    """Turns files into pictures. Used from any thread; whoever comes meanwhile waits.

    A process makes one, where it starts, and hands it on: memory is for one photo at a time. Its child starts with the
    first photo and ends with `with`, or with this process.
    """

    def __init__(self, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._end_child()

    def decode(self, descriptor: int) -> NDArray[np.uint8]:
        """The picture in an open file as (H, W, 3) uint8 BGR. Raises NoPicture; OSError where no child will start."""
        with self._turn:
            if self._child is not None and not self._child.will_do():
                self._end_child()
            if self._child is None:
                self._child = _Child(self._wall_s)
            return self._child.ask(descriptor)

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None


class _Child:
    """One process. Raises OSError where it does not start, or cannot give its rights away."""

    def __init__(self, wall_s: float) -> None:
        self._wall_s = wall_s
        self._photos = 0
        # It is as patient as whoever started it, and nobody can make it less so.
        self._policy = os.sched_getscheduler(0)
        self._killed_before = _killed_for_memory()
        self._socket, its = socket.socketpair()
        room = _room()
        self._pixels = mmap.mmap(room, ROOM, prot=mmap.PROT_READ)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, _HOUSE, str(room)], pass_fds=(room,),
                stdin=its.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=_ENVIRONMENT,
            )  # fmt: skip
        finally:
            its.close()
            os.close(room)
        try:
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
        try:
            socket.send_fds(self._socket, [PHOTO], [descriptor])
            said = self._header()
        except TimeoutError as error:
            self.end()
            raise NoPicture(Word.TOO_SLOW) from error
        except (OSError, ValueError) as error:
            raise NoPicture(self._ended_by()) from error
        if said.word is not Word.PICTURE:
            raise NoPicture(said.word, said.why)
        # A copy: what the child does to its room from now on changes nothing.
        size = said.height * said.width * 3
        return np.frombuffer(self._pixels[:size], np.uint8).reshape(said.height, said.width, 3)

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
        if self._process.returncode != -signal.SIGKILL:
            return Word.DIED
        killed = _killed_for_memory()
        return Word.ENDED if killed is not None and killed == self._killed_before else Word.TOO_LARGE

    def _header(self) -> Header:
        """What it says next. Raises OSError where it says nothing in time, ValueError for nonsense."""
        until_mono = time.monotonic() + self._wall_s
        sent = b""
        while len(sent) < HEADER_SIZE:
            self._socket.settimeout(max(1e-3, until_mono - time.monotonic()))
            part = self._socket.recv(HEADER_SIZE - len(sent))
            if not part:
                raise OSError("the decoder hung up")
            sent += part
        return Header.unpack(sent)


def _room() -> int:
    """Memory that both ends see and neither can make smaller."""
    room = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(room, ROOM)
    fcntl.fcntl(room, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return room


def _killed_for_memory() -> int | None:
    """How many processes the kernel has killed since the machine started because memory ran out, of a group or at all;
    None where it does not tell."""
    try:
        words = _VMSTAT.read_text("ascii").split()
        return int(words[words.index("oom_kill") + 1])
    except (OSError, ValueError):
        return None
