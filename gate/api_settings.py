"""What an installer chooses about the console, the API, their webhooks and the screen at the gate."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gate.settings_section import NamedPath, Section

# No end of all digits: that is a mistyped address.
_NAME_OF_HOST = re.compile(r"(?:[\w-]+\.)*(?!0[xX])[\w-]*[A-Za-z][\w-]*\.?", re.ASCII)


class ScreenSettings(Section):
    """The screen at the gate."""

    language: Literal["", "en", "zh-CN"] = ""
    """The language it speaks, `en` or `zh-CN`; empty: that of its browser."""

    second_language: Literal["", "en", "zh-CN"] = ""
    """One in which it says the same below, at the same time, smaller where both have no room; empty: none."""

    sound: float = Field(0.5, ge=0.0, le=1.0)
    """How loud it is, from 0 to 1; 0: it makes no sound. Each kind of answer has its own."""

    name: bool = False
    """Whether it greets by name: whoever stands near reads it too."""

    unknown: str = Field("", max_length=60)
    """What it says to somebody it does not know; empty: "Not known here" in the screen's language."""

    unknown_advice: str = Field("", max_length=100)
    """What it advises them to do, such as "Please ring the guard, 8001"; empty: to take another way in."""

    bell_button: bool = False
    """Whether it has a button to touch that rings the bell of `door.bell`: for a touch screen."""

    @model_validator(mode="after")
    def _speaks_two_languages(self) -> ScreenSettings:
        if self.second_language and self.second_language == (self.language or self.second_language):
            raise ValueError("second_language stands below another one; name that in language, or leave both empty")
        return self


class ApiSettings(Section):
    """The console and the API."""

    host: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 is for this machine alone, its address on the site's network for others too.
    On 127.0.0.1 it listens in any case: the screen at the gate asks there."""

    hosts: tuple[Annotated[str, Field(pattern=r"^[^\s/@]+$", max_length=253)], ...] = ()
    """More names and addresses by which browsers call the gate (`gate.example.org`). It knows by itself `host`, the
    machine's name, the same with `.local`, `localhost`, and the names in your certificate; to others it does not
    answer."""

    open: tuple[Literal["metrics", "description"], ...] = ()
    """What is told without a login or a token: `metrics`, `/metrics` to programs on this machine; `description`, the
    API's description `/api/v1/openapi.json` to everybody."""

    port: int = Field(8443, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and prints it."""

    tls: Literal["generated", "own", "off"] = "generated"
    """`generated`: a certificate of the gate's own making; `own`: yours; `off`: none, on this machine alone."""

    certificate: NamedPath | None = None
    """Your certificate with its chain, PEM."""

    key: NamedPath | None = None
    """Its key, PEM, not encrypted."""

    @field_validator("host")
    @classmethod
    def _is_one_place(cls, host: str) -> str:
        # The system takes more for an address: nothing for all there are, "192.168.1" for 192.168.0.1, wide digits.
        host = host.strip()
        if not (host.isascii() and (_is_address(host) or _NAME_OF_HOST.fullmatch(host))):
            raise ValueError("it is one address, such as 192.168.1.20, without https:// before and a port behind it")
        return host

    @model_validator(mode="after")
    def _is_consistent(self) -> ApiSettings:
        if (self.tls == "own") != (self.certificate is not None and self.key is not None):
            raise ValueError('certificate and key belong to tls = "own"; give both, or neither')
        if self.tls == "off" and not _is_loopback(self.host):
            raise ValueError("without TLS passwords would cross the network; set host to 127.0.0.1 or leave tls on")
        return self


class WebhooksSettings(Section):
    """Where the gate sends what happens."""

    allow: tuple[Annotated[str, Field(pattern=r"^[^\s/@]+(/\d+)?$", max_length=253)], ...] = ()
    """Receivers that are refused otherwise: addresses, networks (`127.0.0.1`, `169.254.0.0/16`) or names of hosts. The
    gate's own addresses, link-local and multicast ones are; those of the site's private networks are not."""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposure(host: str) -> str | None:
    """What is wrong with letting the console listen there; None: it stays on the site's own network.

    >>> exposure("192.168.1.20") is None
    True
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        return "The console listens on every address of this machine. Name that of the site's own network in api.host."
    if address.is_global:
        return f"The console listens on {host}, where the whole internet reaches it. Name a local address in api.host."
    return None
