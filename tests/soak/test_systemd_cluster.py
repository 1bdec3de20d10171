"""Three brokers on installed machines: a centre and two gates that have one each, as bare systems that boot the real
systemd, joined by a switch of their own. A machine loses its power, a broker is stopped, two no longer reach one
another: the others go on."""

import os
import shutil
import subprocess
from contextlib import ExitStack

import pytest

from tests.soak import container
from tests.soak.test_systemd import active, finding, until
from tests.soak.test_systemd_compound import installed, journal, named, names_at, said

pytestmark = pytest.mark.soak

ADDRESSES = {"Office": "10.77.8.1", "North": "10.77.8.2", "East": "10.77.8.3"}


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def space(name):
    """The network of a machine; that of the switch has no name."""
    return f"facegate-{os.getpid()}-{name.lower() or 'switch'}"


@pytest.fixture(scope="module")
def machines(tmp_path_factory, models_dir):
    """The roots, by name."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    roots = {name: tmp_path_factory.mktemp(name.lower()) / "root" for name in ADDRESSES}
    installed(roots["Office"], models_dir)
    for name in ("North", "East"):
        subprocess.run(["cp", "-a", str(roots["Office"]), str(roots[name])], check=True)
    for name, root in roots.items():
        named(root, name)
    yield roots
    for root in roots.values():
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def boxes(machines):
    """All booted, each in a network of its own, at one switch."""
    with ExitStack() as stack:
        for name in ("", *ADDRESSES):
            ip("netns", "add", space(name))
            stack.callback(subprocess.run, ["ip", "netns", "del", space(name)], check=False)
        ip("-n", space(""), "link", "add", "switch", "type", "bridge")
        ip("-n", space(""), "link", "set", "switch", "up")
        for name, address in ADDRESSES.items():
            plug = f"to-{name.lower()}"
            ip("-n", space(name), "link", "add", "wire", "type", "veth", "peer", "name", plug, "netns", space(""))
            ip("-n", space(""), "link", "set", plug, "master", "switch", "up")
            ip("-n", space(name), "link", "set", "lo", "up")
            ip("-n", space(name), "addr", "add", f"{address}/24", "dev", "wire")
            ip("-n", space(name), "link", "set", "wire", "up")
        yield {
            name: stack.enter_context(container.booted(root, f"--network-namespace-path=/run/netns/{space(name)}"))
            for name, root in machines.items()
        }


@pytest.fixture(scope="module")
def cluster(boxes):
    """The three, once they are one cluster, as docs/many-gates.md has its reader set it up."""
    office = boxes["Office"]
    until(lambda: active(office, "broker", "centre") == ["active"] * 2, 60, lambda: journal(office))
    for name in ("North", "East"):
        code = said(office, "centre", "invite", "--broker", ADDRESSES[name])["code"]
        assert said(boxes[name], "join", ADDRESSES["Office"], code, "--yes")
        boxes[name].run("systemctl", "restart", "facegate.target")
    for name in ("North", "East"):
        running = lambda name=name: active(boxes[name], "broker", "centre", "link")  # noqa: E731
        until(lambda running=running: running() == ["active"] * 3, 60, lambda name=name: journal(boxes[name]))
    until(lambda: told(office)["clustered"], 90, lambda: (told(office), journal(office)))
    until(lambda: not any(one["behind"] for one in told(office)["gates"]), 60, lambda: told(office))
    return boxes


def told(office):
    return said(office, "centre", "gates", check=False)


def enrolled_everywhere(cluster, person, at):
    """Enrol somebody at the centre, until they are at these gates."""
    said(cluster["Office"], "enroll", person, "--no-face", "--unit", "3-1204")
    for name in at:
        until(lambda name=name: person in names_at(cluster[name]), 90, lambda: journal(cluster["Office"]))


def test_the_three_are_a_cluster_and_each_machine_says_that_all_is_well(cluster):
    enrolled_everywhere(cluster, "Wang Fang", ("North", "East"))
    for name, box in cluster.items():
        until(lambda box=box: finding(box, "centre")["grade"] == "ok", 30, lambda box=box: finding(box, "centre"))
        assert finding(box, "units")["grade"] == "ok", (name, finding(box, "units"))


@pytest.mark.parametrize(("lost", "stays"), [("North", "East"), ("East", "North")])
def test_a_machine_that_loses_its_power_is_named_and_the_others_go_on(cluster, lost, stays):
    cluster[lost].kill()
    enrolled_everywhere(cluster, f"Without {lost}", [stays])
    until(lambda: told(cluster["Office"])["brokers_away"] == [lost], 60, lambda: told(cluster["Office"]))
    cluster[lost]._start()
    until(lambda: f"Without {lost}" in names_at(cluster[lost]), 90, lambda: journal(cluster[lost]))
    until(lambda: told(cluster["Office"])["brokers_away"] == [], 60, lambda: told(cluster["Office"]))


def test_the_broker_of_the_centre_is_stopped_and_the_other_two_go_on(cluster):
    office = cluster["Office"]
    office.run("systemctl", "stop", "facegate-broker")
    enrolled_everywhere(cluster, "Without the own", ("North", "East"))
    until(lambda: told(office)["own_broker_away"], 60, lambda: told(office))
    office.run("systemctl", "start", "facegate-broker")
    until(lambda: not told(office)["own_broker_away"], 60, lambda: told(office))


def test_two_brokers_that_do_not_reach_one_another_keep_nobody_from_anything(cluster):
    ip("-n", space("North"), "route", "add", "blackhole", f"{ADDRESSES['East']}/32")
    try:
        for number in range(3):
            enrolled_everywhere(cluster, f"Apart {number}", ("North", "East"))
        said(cluster["East"], "enroll", "At East", "--no-face", "--unit", "3-1205")
        until(lambda: "At East" in names_at(cluster["North"]), 90, lambda: journal(cluster["North"]))
    finally:
        ip("-n", space("North"), "route", "del", "blackhole", f"{ADDRESSES['East']}/32")


def test_all_machines_lose_their_power_at_once_and_the_next_one_is_everywhere(cluster):
    for box in cluster.values():
        box.kill()
    for box in cluster.values():
        box._start()
    enrolled_everywhere(cluster, "After all", ("North", "East"))
    office = cluster["Office"]
    until(lambda: told(office)["clustered"] and not told(office)["brokers_away"], 90, lambda: told(office))
