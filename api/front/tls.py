"""The certificate of the console: a generated one, kept in the state, or one's own."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate.clock import trusted_now
from gate.errors import UsageError
from gate.places import write_whole
from gate.processes.addresses import generated_certificate_file

_log = logging.getLogger(__name__)

_LIFE = timedelta(days=825)
_RENEW_BEFORE = timedelta(days=30)
# A clock that stands in the past at the first start must not make a certificate of the future.
_LEEWAY = timedelta(days=2)
# So often it is looked at whether the certificate is about to end, seconds.
LOOK_EVERY_S = 6 * 3600.0


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


def generated_certificate(
    state: Path, names: tuple[str, ...], now: datetime | None = None, *, trusted: bool | None = None
) -> tuple[Path, Path]:
    """The state's own self-signed certificate for `names` (hosts and addresses) and its key.

    Made anew where there is none, where it does not hold all of them, or where it is about to end; with the same key,
    so that whoever trusts the key goes on. One that is not good yet is, where the clock is not to be `trusted` (None:
    the machine's own): a board without a battery wakes in the past, and whoever trusts the certificate is to go on.
    """
    now = now or datetime.now(UTC)
    certificate = generated_certificate_file(state)
    key = certificate.with_name("key.pem")
    wanted = {str(one.value) for one in map(_general, names) if one is not None}
    sure = trusted_now() if trusted is None else trusted
    if not (_good(certificate, key, now, sure=sure) and wanted <= set(names_in(certificate))):
        certificate.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _generate(certificate, key, names, now)
    return certificate, key


async def renew_for_ever(
    shown: ssl.SSLContext, state: Path, names: tuple[str, ...], every_s: float = LOOK_EVERY_S
) -> None:
    """A gate may run for years: its own certificate is made anew before it ends, and browsers are `shown` that."""
    while True:
        await asyncio.sleep(every_s)
        try:
            shown.load_cert_chain(*await asyncio.to_thread(generated_certificate, state, names))
        except (OSError, ValueError) as error:
            _log.error("The console's certificate could not be renewed: %s", error)


def names_in(certificate: Path) -> tuple[str, ...]:
    """The hosts and addresses that a certificate is for; none where it cannot be read."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ()
    return tuple(str(one.value) for one in names if isinstance(one, x509.DNSName | x509.IPAddress))


def fingerprint(certificate: Path) -> str:
    """The SHA-256 by which a browser shows a certificate."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex(":").upper()


def _good(certificate: Path, key: Path, now: datetime, *, sure: bool) -> bool:
    try:
        own_certificate(certificate, key)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except UsageError:
        return False
    begun = found.not_valid_before_utc <= now or not sure
    return begun and now < found.not_valid_after_utc - _RENEW_BEFORE


def _general(name: str) -> x509.DNSName | x509.IPAddress | None:
    """A host or address as certificates hold it; None: they cannot."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name) if name.isascii() else None


def _private_key(key: Path) -> ec.EllipticCurvePrivateKey:
    """The one that is there, or a new one."""
    try:
        found = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        found = None
    return found if isinstance(found, ec.EllipticCurvePrivateKey) else ec.generate_private_key(ec.SECP256R1())


def _generate(certificate: Path, key: Path, names: tuple[str, ...], now: datetime) -> None:
    private = _private_key(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Facegate on {socket.gethostname()}"[:64])])
    held = [one for one in map(_general, names) if one is not None]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(held), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, content, mode in ((key, plain, 0o600), (certificate, made.public_bytes(pem), 0o640)):
        write_whole(path, content, mode)
