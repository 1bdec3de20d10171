"""A line to the broker: to one certificate alone, whatever the clock of either side says."""

import asyncio
import json
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from centre.broker_service import program
from gate.fleet.connection import Line, trusting
from gate.fleet.joined import Place
from gate.fleet.nkeys import new_nkey_seed, nkey_public
from tests.fleet import free_ports


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


@pytest.mark.parametrize("dies", ["at once", "after its first words", "in the middle of TLS"])
@pytest.mark.whole
def test_a_broker_that_dies_in_the_middle_of_a_handshake_is_reached_once_it_is_back(tmp_path, dies):
    line, port = line_to_a_broker(tmp_path)
    asyncio.run(asyncio.wait_for(reached_at_last(line, port, dies, tmp_path / "conf"), 60))


def line_to_a_broker(folder):
    """A line to a broker that is to be started with the file `conf` there, and its port."""
    begins = datetime.now(UTC)
    pem, _ = served(folder, begins, begins + timedelta(days=365))
    (port,) = free_ports(1)
    keys = {"cert_file": str(folder / "crt"), "key_file": str(folder / "key")}
    seed = new_nkey_seed()
    users = {"users": [{"nkey": nkey_public(seed)}]}
    (folder / "conf").write_text(json.dumps({"listen": f"127.0.0.1:{port}", "tls": keys, "authorization": users}))
    return Line([Place("127.0.0.1", port)], pem, seed, "test", "_INBOX_test"), port


async def reached_at_last(line, port, dies, conf):
    done, met = asyncio.Event(), asyncio.Event()

    async def work(broker):
        done.set()
        await asyncio.Event().wait()

    async def die(reader, writer):
        if dies != "at once":
            writer.write(
                b'INFO {"server_id":"x","version":"2.15.1","tls_required":true,"max_payload":1000,"nonce":"x"}\r\n'
            )
            await writer.drain()
        if dies == "in the middle of TLS":
            await reader.read(10)
        met.set()
        # As the kernel does for a process that is killed.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", port)
    for_ever = asyncio.create_task(line.for_ever(work))
    await met.wait()
    server.close()
    broker = await asyncio.create_subprocess_exec(program(), "--config", conf, stderr=asyncio.subprocess.DEVNULL)
    try:
        await done.wait()
    finally:
        for_ever.cancel()
        broker.kill()
        await broker.wait()


@pytest.mark.whole
def test_a_line_that_one_ends_oneself_is_not_told_as_cut_and_one_that_the_broker_ends_is_once(tmp_path, caplog):
    line, _ = line_to_a_broker(tmp_path)
    asyncio.run(asyncio.wait_for(ended_by(line, tmp_path / "conf", caplog), 60))


async def ended_by(line, conf, caplog):
    def cuts():
        return sum("is cut" in one.message for one in caplog.records)

    there = asyncio.Queue()

    async def work(broker):
        await there.put(broker)
        await asyncio.Event().wait()

    broker = await asyncio.create_subprocess_exec(program(), "--config", conf, stderr=asyncio.subprocess.DEVNULL)
    for killed in (False, True):
        for_ever = asyncio.create_task(line.for_ever(work))
        client = await there.get()
        if killed:
            broker.kill()
            await broker.wait()
            while client.is_connected or not cuts():
                await asyncio.sleep(0.01)
        for_ever.cancel()
        await asyncio.wait([for_ever])
        assert cuts() == killed
