"""Three brokers in the place of one: which they are, how they know one another, and what each is told of it.

Between them they go by what NATS calls routes, over TLS. Each shows a certificate of its own, whose key was drawn at
the centre and handed over in the invitation, and takes none but those of the other two: whoever is taken away is none
of them any more. By the certificate that all of them show to gates none is taken, since whoever was taken away has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gate.fleet.joined import Place, place_of
from gate.store.compound.gates import Gate

MOST = 3
"""So many brokers there are in a cluster, or one alone: of two, both would be needed."""
_CENTRE = "facegate-centre"
_NAME = "facegate"


@dataclass(frozen=True, slots=True)
class BrokerKeys:
    """What a broker of a compound shows, and as whom it lets the centre in. All PEM but `centre`."""

    certificate: str
    """That of all brokers of the compound, which gates believe."""
    key: str = field(repr=False)
    centre: str
    """By which a broker knows the centre: the public half of its nkey."""
    route_certificate: str
    """That of this one towards the others."""
    route_key: str = field(repr=False)
    centre_pin: str
    """By which the others know the broker of whoever leads: the SHA-256 of its public key towards them, hexadecimal."""
    gate: str | None = None
    """The id of the gate on whose machine it is; None: the centre's own."""
    centre_at: str | None = None
    """The address of the centre's machine; None: it is this one."""

    @property
    def name(self) -> str:
        """What it is called among the others."""
        return name_of(self.gate)


def name_of(gate: str | None) -> str:
    """What the broker on a gate's machine is called, and what that on the centre's."""
    return _CENTRE if gate is None else f"{_NAME}-{gate}"


def pin_of(certificate: str) -> str:
    """By which a certificate (PEM) is known: the SHA-256 of its public key, hexadecimal. Raises ValueError."""
    public = x509.load_pem_x509_certificate(certificate.encode("ascii")).public_key()
    plain = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(plain).hexdigest()


def is_whole(gates: Sequence[Gate]) -> bool:
    """Whether the machines of these gates have as many brokers as make a cluster with the centre's own."""
    return len(gates) == MOST - 1


def routes(keys: BrokerKeys, brokers: Sequence[Gate], port: int) -> list[Place]:
    """Where the other brokers of the cluster are reached by this one; `brokers` are the gates that have one."""
    hosts = [] if keys.centre_at is None else [keys.centre_at]
    hosts += [place_of(str(one.broker_at)).address for one in brokers if one.id != keys.gate]
    return [Place(host, port) for host in hosts]


def members(keys: BrokerKeys, brokers: Sequence[Gate]) -> str:
    """One word for just these three: others keep nothing in common with them."""
    named = (f"{name_of(one.id)} {one.broker_pin}" for one in brokers)
    return hashlib.sha256("\n".join([keys.centre_pin, *sorted(named)]).encode()).hexdigest()[:16]


def told(keys: BrokerKeys, brokers: Sequence[Gate], listen: str, port: int, files: dict[str, str]) -> dict[str, Any]:
    """What this broker is told of the cluster; `listen` as an address is written before a port, `files` where its own
    certificate and key lie, and that of all."""
    pins = [keys.centre_pin, *(str(one.broker_pin) for one in brokers)]
    return {
        "name": _NAME,
        "listen": f"{listen}:{port}",
        # Gates are told by the centre where to look.
        "no_advertise": True,
        "routes": [f"nats-route://{one}" for one in routes(keys, brokers, port)],
        "tls": {
            **files,
            "verify": True,
            # Who it is says the pin, and no name.
            "insecure": True,
            "pinned_certs": sorted(pins),
            "min_version": "1.3",
            "timeout": 5,
        },
    }
