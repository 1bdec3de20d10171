"""A compound on installed machines: two bare systems that boot the real systemd, joined by a wire of their own. The
processes of centre and gate run as the users that the installer made, and meet at sockets, files and a network."""

import json
import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest

from tests.soak import container
from tests.soak.test_systemd import active, finding, until

pytestmark = pytest.mark.soak

OFFICE, NORTH = "10.77.9.1", "10.77.9.2"
PASSWORD = "correct horse battery"


def installed(office, models_dir):
    """The root of a machine on which the installer ran, as before it was ever started, with all that a centre and a
    gate that follows need."""
    container.bare(office)
    container.put_sources(office)
    state = office / "var/lib/facegate"
    (state / "models").mkdir(parents=True)
    shutil.copytree(models_dir / "open", state / "models/open")
    with container.booted(office) as box:
        said = box.run("facegate/systemd/install", "--with", "centre", "--with", "fleet", timeout=900).stdout
        assert "Installed." in said
        box.run("systemctl", "stop", "facegate.target")
    for kept in (one for one in state.glob("*/*") if one.parent.name not in ("models", "run")):
        if kept.is_dir() and not kept.is_symlink():
            shutil.rmtree(kept)
        else:
            kept.unlink()
    (office / "etc/machine-id").write_text("")


def named(root, name):
    """What the installer of a machine writes of it: Office is the centre."""
    config = root / "etc/facegate/facegate.toml"
    more = "\n[centre]\nenabled = true\n" if name == "Office" else ""
    config.write_text(config.read_text().replace('gate = "gate"', f'gate = "{name}"') + more)


@pytest.fixture(scope="module")
def machines(tmp_path_factory, models_dir):
    """Roots of two machines: a centre and a gate."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    office, north = (tmp_path_factory.mktemp(name) / "root" for name in ("office", "north"))
    installed(office, models_dir)
    subprocess.run(["cp", "-a", str(office), str(north)], check=True)
    named(office, "Office")
    named(north, "North")
    yield office, north
    for root in (office, north):
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def compound(machines):
    """Both, booted, each in a network of its own with a wire between."""
    names = [f"facegate-{name}-{os.getpid()}" for name in ("office", "north")]

    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    with ExitStack() as stack:
        for name in names:
            ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
        ip("-n", names[0], "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", names[1])
        for name, address in zip(names, (OFFICE, NORTH), strict=True):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "wire")
            ip("-n", name, "link", "set", "wire", "up")
        yield [
            stack.enter_context(container.booted(root, f"--network-namespace-path=/run/netns/{name}"))
            for root, name in zip(machines, names, strict=True)
        ]


@pytest.fixture(scope="module")
def following(compound):
    """Both, and North follows."""
    office, north = compound
    until(lambda: active(office, "broker", "centre") == ["active"] * 2, 60, lambda: journal(office))
    code = said(office, "centre", "invite")["code"]
    assert said(north, "join", OFFICE, code, "--yes")
    north.run("systemctl", "restart", "facegate.target")
    until(lambda: active(north, "link") == ["active"], 60, lambda: journal(north))
    until(lambda: not gate_at(office)["behind"], 60, lambda: gate_at(office))
    return office, north


def said(box, *words, check=True):
    return json.loads(box.run("facegate", *words, "--json", check=check).stdout.splitlines()[-1])


def gate_at(office):
    """What the centre says of the gate that follows it."""
    (found,) = said(office, "centre", "gates", check=False)["gates"]
    return found


def journal(box):
    return box.run(
        "journalctl", "-t", "facegate-centre", "-t", "facegate-broker", "-t", "facegate-link", "-n", "30"
    ).stdout


def names_at(box):
    return sorted(one["name"] for one in said(box, "residents", "list")["residents"])


def test_the_units_of_a_compound_verify_and_are_rated_safe(following):
    office, _ = following
    units = [f"facegate-{name}.service" for name in ("broker", "centre", "link", "errand")]
    found = office.run("systemd-analyze", "verify", "facegate-errand.path", *units)
    assert found.stdout + found.stderr == ""
    for unit in units:
        told = office.run("systemd-analyze", "security", "--no-pager", unit).stdout
        rating = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told)[1])
        print(f"{unit}: exposure {rating} (at most 2.0)")
        assert rating <= 2.0


def test_whoever_is_enrolled_at_the_centre_is_at_the_gate_and_who_is_erased_is_gone(following):
    office, north = following
    said(office, "enroll", "Wang Fang", "--no-face", "--unit", "3-1204")
    until(lambda: names_at(north) == ["Wang Fang"], 20, "not there")
    said(north, "enroll", "Li Na", "--no-face", "--unit", "3-1205")
    until(lambda: names_at(office) == ["Li Na", "Wang Fang"], 20, "not at the centre")
    said(north, "residents", "remove", "Wang Fang", "--yes")
    until(lambda: names_at(office) == names_at(north) == ["Li Na"], 20, "still at the centre")
    until(lambda: len(said(office, "centre", "forgotten", check=False)["residents"]) == 1, 20, "it is not told")
    until(lambda: said(office, "centre", "forgotten")["residents"][0]["missing"] == [], 20, "it is not proved")


SIGN_IN = """
import http.cookiejar, json, ssl, sys, urllib.request
insecure = ssl.create_default_context()
insecure.check_hostname, insecure.verify_mode = False, ssl.CERT_NONE
asks = urllib.request.build_opener(
    urllib.request.HTTPSHandler(context=insecure), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
asks.addheaders = [("Sec-Fetch-Site", "same-origin")]
asks.open("https://127.0.0.1:8443/sign-in", sys.argv[1].encode())
for path, body in json.loads(sys.argv[2]):
    given = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"https://127.0.0.1:8443{path}", given, {"Content-type": "application/json"})
    print(asks.open(asked).read().decode())
