"""A centre and gates that follow it, each with a state and processes of its own, on this machine's loopback."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nats
from click.testing import CliRunner

from centre.secrets import secrets_of
from commands.cli import facegate
from gate.config import load_settings, parts_of
from gate.fleet.connection import trusting
from gate.fleet.status import read_status
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.compound import items
from gate.store.database import open_database
from gate.store.people.passes import text_of
from tests.conftest import REPOSITORY
from tests.door import FAST, ON_A_CLOCK
from tests.running import wait_for

MODULES = {
    "door": "gate.door.service", "link": "gate.fleet.service", "broker": "centre.broker_service",
    "centre": "centre.service", "api": "api.service", "vision": "gate.vision.service",
}  # fmt: skip
# A busy machine takes its time to load a program.
READY_WITHIN_S = 90


def free_ports(count):
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in taken]


def command(*arguments, **environment):
    """What a command of facegate prints for machines."""
    done = CliRunner(env=environment).invoke(facegate, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout.splitlines()[-1])


def refused(*arguments):
    """The sentence with which a command says no."""
    done = CliRunner().invoke(facegate, [*map(str, arguments), "--json"])
    assert done.exit_code != 0, done.output
    return str(done.exception)


class Process:
    """One process of a gate, which can be ended and started again. What it says goes into a file in `logs`, where that
    is given; `before` is a command that starts it, `program` stands in the place of its own, and `code` is the folder
    of its version."""

    def __init__(self, state, name, given, logs=None, before=(), program=None, code=REPOSITORY):
        self.state, self.name, self.given = Path(state), name, {"state": str(state), **given}
        self._logs, self._before, self._program = logs, before, program or ["-m", MODULES[name]]
        self.code, self.running = code, None
        self.start()

    def start(self):
        address = self.state / f"notify.{self.name}"
        address.unlink(missing_ok=True)
        address.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            notified = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            notified.bind(str(address))
            notified.settimeout(READY_WITHIN_S)
            said = None
            if self._logs is not None:
                said = stack.enter_context((self._logs / f"{self.state.name}.{self.name}.log").open("a"))
            self.running = subprocess.Popen(
                [*self._before, sys.executable, *self._program], stdin=subprocess.PIPE, text=True, cwd=self.code,
                env=os.environ | {"NOTIFY_SOCKET": str(address)}, stdout=said, stderr=said,
            )  # fmt: skip
            self.running.stdin.write(json.dumps(self.given) + "\n")
            self.running.stdin.flush()
            assert b"READY=1" in notified.recv(200)

    def end(self, kill=False):
        if self.running is None:
            return
        self.running.kill() if kill else self.running.terminate()
        self.running.wait(10)
        self.running.stdin.close()
        self.running = None


class Kept(Process):
    """One that is started anew whenever it ends by itself, as its unit does, until it is ended."""

    def __init__(self, *arguments, **options):
        self._lock, self._watched = threading.Lock(), False
        super().__init__(*arguments, **options)

    def start(self):
        super().start()
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._keep, args=(self.running,), daemon=True).start()

    def end(self, kill=False):
        with self._lock:
            self._watched = False
            super().end(kill)

    def _keep(self, running):
        while True:
            running.wait()
            with self._lock:
                if not self._watched or self.running is not running:
                    return
                running.stdin.close()
                super().start()
                running = self.running


@dataclass
class Centre:
    """The centre: its state, the broker and the process that publishes, and a door that seals codes."""

    state: Path
    centre: dict
    broker: Process
    process: Process
    door: object
    stack: ExitStack
    logs: Path | None = None
    gates: list = field(default_factory=list)

    @property
    def port(self):
        return self.centre["port"]

    def store(self):
        return closing(open_database(self.state))

    def whole_at(self, gates, within_s=40):
        """Wait until these gates have the register as it stands here."""

        now = text_of(datetime.now(UTC))

        def same():
            with self.store() as connection:
                (due,) = connection.execute("SELECT count(due) FROM register").fetchone()
                epoch = items.epoch(connection)
                here, visitors = items.state(connection, epoch), items.open_passes(connection, epoch, now)
            return due == 0 and all(one.register(epoch) == here and one.passes(epoch, now) == visitors for one in gates)

        wait_for(same, within_s, "the register is not the same everywhere")


def at_the_broker(centre, work, addresses=("127.0.0.1",)):
    """What an asynchronous work finds on a line, with the centre's own key, to the broker at one of these addresses."""
    mine = secrets_of(centre.state)

    async def nothing(_):
        """An address where none is now: the next is tried."""

    async def done():
        line = await nats.connect(
            [f"tls://{one}:{centre.port}" for one in addresses],
            tls=trusting(mine.certificate), nkeys_seed_str=mine.nkey_seed, error_cb=nothing,
        )  # fmt: skip
        try:
            return await asyncio.wait_for(work(line), 60)
        finally:
            await line.close()

    return asyncio.run(done())


