"""A camera that is asked over HTTP: one connection, by whichever kind of password it wants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import cv2
import httpx
import numpy as np

from gate.processes.camera_report import Trouble
from gate.vision.address import Address, without_password
from gate.vision.camera_troubles import status_trouble, trouble_at
from gate.vision.jpegs import Jpegs, size_of
from gate.vision.pictures import Shot, check_size
from gate.vision.settings import CameraSettings
from gate.vision.stream import OPTIONS, STALL_S, stream_shots
from gate.vision.stream_clock import LATE_FOR_S, LATE_S, ArrivalClock

# Streams that FFmpeg takes apart by these names; a playlist names other files, and comes late.
_FORMATS = {"video/x-flv": "flv", "video/flv": "flv", "video/mp2t": "mpegts", "video/mpeg": "mpegts"}


def http_shots(address: Address, settings: CameraSettings) -> Iterator[Shot]:
    """An MJPEG stream, a JPEG asked for `fps` times a second, or a stream of FLV or MPEG-TS. Raises CameraError."""
    with closing(HttpCamera(address, settings.opening_s)) as camera:
        match camera.ask():
            case kind if kind.startswith("multipart/"):
                yield from _mjpeg(camera, address, settings.opening_s)
            case "image/jpeg" | "image/jpg":
                yield from _snapshots(camera, address, settings.fps, settings.opening_s)
            case kind if kind in _FORMATS:
                import av

                with av.open(camera, format=_FORMATS[kind], options=OPTIONS) as container:
                    yield from stream_shots(container, address, settings.opening_s)
            case kind:
                raise trouble_at(address, Trouble.NO_STREAM, shown=address.shown, kind=kind or "nothing")


class HttpCamera:
    """One connection to a network camera over HTTP, read as PyAV reads a file.

    A certificate is not checked: cameras make their own.
    """

    def __init__(self, address: Address, opening_s: float) -> None:
        self._address = address
        # No proxy of the environment, and no way to another host than the one that was named.
        self._client = httpx.Client(
            verify=False,  # noqa: S501 - cameras make their own certificates
            trust_env=False,
            timeout=httpx.Timeout(min(STALL_S, opening_s), connect=opening_s),
        )
        self._auth: httpx.Auth | None = None
        self._answer: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._held = b""

    def ask(self) -> str:
        """Ask for the address; what kind of thing comes, as `multipart/x-mixed-replace`. Raises CameraError."""
        answer = self._sent()
        if answer.status_code == 401 and self._auth is None and self._address.password is not None:
            self._auth = _auth_for(answer, self._address)
            answer = self._sent()
        if answer.is_redirect:
            there = str(answer.next_request.url if answer.next_request else "")
            raise trouble_at(self._address, Trouble.MOVED, shown=without_password(there))
        if answer.status_code != 200:
            raise status_trouble(self._address, answer.status_code)
        self._chunks = answer.iter_raw()
        return str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def chunks(self) -> Iterator[bytes]:
        """The body of the answer, in parts as they come in."""
        return self._chunks

    def read(self, size: int) -> bytes:
        """At most so many bytes of the body, as a file gives them; nothing at its end."""
        if not self._held:
            self._held = next(self._chunks, b"")
        given, self._held = self._held[:size], self._held[size:]
        return given

    def close(self) -> None:
        """Hang up, and free what the connection held."""
        if self._answer is not None:
            self._answer.close()
        self._client.close()

    def _sent(self) -> httpx.Response:
        if self._answer is not None:
            # What is left of an answer is read, or the connection could not be used again.
            self._answer.close()
        request = self._client.build_request("GET", self._address.bare)
        self._answer = self._client.send(request, auth=self._auth, stream=True)
        return self._answer


def _auth_for(answer: httpx.Response, address: Address) -> httpx.Auth:
    user, password = address.user or "", address.password or ""
    kinds = [one.lower().split(" ")[0] for one in answer.headers.get_list("www-authenticate")]
    return httpx.DigestAuth(user, password) if "digest" in kinds else httpx.BasicAuth(user, password)


def _mjpeg(camera: HttpCamera, address: Address, opening_s: float) -> Iterator[Shot]:
    jpegs, clock, reads = Jpegs(), ArrivalClock(), _Reads(address, opening_s)
    began = asked = time.monotonic()
    late_since: float | None = None
    for chunk in camera.chunks():
        arrived, inside = time.monotonic(), jpegs.inside
        clock.came(asked, arrived, inside=inside)
        began = began if inside else arrived
        found = jpegs.feed(chunk)
        for jpeg in found[-1:]:
            # Where several came at once, the last one is the fresh one; it began with what came now.
            taken = began if len(found) == 1 else arrived
            clock.complete(taken)
            if not clock.queued and arrived - taken <= LATE_S:
                late_since = None
                yield from reads.shot(jpeg, taken)
            elif arrived - (late_since := late_since or arrived) > LATE_FOR_S:
                raise trouble_at(address, Trouble.LATE)
        began = arrived if found else began
        reads.check(late=late_since is not None)
        asked = time.monotonic()
    raise trouble_at(address, Trouble.ENDED)


def _snapshots(camera: HttpCamera, address: Address, fps: float, opening_s: float) -> Iterator[Shot]:
    asked, reads = time.monotonic(), _Reads(address, opening_s)
    while True:
        jpegs = Jpegs()
        for chunk in camera.chunks():
            for jpeg in jpegs.feed(chunk):
                yield from reads.shot(jpeg, asked)
            if time.monotonic() - asked > STALL_S:
                raise trouble_at(address, Trouble.NO_ANSWER)
        reads.check()
        time.sleep(max(0.0, asked + 1 / fps - time.monotonic()))
        asked = time.monotonic()
        camera.ask()


class _Reads:
    """What comes from a camera that answers, made pictures; a camera that only answers is told apart."""

    def __init__(self, address: Address, opening_s: float) -> None:
        self._address = address
        self._patience_s = opening_s
        self._read = time.monotonic()
        self._came = False

    def shot(self, jpeg: bytes, taken: float) -> Iterator[Shot]:
        """One shot, or none of a picture that is damaged. Its size is judged by its head."""
        self._came = True
        size = size_of(jpeg)
        if size is None:
            return
        check_size(*size)
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is not None:
            self._read, self._came, self._patience_s = time.monotonic(), False, STALL_S
            yield Shot(taken, np.asarray(image, np.uint8), "MJPEG")

    def check(self, *, late: bool = False) -> None:
        """Raises CameraError where nothing that came for too long was a picture; `late`: pictures come, of which nobody
        knows yet whether they are new."""
        if not late and time.monotonic() - self._read > self._patience_s:
            raise trouble_at(self._address, Trouble.UNDECODABLE if self._came else Trouble.EMPTY)
