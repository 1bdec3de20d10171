"""The certificate of the console: a generated one, kept in the state, or one's own."""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate.errors import UsageError
from gate.link import generated_certificate_file

_LIFE = timedelta(days=825)
_RENEW_BEFORE = timedelta(days=30)
# A clock that stands in the past at the first start must not make a certificate of the future.
_LEEWAY = timedelta(days=2)


def own_certificate(certificate: Path, key: Path) -> tuple[Path, Path]:
    """One's own certificate, looked at. Raises UsageError where it cannot be used."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be read ({error.strerror}); mend api.certificate or api.key."
        ) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{certificate} and {key} are no PEM certificate and unencrypted key; mend api.certificate or api.key."
        ) from error
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    encoding = serialization.Encoding.DER
    if found.public_key().public_bytes(encoding, public) != private.public_key().public_bytes(encoding, public):
        raise UsageError(f"The key {key} does not belong to the certificate {certificate}.")
    return certificate, key


def generated_certificate(state: Path, now: datetime | None = None) -> tuple[Path, Path]:
    """The state's own self-signed certificate and key, made where there is none or it is about to end."""
    now = now or datetime.now(UTC)
    certificate = generated_certificate_file(state)
    key = certificate.with_name("key.pem")
    if not _good(certificate, key, now):
        certificate.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _generate(certificate, key, now)
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """The SHA-256 by which a browser shows a certificate."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex(":").upper()


def _good(certificate: Path, key: Path, now: datetime) -> bool:
    try:
        own_certificate(certificate, key)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except UsageError:
        return False
    return found.not_valid_before_utc <= now < found.not_valid_after_utc - _RENEW_BEFORE


def _generate(certificate: Path, key: Path, now: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Facegate on {host}"[:64])])
    names = [x509.DNSName(one) for one in dict.fromkeys((host, f"{host}.local", "localhost")) if one.isascii()]
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, content, mode in ((key, plain, 0o600), (certificate, made.public_bytes(pem), 0o640)):
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
