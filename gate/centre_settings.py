"""What an installer chooses about a centre: the machine from which many gates have one register."""

from __future__ import annotations

import ipaddress

from pydantic import Field, field_validator

from gate.settings_section import Section


class CentreSettings(Section):
    """Where gates reach the centre. It counts on the centre's machine alone; see docs/many-gates.md."""

    enabled: bool = False
    """Whether this machine is the centre of several gates, and so runs the broker and publishes the register."""

    port: int = Field(7422, ge=1, le=65535)
    """The port of the register's broker, which every gate keeps a line to."""

    pairing_port: int = Field(7423, ge=1, le=65535)
    """The port at which a gate is paired while an invitation holds."""

    cluster_port: int = Field(7424, ge=1, le=65535)
    """The port at which the brokers of a compound that has three reach one another, the same on all three machines."""

    listen: str = Field("0.0.0.0", min_length=1, pattern=r"^[0-9A-Fa-f:.]+$")  # noqa: S104 - gates come from elsewhere
    """The address of this machine on which they are offered."""

    invite_on_page: bool = True
    """Whether an owner may draw an invitation on this centre's console, and not on the machine alone. A console that
    was taken over could so take in a gate of its own, which is on the list and on record, and knows by what PINs and
    cards are found."""

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        try:
            ipaddress.ip_address(listen)
        except ValueError as error:
            raise ValueError("it is one address of this machine, such as 10.0.0.2; 0.0.0.0 is all of them") from error
        return listen
