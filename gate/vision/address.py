"""A camera's address: which are known, where its password goes, and how it is shown without one. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

RTSP, HTTP = ("rtsp", "rtsps"), ("http", "https")
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
HIDDEN = "***"
# Where the password from the credentials belongs in an address that carries it in its path or query.
PLACE = "{password}"

# FFmpeg keeps user and password of an RTSP address in so many bytes, and cuts the rest off.
_MOST_LOGIN = 127
_LEAST_SECRET = 3
_SECRET_VALUE = re.compile(
    r"((?:pass|pwd|psw|pw|token|secret|key|auth|sign|sid|session|cred|user|usr|login|account)[a-z]*=)[^&;/?#]*", re.I
)
# Some makers' addresses are a secret themselves: a long word of letters and digits.
_SECRET_WORD = re.compile(r"(?<=/)(?=[^/?]*[0-9])(?=[^/?]*[A-Za-z])[A-Za-z0-9]{12,}(?=[/?]|$)")
# What elsewhere would be a path: an address without its beginning or with a slash too few, or typed with wide signs.
_MISTYPED = re.compile(
    r"(rtsps?|https?)([:：]|[/／]{2})|[^/]*：[/／]|[^/.][^@:：]*[:：].*@|\d+(\.\d+){3}([:/]|$)", re.I
)
_BEGINNINGS = "a camera's address begins with rtsp://, rtsps://, http:// or https://, typed in plain signs"
_PORTED_HOST = re.compile(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^\[\]:@]+)(:[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Address:
    """A network camera's address in parts; user and password as they are typed, `path` with its query."""

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address whole, with its secrets, for whoever connects."""
        login = "" if self.user is None else quote(self.user, safe="")
        if self.password is not None:
            login += f":{quote(self.password, safe='')}"
        return f"{self.scheme}://{login}{'@' if login else ''}{self._where}{self.path}"

    @property
    def bare(self) -> str:
        """The address without user and password; what its path holds is still there."""
        return f"{self.scheme}://{self._where}{self.path}"

    @property
    def shown(self) -> str:
        """The address as anyone may see it: without login, and what looks like a secret in its path hidden."""
        path = _SECRET_WORD.sub(HIDDEN, _SECRET_VALUE.sub(rf"\g<1>{HIDDEN}", self.path))
        # An @ that is left may have ended a password.
        path = re.sub(r"^.*@", f"/{HIDDEN}@", path)
        return f"{self.scheme}://{self._where}{path}"

    @property
    def _where(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def scheme_of(source: str) -> str:
    """What stands before `://`, in small letters; empty where nothing does."""
    scheme, found, _ = source.partition("://")
    return scheme.lower() if found else ""


def on_network(source: str) -> bool:
    """Whether a camera's source is an address on the network."""
    return scheme_of(source) in PORTS


def refuse_mistyped(source: str) -> None:
    """Raises ValueError with half a sentence for what is no address, and was meant as one."""
    if "://" not in source and _MISTYPED.match(source):
        raise ValueError(_BEGINNINGS)


def address_of(source: str) -> Address:
    """The parts of a network camera's address, whose password may hold @ # / ? : as it is typed.

    Raises ValueError with half a sentence, which names nothing secret.

    >>> address_of("RTSP://gate:a#b@10.0.0.7/main").url
    'rtsp://gate:a%23b@10.0.0.7/main'
    """
    scheme = scheme_of(source)
    if scheme not in PORTS:
        raise ValueError(f"{scheme}:// is none: {_BEGINNINGS}" if scheme.isalnum() else _BEGINNINGS)
    if not source.isprintable() or " " in source:
        raise ValueError("the camera's address holds blanks or characters that cannot be seen")
    login, where = _parted(source.partition("://")[2])
    user, _, password = login.partition(":")
    if len(f"{quote(unquote(user), safe='')}:{quote(unquote(password), safe='')}") > _MOST_LOGIN:
        raise ValueError(f"the camera's user and password are too long ({_MOST_LOGIN} bytes are the most)")
    host, port = _host_and_port(f"{scheme}://{where}")
    start = re.search(r"[/?#]", where)
    return Address(
        scheme,
        unquote(user) if login else None,
        unquote(password) if ":" in login else None,
        host,
        port or PORTS[scheme],
        where[start.start() :] if start else "",
    )


def _host_and_port(address: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("the camera's address has no host, or a port that is no number") from error
    if not host:
        raise ValueError("the camera's address names no host")
    return host, port


def _parted(rest: str) -> tuple[str, str]:
    """Login and the rest; a password may hold what elsewhere ends a host."""
    first = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in rest or ("@" not in first and _PORTED_HOST.fullmatch(first)):
        return "", rest
    # After the login a host follows, and what looks most like one is it: both a password and a path may hold an @.
    hosts = {one.end(): re.split(r"[/?#]", rest[one.end() :], maxsplit=1)[0] for one in re.finditer("@", rest)}
    likely = [at for at, host in hosts.items() if _PORTED_HOST.fullmatch(host)]
    certain = [at for at in likely if re.search("[.:]", hosts[at])]
    at = (certain or likely or list(hosts))[0]
    return rest[: at - 1], rest[at:]


def with_password(source: str, password: str | None) -> str:
    """A network camera's address with the password that was kept apart from it.

    It goes behind the user, or where the address says {password}.

    >>> with_password("rtsp://gate@10.0.0.7/main", "a/b")
    'rtsp://gate:a%2Fb@10.0.0.7/main'
    """
    if not password or not on_network(source):
        return source
    if PLACE in source:
        return source.replace(PLACE, quote(password, safe=""))
    address = address_of(source)
    if address.user is None or address.password is not None:
        return source
    scheme, _, rest = source.partition("://")
    login, where = _parted(rest)
    return f"{scheme}://{login}:{quote(password, safe='')}@{where}"


def without_password(source: str) -> str:
    """A camera's source as it may be shown.

    >>> without_password("rtsp://10.0.0.7/user=gate&password=secret&channel=1")
    'rtsp://10.0.0.7/user=***&password=***&channel=1'
    """
    if "://" not in source:
        return source
    try:
        return address_of(source).shown
    except ValueError:
        scheme = scheme_of(source)
        return f"{scheme}://{HIDDEN}" if scheme.isalnum() else HIDDEN


def redacted(text: str, source: str) -> str:
    """`text` without what is secret in `source`, whoever wrote it.

    >>> redacted("rtsp://gate:a%23b@10.0.0.7/main: a#b was wrong", "rtsp://gate:a#b@10.0.0.7/main")
    'rtsp://10.0.0.7/main: *** was wrong'
    """
    if not on_network(source):
        return text
    try:
        address = address_of(source)
    except ValueError:
        return text.replace(source, without_password(source))
    for whole in (source, address.url, address.bare):
        text = text.replace(whole, address.shown)
    values = [found.group(0).partition("=")[2] for found in _SECRET_VALUE.finditer(address.path)]
    values += [found.group(0) for found in _SECRET_WORD.finditer(address.path)]
    if address.password:
        values += [address.password, quote(address.password, safe="")]
    for value in sorted(values, key=len, reverse=True):
        # Shorter ones would be found in any sentence.
        if len(value) >= _LEAST_SECRET:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, text)
    return text
