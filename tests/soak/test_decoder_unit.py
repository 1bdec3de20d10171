"""The decoder's child under the api's own unit: it is allowed what it needs, and the api outlives it."""

import shutil
import socket

import httpx
import pytest
from PIL import Image

from tests.api_process import trusting
from tests.console import PASSWORD
from tests.faults.pictures import honest, quick
from tests.soak import container
from tests.soak.test_systemd import INSTALL, active, pid, until

pytestmark = pytest.mark.soak


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def gate(tmp_path, models_dir):
    """A booted system with the gate installed, and the address of its console."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    root, port = tmp_path / "root", free_port()
    container.bare(root)
    container.put_sources(root)
    (root / "var/lib/facegate/models").mkdir(parents=True)
    shutil.copytree(models_dir / "open", root / "var/lib/facegate/models/open")
    settings = root / "root/facegate/systemd/facegate.toml"
    settings.write_text(f"{settings.read_text('utf-8')}\n[api]\nport = {port}\n", "utf-8")
    with container.booted(root) as box:
        box.run(*INSTALL, timeout=600)
        until(lambda: active(box, "api") == ["active"], 30, "the api does not start")
        yield box, f"https://127.0.0.1:{port}"


def test_photos_are_opened_and_the_api_outlives_them(gate, photos, tmp_path):
    box, address = gate
    with Image.open(photos / "obama2.jpg") as opened:
        portrait = opened.convert("RGB").resize((313, 600))
    whole = honest(tmp_path, portrait)
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=address, verify=trusting(), timeout=120, headers=headers) as owner:

        def check(content):
            return owner.post("/api/v1/photos/checks", files={"photo": ("it.jpg", content)})

        code = box.run("cat", "/var/lib/facegate/run/api/owner-code").stdout.strip()
        made = owner.post("/owner", data={"code": code, "name": "owner", "password": PASSWORD})
        assert made.status_code == 303, made.text
        before = pid(box, "api")
        for name, content in whole.items():
            answer = check(content)
            assert answer.status_code == 200, (name, answer.text)
        broken = quick(whole)
        codes = [check(content).status_code for content in broken.values()]
        print(f"\n{len(whole)} honest, {len(broken)} hostile: { ({code: codes.count(code) for code in codes}) }")
        assert set(codes) <= {200, 422}
        # Killed as the kernel does it that has no memory left, the child is alone in its end.
        box.run("sh", "-c", f"kill -KILL $(cat /proc/{before}/task/*/children)")
        assert check(whole["pillow.jpg"]).status_code == 200
    assert pid(box, "api") == before
    assert box.run("systemctl", "show", "--property=OOMPolicy", "--value", "facegate-api").stdout.strip() == "continue"
    assert box.run("systemctl", "show", "--property=NRestarts", "--value", "facegate-api").stdout.strip() == "0"
    log = box.run("journalctl", "-u", "facegate-api", "--no-pager").stdout
    print("\n".join(log.splitlines()[-8:]))
    assert "Traceback" not in log
