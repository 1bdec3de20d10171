"""Network cameras, by whichever of the known schemes: RTSP here, HTTP in its own file."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from gate.processes.camera_report import CameraError, Trouble
from gate.vision.address import RTSP, Address, address_of
from gate.vision.camera_troubles import named, trouble_at
from gate.vision.http_camera import http_shots
from gate.vision.pictures import Shot
from gate.vision.settings import CameraSettings
from gate.vision.stream import OPTIONS, STALL_S, stream_shots

# What FFmpeg may open on behalf of an RTSP address, whatever the camera's answers say.
_PROTOCOLS = {"http": "rtp,udp,tcp,http"}
_USUAL_PROTOCOLS = "rtp,udp,tcp,tls"


def network_shots(settings: CameraSettings) -> Iterator[Shot]:
    """The pictures of the camera whose address the settings name, stamped by the monotonic clock.

    Raises CameraError, which names what is wrong and holds no password.
    """
    address, began = address_of(settings.source), time.monotonic()
    try:
        socket.getaddrinfo(address.host, address.port)
        yield from (_rtsp_shots if address.scheme in RTSP else http_shots)(address, settings)
    except CameraError:
        raise
    except socket.gaierror as error:
        raise trouble_at(address, Trouble.UNKNOWN_HOST) from error
    except ImportError as error:
        raise CameraError(Trouble.NO_CODECS) from error
    except Exception as error:
        raise named(error, address, settings, time.monotonic() - began) from error


def load() -> None:
    """Load the libraries that a network camera takes, which would else be loaded when the first one is opened.

    For whoever measures, or opens cameras while nothing may be loaded any more.
    """

    # Where they are missing, the camera's own error says it.
    with suppress(ImportError):
        import av.error
        import av.logging  # noqa: F401 - loaded now, for later

    # The codec that names of hosts go through.
    "localhost".encode("idna")
    httpx.Client(verify=False, trust_env=False).close()  # noqa: S501 - it speaks to nobody


def _rtsp_shots(address: Address, settings: CameraSettings) -> Iterator[Shot]:
    import av

    # A camera certificate is not checked, as FFmpeg has it by itself: cameras make their own.
    options = {
        **OPTIONS,
        "allowed_media_types": "video",
        # In microseconds: it would wait for the first packet as long as for the whole opening, and then once more.
        "timeout": str(round(STALL_S * 1e6)),
        # Nor does it wait for one where the description says it all.
        "max_ts_probe": "0",
        "protocol_whitelist": _PROTOCOLS.get(settings.transport, _USUAL_PROTOCOLS),
    }
    if settings.transport == "auto":
        options["rtsp_flags"] = "prefer_tcp"
    else:
        options["rtsp_transport"] = settings.transport
    began = time.monotonic()
    with _heeding_its_words():
        container = av.open(address.url, format="rtsp", options=options, timeout=(settings.opening_s, STALL_S))
    with container:
        if time.monotonic() - began >= min(STALL_S, settings.opening_s) and not _tells_its_size(container):
            # Some servers say that they play, and send nothing; the next connection is served.
            raise trouble_at(address, Trouble.NO_ANSWER)
        yield from stream_shots(container, address, settings.opening_s)
    raise trouble_at(address, Trouble.ENDED)


def _tells_its_size(container: Any) -> bool:
    """Whether anything came by which FFmpeg knows the size of the pictures."""
    stream = container.streams.best("video")
    return stream is None or stream.codec_context is None or stream.codec_context.width > 0


@contextmanager
def _heeding_its_words() -> Iterator[None]:
    """FFmpeg tells the camera's status in its log alone. It goes into the error, and, as it may hold a password, no
    further."""
    import av

    words = logging.getLogger("libav")
    words.propagate = False
    if not words.handlers:
        words.addHandler(logging.NullHandler())
    av.logging.set_level(av.logging.ERROR)
    try:
        yield
    finally:
        av.logging.set_level(None)
