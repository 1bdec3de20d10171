"""A disk that forgets: what was written and not flushed is gone with the power, or is there, as chance has it.

It speaks NBD (the fixed newstyle handshake and the simple replies of its protocol), which qemu takes for a disk with a
cache of its own: a card that said "written" and had not.
"""

import os
import random
import socket
import struct
import threading
from contextlib import suppress

# What is written whole or not at all.
BLOCK = 4096
_GREETING = b"NBDMAGIC" + b"IHAVEOPT" + struct.pack(">H", 3)  # fixed newstyle, no zeroes
_OPTION, _ANSWER = 0x49484156454F5054, 0x3E889045565A9
_GO, _INFO, _ABORT = 7, 6, 2
_ACK, _SAID, _UNSUPPORTED = 1, 3, 0x80000001
_FLUSHES = 1 | 4 | 8  # has flags, flush, force unit access
_REQUEST, _REPLY = 0x25609513, 0x67446698
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_AT_ONCE = 1
_INVALID = 22


class ForgetfulDisk:
    """A file as a disk, at the socket `address`. `seed` draws what is lost at a power cut."""

    def __init__(self, path, address, seed):
        self._file = os.open(path, os.O_RDWR)
        self._size = os.fstat(self._file).st_size
        self._chance = random.Random(seed)
        # By block, what was written there since the last flush, oldest first.
        self._waiting = {}
        address.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(address))
        self._listening.listen(1)
        self._serving = None
        self._writes_left, self._stands = None, threading.Event()
        self.drive = f"file=nbd+unix:///?socket={address},format=raw"

    def power_on(self):
        """Serve the next computer that is connected."""
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def stand_still(self, writes, within_s):
        """Wait, at most so long, for the so-manyth write from now, and answer none any more: there the power goes."""
        self._stands.clear()
        self._writes_left = writes
        self._stands.wait(within_s)

    def power_off(self):
        """After whoever used it is dead. Returns how many blocks waited, and how many of them were forgotten."""
        self._serving.join(30)
        assert not self._serving.is_alive(), "the computer still uses its disk"
        waited, forgotten = len(self._waiting), 0
        for block, versions in self._waiting.items():
            kept = self._chance.choice([None, *versions])
            forgotten += kept is not versions[-1]
            if kept is not None:
                os.pwrite(self._file, kept, block * BLOCK)
        self._waiting.clear()
        self._writes_left = None
        return waited, forgotten

    def close(self):
        """The disk is put away."""
        self._listening.close()
        os.close(self._file)

    def _serve(self):
        connection, _ = self._listening.accept()
        # Whoever is killed says nothing any more.
        with connection, suppress(ConnectionError):
            if self._negotiate(connection):
                while self._answer(connection):
                    pass

    def _negotiate(self, connection):
        connection.sendall(_GREETING)
        _take(connection, 4)
        while True:
            magic, option, length = struct.unpack(">QII", _take(connection, 16))
            assert magic == _OPTION, "no NBD client"
            _take(connection, length)
            if option in (_GO, _INFO):
                export = struct.pack(">HQH", 0, self._size, _FLUSHES)
                connection.sendall(struct.pack(">QIII", _ANSWER, option, _SAID, len(export)) + export)
                connection.sendall(struct.pack(">QIII", _ANSWER, option, _ACK, 0))
                if option == _GO:
                    return True
            else:
                kind = _ACK if option == _ABORT else _UNSUPPORTED
                connection.sendall(struct.pack(">QIII", _ANSWER, option, kind, 0))
                if option == _ABORT:
                    return False

    def _answer(self, connection):
        magic, flags, kind, handle, offset, length = struct.unpack(">IHHQQI", _take(connection, 28))
        assert magic == _REQUEST, "no NBD request"
        data, error = b"", 0
        if kind == _READ:
            data = self._read(offset, length)
        elif kind == _WRITE:
            self._write(offset, _take(connection, length))
            self._count(connection)
            if flags & _AT_ONCE:
                self._settle(range(offset // BLOCK, (offset + length - 1) // BLOCK + 1))
        elif kind == _FLUSH:
            self._settle(list(self._waiting))
        elif kind == _DISCONNECT:
            return False
        else:
            error = _INVALID
        connection.sendall(struct.pack(">IIQ", _REPLY, error, handle) + data)
        return True

    def _count(self, connection):
        if self._writes_left is None:
            return
        self._writes_left -= 1
        if self._writes_left <= 0:
            self._stands.set()
            while connection.recv(65536):
                pass
            raise ConnectionError

    def _read(self, offset, length):
        if not any(block in self._waiting for block in _blocks(offset, length)):
            return os.pread(self._file, length, offset)
        first = offset - offset % BLOCK
        whole = b"".join(map(self._block, _blocks(offset, length)))
        return whole[offset - first : offset - first + length]

    def _write(self, offset, data):
        for block in _blocks(offset, len(data)):
            start = block * BLOCK - offset
            piece = data[max(0, start) : start + BLOCK]
            if len(piece) < BLOCK:
                old, at = self._block(block), max(0, -start)
                piece = old[:at] + piece + old[at + len(piece) :]
            self._waiting.setdefault(block, []).append(piece)

    def _block(self, block):
        versions = self._waiting.get(block)
        return versions[-1] if versions else os.pread(self._file, BLOCK, block * BLOCK)

    def _settle(self, blocks):
        for block in blocks:
            if versions := self._waiting.pop(block, None):
                os.pwrite(self._file, versions[-1], block * BLOCK)


def _blocks(offset, length):
    return range(offset // BLOCK, (offset + length - 1) // BLOCK + 1)


def _take(connection, count):
    taken = bytearray()
    while len(taken) < count:
        piece = connection.recv(count - len(taken))
        if not piece:
            raise ConnectionError
        taken += piece
    return bytes(taken)
