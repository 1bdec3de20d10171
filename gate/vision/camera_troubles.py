"""What an error of a network camera means: one of the known troubles, told without its password."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator

import httpx

from gate.processes.camera_report import CameraError, Trouble
from gate.vision.address import Address, redacted
from gate.vision.settings import CameraSettings

_ERRNOS = {
    errno.ECONNREFUSED: Trouble.NOTHING_LISTENS,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    # What a service may not reach: only the site's own network is open to vision.
    errno.EPERM: Trouble.UNREACHABLE,
    errno.EACCES: Trouble.UNREACHABLE,
    errno.ETIMEDOUT: Trouble.NO_ANSWER,
}
_STATUSES = {
    401: Trouble.PASSWORD,
    403: Trouble.FORBIDDEN,
    404: Trouble.NOT_FOUND,
    429: Trouble.FULL,
    453: Trouble.FULL,
    461: Trouble.TRANSPORT,
}
# What FFmpeg says of an answer that makes no sense, and of one that never came.
_IN_VAIN = {"InvalidDataError", "ExitError"}
# PyAV's classes by name: a gate whose camera hangs on a cable need not load them.
_KINDS = {
    "HTTPUnauthorizedError": Trouble.PASSWORD,
    "HTTPForbiddenError": Trouble.FORBIDDEN,
    "HTTPNotFoundError": Trouble.NOT_FOUND,
    "ExitError": Trouble.NO_ANSWER,
    "InvalidDataError": Trouble.OTHER_PROTOCOL,
}


def trouble_at(address: Address, trouble: Trouble, **values: str | float) -> CameraError:
    """The error that names a trouble of the camera at this address, not yet raised; `values` fill its sentence."""
    if trouble is Trouble.PASSWORD and address.password is None:
        trouble = Trouble.NO_PASSWORD
    where: dict[str, str | float] = {"host": address.host, "port": address.port, "scheme": address.scheme.upper()}
    return CameraError(trouble, **(where | values))


def status_trouble(address: Address, status: int, transport: str = "") -> CameraError:
    """The error for a status by which a camera refused, of HTTP or RTSP, not yet raised."""
    trouble = _STATUSES.get(status, Trouble.REFUSED)
    return trouble_at(address, trouble, why=str(status), transport=transport)


def named(error: BaseException, address: Address, settings: CameraSettings, after_s: float) -> CameraError:
    """What an error of FFmpeg, of HTTP or of the kernel means, that came so long after the camera was asked."""
    for one in _causes(error):
        if type(one).__name__ in _IN_VAIN and after_s >= settings.opening_s:
            return trouble_at(address, Trouble.NO_ANSWER)
        if isinstance(one, ssl.SSLError) or _told(one)[0] == "tls":
            return trouble_at(address, Trouble.OTHER_PROTOCOL)
        if isinstance(one, OSError) and one.errno in _ERRNOS:
            return trouble_at(address, _ERRNOS[one.errno])
        if isinstance(one, httpx.TimeoutException | TimeoutError):
            return trouble_at(address, Trouble.NO_ANSWER)
        if isinstance(one, httpx.RemoteProtocolError):
            return trouble_at(address, Trouble.OTHER_PROTOCOL)
        status = _status_told(one)
        if status is not None:
            return status_trouble(address, status, settings.transport)
        if type(one).__name__ in _KINDS:
            return trouble_at(address, _KINDS[type(one).__name__])
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return trouble_at(address, Trouble.BROKEN, why=redacted(why, settings.source))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status_told(error: BaseException) -> int | None:
    """The status in what FFmpeg wrote last, where its own error knows only that it was one of many."""
    words = _told(error)[1].partition("failed: ")[2].split()
    return int(words[0]) if words and words[0].isdigit() else None


def _told(error: BaseException) -> tuple[str, str]:
    """Which part of FFmpeg wrote last before its error, and what."""
    log = getattr(error, "log", None)
    return (str(log[1]), str(log[2])) if log else ("", "")
