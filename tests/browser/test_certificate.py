"""Chromium as a kiosk: with the gate's certificate trusted it shows the screen, without it does not."""

import base64
import hashlib
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Error, sync_playwright

from gate.processes.addresses import generated_certificate_file
from tests.api_process import api_process, port_of

pytestmark = pytest.mark.whole


def visit(chromium, home, address, *more):
    """The words that the screen shows. Raises playwright's Error where the browser refuses the certificate."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(home / "profile"), executable_path=chromium, env={"HOME": str(home)},
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", *more],
        )  # fmt: skip
        try:
            page = browser.new_page()
            page.goto(f"{address}/gate")
            return page.locator("#words").inner_text()
        finally:
            browser.close()


def trust(home, certificate):
    """Into the store that Chromium reads, as an installer does."""
    if shutil.which("certutil") is None:
        pytest.skip("there is no certutil on this machine; install libnss3-tools to run this test")
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-n", "gate", "-t", "P,,", "-i", str(certificate)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *command], check=True, capture_output=True)


def key_of(certificate):
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    return base64.b64encode(
        hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def test_a_kiosk_that_trusts_the_certificate_shows_the_screen(chromium, state, models_dir, tmp_path):
    certificate = generated_certificate_file(state)
    with api_process(state, models_dir, host="127.0.0.2") as here:
        there = f"https://127.0.0.2:{port_of(here)}"
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            visit(chromium, tmp_path / "stranger", here)
        trust(tmp_path / "kiosk", certificate)
        assert visit(chromium, tmp_path / "kiosk", here)
        # The managers' address is in it too.
        assert visit(chromium, tmp_path / "kiosk", there)
        key = key_of(certificate)
    # The address changes, and with it the certificate; who holds on to the key goes on.
    with api_process(state, models_dir, host="127.0.0.3") as here:
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            visit(chromium, tmp_path / "kiosk", here)
        assert visit(chromium, tmp_path / "other", here, f"--ignore-certificate-errors-spki-list={key}")