@dataclass
class Gate:
    """A gate that follows: its state, its door and its link."""

    name: str
    state: Path
    door: object
    link: Process
    opener: Process | None = None
    """The door's process."""
    brokers: list = field(default_factory=list)
    """The broker of its machine, and what has that follow the gates."""

    def store(self):
        return closing(open_database(self.state))

    def register(self, epoch):
        with self.store() as connection:
            return items.state(connection, epoch)

    def passes(self, epoch, at):
        with self.store() as connection:
            return items.open_passes(connection, epoch, at)

    def status(self):
        return read_status(self.state)

    def start_api(self, stack, models_dir=None, **settings):
        """Its console, which says for it how it is and gives its door what the centre orders."""
        chosen = {"gate": self.name, "api": {"port": 0, "tls": "off"}} | settings
        return start_api(self.state, stack, models_dir, **chosen)

    @property
    def identity(self):
        with self.store() as connection:
            return connection.execute("SELECT id FROM gate").fetchone()[0]


def start_api(state, stack, models_dir=None, **settings):
    """The console of a gate, without a camera unless the settings say otherwise, or of a centre."""
    chosen = load_settings(**{"api": {"port": 0}, "camera": {"source": ""}} | settings)
    given = parts_of(chosen, state, models_dir or state / "models", None)["api"]
    api = Process(state, "api", {name: one for name, one in given.items() if name != "state"})
    stack.callback(api.end)
    return api


@contextmanager
def centre_running(state, logs=None, listen="127.0.0.1", before=(), kept=False):
    """A broker, which is `kept` running or not, the centre and its door; the command `before` starts what of them is on
    the network."""
    with ExitStack() as stack:
        port, pairing_port, cluster_port = free_ports(3)
        told = {"centre": {"listen": listen, "port": port, "pairing_port": pairing_port, "cluster_port": cluster_port}}
        door = Process(state, "door", {"door": FAST}, logs)
        stack.callback(door.end)
        broker = (Kept if kept else Process)(state, "broker", told, logs, before)
        stack.callback(broker.end)
        process = Process(state, "centre", told, logs, before)
        stack.callback(process.end)
        yield Centre(state, told["centre"], broker, process, Client(socket_of(state, "door")), stack, logs)


def promoted(centre, gate, port, before=()):
    """The second centre, after the first of which it leads, and with its broker and centre running."""
    gate.link.end()
    command("centre", "promote", "--yes", "--state", gate.state)
    (pairing_port,) = free_ports(1)
    told = {"centre": {"listen": "127.0.0.1", "port": port, "pairing_port": pairing_port}}
    return leading(centre, gate, told, before)


def leading(centre, gate, told, before=()):
    """Broker and centre of a machine that leads now."""
    broker = Process(gate.state, "broker", told, centre.logs, before)
    centre.stack.callback(broker.end)
    process = Process(gate.state, "centre", told, centre.logs, before)
    centre.stack.callback(process.end)
    return Centre(gate.state, told["centre"], broker, process, gate.door, centre.stack, centre.logs)


def join(centre, state, name, before=(), second=None, broker=None, trusted=False, **door):
    """A gate that was invited and joined, with its door and link running, the link by the command `before`; `second`
    is the port at which it is reached as a second centre, `broker` the address of this machine at which its broker
    listens, and `trusted` a clock of the door's that is vouched for."""
    more = () if second is None else ("--second", f"127.0.0.1:{second}")
    more = more if broker is None else ("--broker", f"{broker}:{centre.port}")
    code = command("centre", "invite", *more, "--state", centre.state)["code"]
    env_port, address = centre.centre["pairing_port"], centre.centre["listen"]
    command("join", address, code, "--port", env_port, "--state", state, "--yes", FACEGATE_GATE=name)
    program = ["-c", ON_A_CLOCK.format(synchronised=True)] if trusted else None
    opener = Process(state, "door", {"door": FAST | door}, centre.logs, program=program)
    centre.stack.callback(opener.end)
    link = Process(state, "link", {"passages": door.get("passback_gates", False)}, centre.logs, before)
    centre.stack.callback(link.end)
    gate = Gate(name, state, Client(socket_of(state, "door")), link, opener)
    if broker is not None:
        told = {"centre": centre.centre | {"listen": broker}}
        for part in ("broker", "centre"):
            one = Kept(state, part, told, centre.logs)
            gate.brokers.append(one)
            centre.stack.callback(one.end)
    return gate
