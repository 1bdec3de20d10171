"""The API of a running gate against its own description: no 5xx, and no answer that is not described."""

import importlib.util
import subprocess
import sys

import httpx
import pytest

from gate.processes.addresses import api_address_file
from tests.console import PASSWORD
from tests.running import gate_running, until

pytestmark = pytest.mark.soak

# What is asked of each answer. That everything a schema allows is accepted it cannot promise: that two homes hold one
# name, or what may stand in a name, no schema says.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth",
    "missing_required_header", "use_after_free",
)  # fmt: skip


def test_every_answer_is_described(models_dir, state, walk_ups):
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed: make fuzz")
    with gate_running(models_dir, state, walk_ups, FACEGATE_API__OPEN='["description"]') as process:
        until(process, "api ready")
        address = api_address_file(state).read_text().strip()
        code = (state / "run" / "api" / "owner-code").read_text().strip()
        same = {"sec-fetch-site": "same-origin"}
        with httpx.Client(base_url=address, verify=False, headers=same) as owner:  # noqa: S501 - the gate's own
            owner.post("/owner", data={"code": code, "name": "Ann", "password": PASSWORD})
            permissions = ["live", "door", "people", "record", "site", "scores"]
            token = owner.post("/api/v1/tokens", json={"name": "fuzz", "permissions": permissions}).json()["secret"]
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
                "--tls-verify", "false",
                "--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--max-examples", "30",
                "--seed", "1", "--exclude-path", "/api/v1/live",
                # It would take its own token away.
                "--exclude-path", "/api/v1/tokens/{token}", "--continue-on-failure", "--no-color",
            ],
            capture_output=True, text=True, timeout=1500, check=False,
        )  # fmt: skip
        answered = httpx.get(f"{address}/sign-in", verify=False)  # noqa: S501 - the gate's own
    print(done.stdout[-6000:])
    assert answered.status_code == 200
    assert done.returncode == 0
