"""A line to the broker: to one certificate alone, whatever the clock of either side says."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gate.fleet.connection import trusting


def served(folder, begins, ends):
    """What a broker has: a certificate of its own that holds between these times, as PEM, and how it serves."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(begins).not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
    (folder / "crt").write_text(pem)
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    return pem, context


async def reached(serves, trusts):
    async def hang_up(_, writer):
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=serves)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusts)
        writer.close()
    return True


@pytest.mark.parametrize("years", [-20, 20])
def test_a_wrong_clock_does_not_cut_a_gate_off_and_another_certificate_does(tmp_path, years):
    begins = datetime.now(UTC) + timedelta(days=365 * years)
    pem, serves = served(tmp_path, begins, begins + timedelta(days=365))
    assert asyncio.run(reached(serves, trusting(pem)))
    another, _ = served(tmp_path, begins, begins + timedelta(days=365))
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(reached(serves, trusting(another)))
