"""The centre's own secrets, in its own folder: with what it signs, how the broker knows it, and the broker's key."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from centre.cluster import BrokerKeys, pin_of
from gate.errors import UsageError
from gate.fleet.keys import new_seed
from gate.fleet.nkeys import new_nkey_seed, nkey_public
from gate.places import folder, read_plain, write_first, write_whole
from gate.processes.fields import Malformed, read, written
from gate.store.compound import gates

# Gates know the certificate itself: it never ends while the centre lives.
# And it holds whatever a board without a clock of its own takes for today.
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# So much longer than the order that the rest of the division tells nothing.
_ROUTE_BYTES = 48
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
    """What a machine is given that is more than a gate's: a second centre the first one's secrets, by which gates know
    both, and one with a broker what that needs."""

    place: str
    """Where it is reached as that."""
    secrets: Secrets | None = field(default=None, repr=False)
    broker: BrokerKeys | None = None

    @property
    def data(self) -> bytes:
        """As it goes into the invitation."""
        return json.dumps(written(self)).encode()


def hand_over(state: Path, place: str) -> HandedOver:
    """What a second centre that is reached there is given. Raises UsageError."""
    return HandedOver(place, secrets_of(state))


def hand_over_broker(state: Path, place: str) -> HandedOver:
    """What a gate is given whose machine is to have a broker that is reached there: its own key towards the others is
    drawn for it. Raises UsageError."""
    all_of_it = secrets_of(state)
    certificate, key = _signed(all_of_it, ec.generate_private_key(_CURVE))
    return HandedOver(place, broker=replace(broker_keys(all_of_it), route_certificate=certificate, route_key=key))


def handed_over(data: bytes) -> HandedOver:
    """What this machine was given. Raises UsageError."""
    try:
        given = read(HandedOver, json.loads(data))
        if (given.secrets is None) == (given.broker is None):
            raise ValueError
    except (ValueError, Malformed) as error:
        raise UsageError("What the centre sent makes no sense here. Upgrade both to the same version.") from error
    return given


def take_over(state: Path, given: HandedOver) -> None:
    """Keep what was handed over, in the place of what this machine had of its own. Raises UsageError."""
    if given.secrets is not None:
        write_private(_secrets_file(state), json.dumps(written(given.secrets)))
        _broker_file(state).unlink(missing_ok=True)
    if given.broker is not None:
        write_private(_broker_file(state), json.dumps(written(given.broker)))
        _secrets_file(state).unlink(missing_ok=True)


def broker_keys(given: Secrets) -> BrokerKeys:
    """What the broker on the centre's own machine shows."""
    centre = nkey_public(given.nkey_seed)
    certificate, key = _signed(given, _route_key(given))
    return BrokerKeys(given.certificate, given.key, centre, certificate, key, pin_of(certificate))


def broker_keys_given(state: Path) -> BrokerKeys | None:
    """What this machine was given for a broker, as a gate that follows; None: nothing. Raises UsageError."""
    path = _broker_file(state)
    try:
        return read(BrokerKeys, json.loads(read_plain(path)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be used ({error.strerror}). Say it with sudo.") from error
    except (ValueError, Malformed) as error:
        raise UsageError(f"{path} is damaged. Invite this gate anew: facegate centre invite --broker") from error


def draw_anew(state: Path) -> None:
    """Begin with other secrets: no gate believes this centre until it joined again. Raises UsageError."""
    write_private(_secrets_file(state), json.dumps(written(_draw())))


def has_secrets(state: Path) -> bool:
    """Whether this machine has a centre's secrets."""
    return _secrets_file(state).exists()


def forget_secrets(state: Path) -> None:
    """This machine is a centre no more, nor will be, and has no broker of one."""
    _secrets_file(state).unlink(missing_ok=True)
    _broker_file(state).unlink(missing_ok=True)


def _secrets_file(state: Path) -> Path:
    return centre_folder(state) / "secrets.json"


def _broker_file(state: Path) -> Path:
    return centre_folder(state) / "broker.json"


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all. Raises UsageError."""
    try:
        folder(path.parent, 0o700)
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Say it with sudo.") from error


def _draw() -> Secrets:
    private = ec.generate_private_key(_CURVE)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _begun("Facegate centre", private)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    return Secrets(new_seed(), new_seed(), new_nkey_seed(), _pem(certificate), _key_pem(private))


def _route_key(of: Secrets) -> ec.EllipticCurvePrivateKey:
    """What the broker of whoever leads shows towards the others. It follows from what no machine has that has a broker
    alone, and a second centre has: so it is the same whichever of the two leads."""
    derived = HKDF(hashes.SHA256(), _ROUTE_BYTES, salt=None, info=b"facegate route of the centre").derive(
        of.signer_seed
    )
    return ec.derive_private_key(int.from_bytes(derived, "big") % (_ORDER - 1) + 1, _CURVE)


def _signed(by: Secrets, private: ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    """A certificate of this key that the centre's own vouches for, and the key, PEM."""
    signs = serialization.load_pem_private_key(by.key.encode("ascii"), None)
    if not isinstance(signs, ec.EllipticCurvePrivateKey):
        raise UsageError("The key of this centre is none that it drew.")
    certificate = _begun("Facegate centre", private, "Facegate broker").sign(signs, hashes.SHA256())
    return _pem(certificate), _key_pem(private)


def _begun(
    issuer: str, private: ec.EllipticCurvePrivateKey, subject: str | None = None
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject or issuer))
        .issuer_name(_name(issuer))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
    )


def _name(said: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, said)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_pem(private: ec.EllipticCurvePrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
