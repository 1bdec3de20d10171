"""From a version whose state its services could write to one whose state is root's, under a real systemd, and back."""

import re
import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY
from tests.neighbours import COMMANDS, HOSTILE, MAY, SWAPS
from tests.soak import container
from tests.soak.test_systemd import SERVICES, active, finding, until

pytestmark = pytest.mark.soak

# The last version with the database at the top of a state that its group may write, and what its OpenCV loads.
BEFORE = "3c117a8"
ITS_PACKAGES = ("libgl1", "libglib2.0-0")
STATE = "/var/lib/facegate"


@pytest.fixture(scope="module")
def box(tmp_path_factory, models_dir):
    """A bare system with the version before installed, and something in its record."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    packed = subprocess.run(["git", "archive", BEFORE], cwd=REPOSITORY, capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.skip(f"the version before, {BEFORE}, is not in this clone")
    root = tmp_path_factory.mktemp("card") / "root"
    container.bare(root, *ITS_PACKAGES)
    container.put_sources(root)
    (root / "root/before").mkdir()
    subprocess.run(["tar", "-x", "-C", str(root / "root/before")], input=packed.stdout, check=True)
    (root / "var/lib/facegate/models").mkdir(parents=True)
    shutil.copytree(models_dir / "open", root / "var/lib/facegate/models/open")
    with container.booted(root) as box:
        assert "Installed. Now set the pins" in box.run("before/systemd/install", timeout=600).stdout
        box.run("facegate", "schedules", "put", "day", "mon-sun 06:00-22:00")
        box.run("facegate", "audit", "export", "/root/record.csv")
        until(lambda: box.run("facegate", "door", "lockdown", check=False).returncode == 0, 10, "no lockdown")
        yield box
    shutil.rmtree(root)


def owner(box, path):
    return box.run("stat", "--format=%U:%G %a", f"{STATE}/{path}").stdout.strip()


def stands(box):
    """What was there before is there, and the services run."""
    until(lambda: active(box, *SERVICES) == ["active"] * 3, 20, "the gate is down")
    assert "day" in box.run("facegate", "schedules", "list").stdout
    assert "mode: lockdown" in box.run("facegate", "door", "status").stdout
    assert "verifies" in box.run("facegate", "audit", "verify", "--anchor", "/root/record.csv.anchor.json").stdout
    assert finding(box, "database")["grade"] == "ok"


def test_an_upgrade_that_fails_goes_back_to_the_old_ownership(box):
    api = box.root / "root/facegate/api/service.py"
    good = api.read_text()
    api.write_text(good.replace("    stop_with_starter()\n", "    return 3\n"))
    said = box.run("facegate/systemd/install", check=False, timeout=600)
    print(said.stdout, said.stderr)
    api.write_text(good)
    assert (said.returncode, "The upgrade failed" in said.stderr) == (1, True)
    assert owner(box, "facegate.db").endswith("facegate 660")
    assert owner(box, ".").startswith("root:facegate")
    stands(box)


def test_an_upgrade_gives_the_state_to_root_and_each_service_its_folder(box):
    said = box.run("facegate/systemd/install", timeout=600)
    print(said.stdout)
    assert "Upgraded." in said.stdout
    assert owner(box, ".") == "root:facegate 750"
    assert owner(box, "db") == "facegate-api:facegate-store 2775"
    assert owner(box, "db/facegate.db") == "facegate-api:facegate-store 664"
    assert owner(box, "door/door.json").startswith("facegate-door:")
    assert owner(box, "models/open/installed.json").startswith("facegate-models:")
    assert owner(box, "settings") == "root:root 700"
    assert box.run("ls", f"{STATE}/facegate.db", check=False).returncode != 0
    stands(box)
    assert "nothing to do" in box.run("facegate/systemd/install").stdout


def as_service(box, who, program):
    user = "nobody" if who == "stranger" else f"facegate-{who}"
    return box.run("runuser", "-u", user, "--", "/usr/bin/python3", "-c", program)


@pytest.mark.parametrize("who", ["door", "vision", "api", "stranger"])
def test_each_service_can_do_its_part_and_no_more(box, who):
    found = set(as_service(box, who, SWAPS.format(state=STATE)).stdout.splitlines())
    print(f"{who}: {', '.join(sorted(found)) or 'nothing'}")
    assert found == MAY[who]


# Who may say what on which socket: told there, refused as the wrong peer, or not let near.
MAY_SAY = {
    "door": {"door status: told", "door open: told", "door learn: wrong peer", "vision status: told",
             "vision preview: wrong peer"},
    "vision": {"door status: told", "door open: wrong peer", "door learn: told", "vision status: told",
               "vision preview: told"},
    "api": {"door status: told", "door open: told", "door learn: wrong peer", "vision status: told",
            "vision preview: told"},
    "stranger": {f"{name}: not let near" for name in ("door status", "door open", "door learn", "vision status",
                                                      "vision preview")},
}  # fmt: skip
SAYS = """
import json, socket
ASKED = [("door", "status"), ("door", "open"), ("door", "learn"), ("vision", "status"), ("vision", "preview")]
for name, what in ASKED:
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(f"/run/facegate/{name}/link.sock")
            peer.sendall(json.dumps({"do": what}).encode() + b"\\n")
            answer = json.loads(peer.makefile().readline())
    except PermissionError:
        print(f"{name} {what}: not let near")
    else:
        print(f"{name} {what}: {'wrong peer' if answer.get('reason') == 'wrong_peer' else 'told'}")
