"""The centre's own secrets, in its own folder: with what it signs, how the broker knows it, and the broker's key."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gate.errors import UsageError
from gate.fleet.keys import new_seed
from gate.fleet.nkeys import new_nkey_seed
from gate.places import folder, read_plain, write_first, write_whole
from gate.processes.fields import Malformed, read, written
from gate.store.compound import gates

# Gates know the certificate itself: it never ends while the centre lives.
# And it holds whatever a board without a clock of its own takes for today.
_BEGINS, _ENDS = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is drawn when a centre begins, and stays: gates know it by these."""

    signer_seed: bytes = field(repr=False)
    box_seed: bytes = field(repr=False)
    """What opens what gates seal to the centre."""
    nkey_seed: str = field(repr=False)
    certificate: str
    """The broker's, PEM, which is its own."""
    key: str = field(repr=False)


def centre_folder(state: Path) -> Path:
    """Where a centre keeps what is its own."""
    return state / "centre"


class KeysLost(UsageError):
    """Gates follow this centre, and what they know it by is gone."""


def secrets_for(state: Path, connection: sqlite3.Connection) -> Secrets:
    """The secrets of the centre whose store this is, drawn as long as no gate knows it by others. Raises KeysLost,
    UsageError."""
    return secrets_of(state) if gates.every(connection) else first_secrets(state)


def first_secrets(state: Path) -> Secrets:
    """The centre's secrets, drawn when they are asked for first. Raises UsageError."""
    path = _secrets_file(state)
    try:
        # Broker, centre and an invitation may be the first at once.
        if not path.exists():
            folder(path.parent, 0o700)
            write_first(path, json.dumps(written(_draw())).encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be used ({error.strerror}). Say it with sudo.") from error
    return secrets_of(state)


def secrets_of(state: Path) -> Secrets:
    """The centre's secrets. Raises KeysLost, UsageError."""
    path = _secrets_file(state)
    try:
        return read(Secrets, json.loads(read_plain(path)))
    except FileNotFoundError as error:
        raise KeysLost(
            f"{path} is missing: this centre's keys are lost, and its gates believe no others. Bring the file back,"
            " from what was kept of this machine or from the second centre's; or begin with new keys, and join every"
            " gate again: sudo facegate centre new-keys"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be used ({error.strerror}). Say it with sudo.") from error
    except (ValueError, Malformed) as error:
        raise UsageError(
            f"{path} is damaged. Bring it back from where this centre ran before; without it every gate is paired anew."
        ) from error


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a second centre is given: the first one's secrets, by which gates know both, and where it is reached."""

    place: str
    secrets: Secrets = field(repr=False)


def hand_over(state: Path, place: str) -> bytes:
    """What a second centre that is reached there is given. Raises UsageError."""
    return json.dumps(written(HandedOver(place, secrets_of(state)))).encode()


def handed_over(data: bytes) -> HandedOver:
    """What this second centre was given. Raises UsageError."""
    try:
        return read(HandedOver, json.loads(data))
    except (ValueError, Malformed) as error:
        raise UsageError("What the first centre sent makes no sense here. Upgrade both to the same version.") from error


def take_over(state: Path, given: HandedOver) -> None:
    """Keep the first centre's secrets in the place of this machine's own. Raises UsageError."""
    write_private(_secrets_file(state), json.dumps(written(given.secrets)))


def draw_anew(state: Path) -> None:
    """Begin with other secrets: no gate believes this centre until it joined again. Raises UsageError."""
    write_private(_secrets_file(state), json.dumps(written(_draw())))


def has_secrets(state: Path) -> bool:
    """Whether this machine has a centre's secrets."""
    return _secrets_file(state).exists()


def forget_secrets(state: Path) -> None:
    """This machine is a centre no more, nor will be."""
    _secrets_file(state).unlink(missing_ok=True)


def _secrets_file(state: Path) -> Path:
    return centre_folder(state) / "secrets.json"


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all. Raises UsageError."""
    try:
        folder(path.parent, 0o700)
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Say it with sudo.") from error


def _draw() -> Secrets:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Facegate centre")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secrets(
        new_seed(),
        new_seed(),
        new_nkey_seed(),
        certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        pem.decode("ascii"),
    )
