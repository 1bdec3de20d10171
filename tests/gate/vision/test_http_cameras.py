"""Cameras over HTTP, as somebody else's server gives them: lighttpd, with basic and digest."""

import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import Scene, footage
from gate.processes.camera_report import Trouble
from tests.cameras import write_coded
from tests.gate.vision.test_network_cameras import fault_of, first_picture, looking
from tests.running import stays, wait_for

PASSWORD = "s#e-c/r@t?"
LIGHTTPD = shutil.which("lighttpd") or shutil.which("lighttpd", path="/usr/sbin")
SETTINGS = """
server.document-root = "{root}"
server.port = {port}
server.bind = "127.0.0.1"
server.modules = ("mod_auth", "mod_authn_file", "mod_redirect")
mimetype.assign = (".jpg" => "image/jpeg", ".mjpg" => "multipart/x-mixed-replace; boundary=another",
                   ".ts" => "video/mp2t", ".m3u8" => "application/vnd.apple.mpegurl", "" => "text/html")
auth.backend = "plain"
auth.backend.plain.userfile = "{root}/users"
auth.require = ("/digest/" => ("method" => "digest", "realm" => "camera", "require" => "valid-user"),
                "/basic/" => ("method" => "basic", "realm" => "camera", "require" => "valid-user"))
url.redirect = ("^/moved" => "http://127.0.0.1:{port}/snap.jpg?token=hushhush")
"""


@dataclass
class Site:
    root: object
    port: int

    def address(self, path, login=""):
        return f"http://{login}{'@' if login else ''}127.0.0.1:{self.port}/{path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A web server with what cameras give."""
    if LIGHTTPD is None:
        pytest.skip("lighttpd is not here")
    root = tmp_path_factory.mktemp("site")
    jpegs = [bytes(cv2.imencode(".jpg", image)[1]) for image in footage([Scene(None, 1.0)], 3)]
    for folder in ("", "digest", "basic"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "snap.jpg").write_bytes(jpegs[0])
        (root / folder / "live.mjpg").write_bytes(
            b"".join(b"--odd\r\nContent-Length: 1\r\n\r\n" + one for one in jpegs)
        )
    (root / "list.m3u8").write_text("#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n")
    (root / "large.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((8000, 12000, 3), np.uint8))[1])
    (root / "page").write_text("hello")
    (root / "users").write_text(f"gate:{PASSWORD}\n")
    with served(root) as site:
        yield site


@contextmanager
def served(root):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (root / "lighttpd.conf").write_text(SETTINGS.format(root=root, port=port))
    server = subprocess.Popen([LIGHTTPD, "-D", "-f", str(root / "lighttpd.conf")])
    try:

        def answers():
            with socket.socket() as one:
                return one.connect_ex(("127.0.0.1", port)) == 0

        wait_for(answers, 10, "lighttpd does not start")
        yield Site(root, port)
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.parametrize("guard", ["", "digest/", "basic/"])
@pytest.mark.parametrize("path", ["snap.jpg", "live.mjpg"])
def test_snapshots_and_mjpeg_are_watched_with_either_kind_of_password(site, guard, path):
    with looking(site.address(guard + path, f"gate:{PASSWORD}" if guard else "")) as camera:
        assert first_picture(camera, 5) < 2
        gives = camera.state().report.gives
        assert (gives.width, gives.height, gives.codec) == (640, 360, "MJPEG")


def test_a_snapshot_is_asked_for_at_the_rate_of_the_settings(site):
    with looking(site.address("snap.jpg"), fps=20) as camera:
        first_picture(camera, 5)
        wait_for(lambda: 12 <= camera.state().report.gives.rate <= 22)
        stays(lambda: camera.state().report.gives.rate <= 22, 0.5)


LOOKS_ONCE = """
import sys
from contextlib import closing
from gate.processes.starting import speak_as
from gate.vision.camera import Camera
from gate.vision.settings import CameraSettings
from gate.vision.sources import source_of
speak_as("vision")
with closing(Camera(source_of(CameraSettings(source=sys.argv[1])))) as camera:
    sys.exit(0 if camera.frame(10) is not None else 1)
"""


@pytest.mark.parametrize("path", ["snap.jpg", "live.mjpg"])
def test_a_camera_that_was_closed_is_read_no_more(site, path):
    before = set(threading.enumerate())
    with looking(site.address(path)) as camera:
        first_picture(camera, 5)
    assert not [one.name for one in set(threading.enumerate()) - before if one.name == "camera"]


@pytest.mark.parametrize("path", ["snap.jpg", "live.mjpg"])
def test_an_address_that_holds_its_password_reaches_no_log(site, path):
    address = site.address(f"{path}?user=gate&password=hushhush")
    looked = subprocess.run([sys.executable, "-c", LOOKS_ONCE, address], capture_output=True, text=True, check=True)
    assert (looked.stdout, looked.stderr) == ("", "")


@pytest.mark.parametrize(
    ("path", "login", "trouble"),
    [
        ("digest/snap.jpg", "gate:wr#ng", Trouble.PASSWORD),
        ("basic/live.mjpg", "gate:wr#ng", Trouble.PASSWORD),
        ("basic/snap.jpg", "", Trouble.NO_PASSWORD),
        ("none.jpg", "", Trouble.NOT_FOUND),
        ("moved", "", Trouble.MOVED),
        ("page", "", Trouble.NO_STREAM),
        ("list.m3u8", "", Trouble.NO_STREAM),
        ("large.jpg", "", Trouble.TOO_LARGE),
    ],
)
def test_what_is_wrong_is_named(site, path, login, trouble):
    with looking(site.address(path, login)) as camera:
        fault = fault_of(camera)
    assert fault.trouble is trouble, fault
    assert not [secret for secret in ("wr#ng", "hushhush", "passwd") if secret in fault.sentence]


GROWS = """
import resource, sys
from gate.config import CameraSettings
from gate.vision.sources import source_of

def peak_mb(address):
    for shot in source_of(CameraSettings(source=address)).shots():
        assert shot.image.shape == (480, 640, 3)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

print(peak_mb(sys.argv[1]), peak_mb(sys.argv[2]))
"""


def test_a_stream_that_grows_beyond_reason_costs_no_memory(site):
    small, large = np.zeros((480, 640, 3), np.uint8), np.zeros((8000, 12000, 3), np.uint8)
    stream = b"".join(write_coded(site.root / f"{side.shape[0]}.ts", [side] * number, 15)
                      for side, number in ((small, 30), (large, 1)))  # fmt: skip
    (site.root / "grows.ts").write_bytes(stream)
    command = [sys.executable, "-c", GROWS, site.address("480.ts"), site.address("grows.ts")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    # Decoded, it would be some 230 MB and more; what remains is FFmpeg's own before it looks at the size.
    assert after - before < 130, f"{before} MB grew to {after} MB"