"""


@pytest.mark.parametrize("who", ["door", "vision", "api", "stranger"])
def test_each_user_is_heard_on_the_sockets_as_far_as_his_part_goes(box, who):
    found = set(as_service(box, who, SAYS).stdout.splitlines())
    print(f"{who}: {', '.join(sorted(found))}")
    assert found == MAY_SAY[who]


def test_the_console_sees_through_visions_camera_and_the_door_does_not(box):
    program = (
        "from pathlib import Path\n"
        "from gate.processes.addresses import socket_of\n"
        "from gate.processes.client import Client\n"
        f"print(Client(socket_of(Path({STATE!r}), 'vision')).ask({{'do': 'preview'}}))"
    )
    for who, answer in (("api", "'jpeg': None"), ("door", "'reason': 'wrong_peer'")):
        said = box.run("runuser", "-u", f"facegate-{who}", "--", "/opt/facegate/current/bin/python", "-c", program)
        assert answer in said.stdout


def test_a_configuration_in_the_state_is_said_not_to_be_read(box):
    (box.root / STATE[1:] / "facegate.toml").write_text('[door]\nvision_user = "nobody"\n')
    said = box.run("facegate", "settings")
    assert "door.vision_user = facegate-vision" in said.stdout
    assert "facegate.toml is not read" in said.stderr
    box.run("systemctl", "restart", "facegate-settings")
    assert '"vision_user": "facegate-vision"' in box.run("cat", f"{STATE}/settings/door.json").stdout
    (box.root / STATE[1:] / "facegate.toml").unlink()


def test_root_is_led_to_nothing_by_any_command(box):
    """What the api can leave in its folders, and then every command of root's."""
    secret = "/root/secret"
    box.run("sh", "-c", f"umask 077; mkdir -p /root/out; echo SECRET-of-root > {secret}")
    before = box.run("stat", "--format=%U %G %a %h %Y %s", secret).stdout
    box.run("cp", "-a", f"{STATE}/db", "/root/db.kept")
    box.run("systemctl", "stop", "facegate-api", "facegate-vision")
    as_service(box, "api", HOSTILE.format(state=STATE, secret=secret))
    for command in COMMANDS:
        said = box.run("facegate", *(part.format(out="/root/out", state=STATE) for part in command), check=False)
        last = (said.stdout + said.stderr).strip().splitlines() or [""]
        print(f"{' '.join(command)}: exit {said.returncode}, {last[-1][:100]}")
        assert "SECRET" not in said.stdout + said.stderr
        assert "Traceback" not in said.stderr, said.stderr
        assert box.run("stat", "--format=%U %G %a %h %Y %s", secret).stdout == before
    assert box.run("grep", "-r", "SECRET", "/root/out", check=False).stdout == ""
    box.run("sh", "-c", f"rm -rf {STATE}/db/* {STATE}/backups/planted*; cp -a /root/db.kept/. {STATE}/db/")
    box.run("systemctl", "restart", "facegate.target")
    stands(box)


def test_every_unit_is_rated_safe(box):
    for name, most in (("door", 1.5), ("api", 1.5), ("vision", 2.0), ("settings", 1.5), ("backup", 1.5)):
        said = box.run("systemd-analyze", "security", "--no-pager", f"facegate-{name}.service").stdout
        rating = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1])
        print(f"{name}: exposure {rating} (at most {most})")
        assert rating <= most
