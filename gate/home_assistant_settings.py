"""What an installer chooses about Home Assistant, which hears of this gate over an MQTT broker of the site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gate.settings_section import NamedPath, Section


class HomeAssistantSettings(Section):
    """Home Assistant, over an MQTT broker of the site; see docs/home-assistant.md."""

    broker: str = Field("", max_length=253, pattern=r"^[0-9A-Za-z.:_-]*$")
    """The broker's name or address; empty: nothing is told to any."""

    port: int = Field(8883, ge=1, le=65535)
    """The broker's port: 8883 is usual with TLS, 1883 without."""

    tls: bool = True
    """Whether it is spoken to by TLS. Without it whoever listens on the network has the password."""

    authority: NamedPath | None = None
    """The certificate, PEM, of whoever signed the broker's, in a file that the console's service can read; absent: the
    authorities that this machine trusts."""

    user: str = Field("", max_length=128)
    """The name to sign in to the broker with; empty: none is asked for. Its password is no setting: see the docs."""

    commands: tuple[Literal["open", "lock"], ...] = ()
    """What Home Assistant may order: `open`, once; `lock`, a lockdown, which the console alone ends. Whoever may
    publish at the broker, and whoever has a login to Home Assistant, can do it then."""

    discovery: str = Field("homeassistant", min_length=1, max_length=64, pattern=r"^[\w-]+(/[\w-]+)*$")
    """The topic under which Home Assistant looks for devices."""

    language: Literal["en", "zh-CN"] = "en"
    """The language in which Home Assistant is told: `en` or `zh-CN`."""

    @model_validator(mode="after")
    def _orders_over_tls(self) -> HomeAssistantSettings:
        if self.commands and not self.tls:
            raise ValueError(
                "without TLS anybody on the network could open: leave commands empty, or set tls = true and the port"
                " on which the broker has it"
            )
        return self
