"""Debian's mosquitto as a real broker on loopback, with a password and TLS, and Home Assistant's side of it."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as paho

from tests.running import wait_for

USER, PASSWORD = "facegate", "correct horse"
OTHERS = ("home", "its own password")
PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def certificates(folder):
    """An authority, and a certificate of its for localhost."""
    folder.mkdir()
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for command in (
        f"req -x509 {key} -days 2 -subj /CN=site -keyout ca.key -out ca.pem",
        f"req {key} -subj /CN=localhost -keyout key.pem -out asked.pem",
        "x509 -req -in asked.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


class Broker:
    """A broker that can be ended and started again at its port."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.tls = folder, certificates(folder / "tls")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        (folder / "passwords").touch(0o600)
        for name, password in ((USER, PASSWORD), OTHERS):
            subprocess.run(
                ["mosquitto_passwd", "-b", str(folder / "passwords"), name, password], check=True, capture_output=True
            )
        # As root it would become another user, who may not read this folder.
        (folder / "mosquitto.conf").write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwords\n"
            f"cafile {self.tls}/ca.pem\ncertfile {self.tls}/cert.pem\nkeyfile {self.tls}/key.pem\n"
        )
        self.running = None

    def start(self):
        self.running = subprocess.Popen(
            [PROGRAM, "-c", str(self.folder / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self.answers, 30, "the broker does not listen")

    def answers(self):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def end(self):
        if self.running is not None:
            self.running.kill()
            self.running.wait(10)
            self.running = None


@contextmanager
def broker_running(folder):
    broker = Broker(Path(folder))
    broker.start()
    try:
        yield broker
    finally:
        broker.end()


class Home:
    """Whoever else is at the broker, as Home Assistant is: what it was told, by topic, and its presses."""

    def __init__(self, broker):
        self.told, self.times, self.kept = {}, {}, {}
        self._heard = threading.Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(*OTHERS)
        self._client.tls_set_context(ssl.create_default_context(cafile=broker.tls / "ca.pem"))
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = self._take
        self._client.connect("localhost", broker.port)
        self._client.loop_start()

    def _take(self, _client, _given, message):
        with self._heard:
            said = message.payload.decode()
            self.told[message.topic], self.kept[message.topic] = said, message.retain
            self.times[message.topic] = self.times.get(message.topic, 0) + 1
            self._heard.notify_all()

    def until(self, topic, is_it=bool, within_s=30):
        """What was told there once it is as wanted."""
        with self._heard:
            found = self._heard.wait_for(lambda: is_it(self.told.get(topic, "")), within_s)
        assert found, (topic, self.told.get(topic))
        return self.told[topic]

    def state(self, topic, within_s=30, **wanted):
        """The JSON that was told there, once it says what is wanted."""

        def says(said):
            found = json.loads(said) if said else {}
            return bool(found) and all(found.get(name) == value for name, value in wanted.items())

        return json.loads(self.until(topic, says, within_s))

    def press(self, topic, payload, retain=False):
        self._client.publish(topic, payload, 1, retain).wait_for_publish(10)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def at(broker):
    home = Home(broker)
    try:
        yield home
    finally:
        home.close()
