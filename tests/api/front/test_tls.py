"""The gate's own certificate is made anew before it ends, and whoever connects then is shown the new one."""

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from api.front.tls import generated_certificate, renew_for_ever


async def renewed(shown, state, names, until):
    """What a client of that server is shown, once `until` says that it is the one, or after ten seconds."""
    renewing = asyncio.create_task(renew_for_ever(shown, state, names, every_s=0.02))
    try:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=shown) as server:
            address = server.sockets[0].getsockname()[:2]
            async with asyncio.timeout(10):
                while not until(seen := await asyncio.to_thread(ssl.get_server_certificate, address)):
                    await asyncio.sleep(0.02)
            return seen
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


def test_a_server_that_goes_on_shows_the_certificate_that_was_made_anew(state):
    two_years_ago = datetime.now(UTC) - timedelta(days=820)
    certificate, key = generated_certificate(state, ("localhost",), two_years_ago)
    old = certificate.read_text("ascii")
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certificate, key)
    seen = asyncio.run(renewed(shown, state, ("localhost",), lambda seen: seen != old))
    assert seen == certificate.read_text("ascii")
    ends = x509.load_pem_x509_certificate(seen.encode()).not_valid_after_utc
    assert ends > datetime.now(UTC) + timedelta(days=700)


@pytest.mark.parametrize(("trusted", "same"), [(False, True), (True, False)])
def test_a_board_that_wakes_in_the_past_shows_the_certificate_that_is_trusted(state, trusted, same):
    certificate, _ = generated_certificate(state, ("localhost",))
    before = certificate.read_bytes()
    generated_certificate(state, ("localhost",), datetime.now(UTC) - timedelta(days=1000), trusted=trusted)
    assert (certificate.read_bytes() == before) is same
    generated_certificate(state, ("localhost", "gate"), datetime.now(UTC) - timedelta(days=1000), trusted=trusted)
    assert certificate.read_bytes() != before, "it holds another name"