"""


@pytest.fixture(scope="module")
def owner(following):
    """A function that asks the centre's API, as its owner, on its own machine."""
    office, _ = following
    office.run("facegate", "users", "add", "boss", "--role", "owner", "--password", PASSWORD, "--keep-password")

    def ask(path, body=None):
        form = urlencode({"name": "boss", "password": PASSWORD})
        asked = json.dumps([[path, body]])
        return json.loads(office.run("/opt/facegate/current/bin/python", "-c", SIGN_IN, form, asked).stdout)

    return ask


def test_the_console_of_the_centre_sees_the_gates_door_and_orders_of_it(following, owner):
    _, north = following
    door = lambda: owner("/api/v1/gates")[1]["door"]  # noqa: E731
    until(lambda: door() is not None and door()["mode"] == "normal", 40, lambda: owner("/api/v1/gates"))
    order = owner("/api/v1/gates/orders", {"what": "lockdown", "gates": None})
    until(
        lambda: set(owner(f"/api/v1/gates/orders/{order['number']}")["gates"].values()) == {"done"}, 20,
        lambda: owner(f"/api/v1/gates/orders/{order['number']}"),
    )  # fmt: skip
    assert said(north, "door", "status")["mode"] == "lockdown"
    assert owner("/api/v1/gates/orders", {"what": "release", "gates": None})["what"] == "release"
    until(lambda: said(north, "door", "status")["mode"] == "normal", 20, "it is locked down still")


ASK_CAMERA = """
import sys
from pathlib import Path
from gate.fleet.cameras import Asks, AtGate, Question
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.processes.fields import written
asked = AtGate(sys.argv[1], Question(Asks.LOOK, "user x", "x", key="none"))
print(Client(socket_of(Path("/var/lib/facegate"), "centre"), timeout_s=20).ask(written(asked)))
"""


def test_a_question_to_the_gates_camera_goes_through_both_sockets_and_nobody_elses_does(following):
    office, north = following
    python = ("/opt/facegate/current/bin/python", "-c", ASK_CAMERA, gate_at(office)["id"])
    as_api = office.run("runuser", "-u", "facegate-api", "-g", "facegate", "--", *python)
    # The gate's own console answered: nothing was begun under that key.
    assert "'over'" in as_api.stdout
    as_vision = office.run("runuser", "-u", "facegate-vision", "-g", "facegate", "--", *python, check=False)
    assert "'over'" not in as_vision.stdout
    asks_api = ASK_CAMERA.replace('"centre"', '"api"').replace("written(asked)", "written(asked.question)")
    given = ("/opt/facegate/current/bin/python", "-c", asks_api, "x")
    as_link = north.run("runuser", "-u", "facegate-link", "-g", "facegate", "--", *given)
    assert "'over'" in as_link.stdout
    as_readers = north.run("runuser", "-u", "facegate-readers", "-g", "facegate", "--", *given, check=False)
    assert "'over'" not in as_readers.stdout


def test_centre_and_link_see_no_more_than_their_part(following):
    office, north = following
    for box, name in ((office, "centre"), (north, "link")):
        pid = box.run("systemctl", "show", "--property=MainPID", "--value", f"facegate-{name}").stdout.strip()
        inside = ("nsenter", "-t", pid, "-m", "runuser", "-u", f"facegate-{name}", "--")
        for path in ("/etc/facegate/mine", "/var/lib/facegate/models/mine", "/run/facegate/door/mine"):
            assert re.search("Read-only|denied", box.run(*inside, "touch", path, check=False).stderr), (name, path)
        assert "denied" in box.run(*inside, "cat", "/var/lib/facegate/door/code.key", check=False).stderr
        ask = (
            "from pathlib import Path; from gate.processes.addresses import socket_of;"
            " from gate.processes.client import Client;"
            " print(Client(socket_of(Path('/var/lib/facegate'), 'door')).ask({'do': 'open'}))"
        )
        python = ("/opt/facegate/current/bin/python", "-c", ask)
        answer = box.run("runuser", "-u", f"facegate-{name}", "-g", "facegate", "--", *python, check=False)
        assert "'granted': True" not in answer.stdout, name


def test_both_go_on_after_a_power_cut_and_the_doctor_has_nothing_to_say_of_the_compound(following):
    office, north = following
    for box in (office, north):
        box.kill()
        box._start()
    said(office, "enroll", "Zhao Min", "--no-face", "--unit", "3-1206")
    until(lambda: "Zhao Min" in names_at(north), 90, lambda: journal(north))
    for box in (office, north):
        assert finding(box, "units")["grade"] == "ok", finding(box, "units")
        assert finding(box, "centre")["grade"] == "ok", finding(box, "centre")


def test_a_gate_that_is_removed_says_so_and_leaves(following):
    office, north = following
    office.run("facegate", "centre", "remove", "North", "--yes", check=False)
    until(lambda: said(office, "centre", "gates", check=False)["gates"] == [], 20, "it is there still")
    left = north.run("facegate", "leave", "--yes", check=False)
    assert left.returncode == 0, left.stdout + left.stderr
    north.run("systemctl", "restart", "facegate.target")
    until(lambda: active(north, "link", "door") == ["inactive", "active"], 40, "the link runs still")
    # It goes on by itself with whom it had.
    assert names_at(north) == ["Li Na", "Zhao Min"]


ASK = """
import json, sys
from pathlib import Path
from gate.fleet import errands
more = json.loads(sys.argv[2])
errands.ask(Path("/var/lib/facegate"), errands.errand(errands.Deed(sys.argv[1]), "user x", **more))
"""


def asked(box, deed, user="facegate-api", **more):
    """What the console's user asks of the unit, as the console does; what was told when it ended."""
    python = ("/opt/facegate/current/bin/python", "-c", ASK, deed, json.dumps(more))
    box.run("runuser", "-u", user, "-g", "facegate", "--", *python)
    told = lambda: json.loads(box.run("cat", "/run/facegate/api/errand-told.json", check=False).stdout or "{}")  # noqa: E731
    until(
        lambda: (told().get("deed"), told().get("phase")) in ((deed, one) for one in ENDED),
        90,
        lambda: (told(), errand_journal(box)),
    )
    return told()


ENDED = ("invited", "follows", "left", "refused", "broken")


def errand_journal(box):
    return box.run("journalctl", "-t", "facegate-errand", "-t", "systemd", "-n", "30").stdout


def test_a_gate_is_invited_follows_and_leaves_as_the_consoles_ask_for_it(following):
    """After the last test here North follows nobody; the unit does it, and has the services started anew."""
    office, north = following
    invited = asked(office, "invite")
    assert invited["phase"] == "invited", invited
    assert len(invited["code"]) == 14
    before = north.run("systemctl", "show", "--property=MainPID", "facegate-door").stdout
    told = asked(north, "join", address=OFFICE, port=7423, code=invited["code"].replace("-", ""))
    if told["phase"] == "refused":
        raise AssertionError((told, errand_journal(north)))
    assert told["phase"] == "follows"
    until(lambda: active(north, "link", "door", "api") == ["active"] * 3, 60, lambda: errand_journal(north))
    until(lambda: not gate_at(office)["behind"], 60, lambda: gate_at(office))
    assert north.run("systemctl", "show", "--property=MainPID", "facegate-door").stdout != before
    # Of the doors' key no file that the console can read has a word, and its answer is its own.
    assert north.run("stat", "-c", "%U %a", "/run/facegate/api/errand-told.json").stdout.split() == [
        "facegate-api",
        "600",
    ]
    assert north.run("stat", "-c", "%U %a", "/var/lib/facegate/door/code.key").stdout.split() == [
        "facegate-door",
        "600",
    ]
    assert north.run("stat", "-c", "%U", "/var/lib/facegate/link/centre.json").stdout.split() == ["facegate-link"]
    told = asked(north, "leave", forget=True)
    assert told["phase"] == "left", told
    # The services are started anew after that is told, and nobody waits for them.
    until(lambda: active(north, "link") == ["inactive"], 60, lambda: errand_journal(north))
    until(lambda: active(north, "door", "api") == ["active"] * 2, 60, lambda: errand_journal(north))
    # Another service cannot ask: the folder is the console's.
    python = ("/opt/facegate/current/bin/python", "-c", ASK, "leave", "{}")
    refused = north.run("runuser", "-u", "facegate-vision", "-g", "facegate", "--", *python, check=False)
    assert "PermissionError" in refused.stderr
