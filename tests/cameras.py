"""Network cameras for the tests: programs from elsewhere that send what a test shows them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import cv2
import pytest

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parent / "rtsp_server.py"
_PARTS = {"h264": "x264enc", "h264-b": "x264enc", "h265": "x265enc", "mjpeg": "rtpjpegpay", "theora": "theoraenc"}


@dataclass
class RtspCamera:
    """A running server; `came` counts the connections of its own viewer too, which is the first."""

    process: subprocess.Popen[str]
    port: int
    scheme: str
    host: str
    said: list[str] = field(default_factory=list)

    def address(self, login: str = "") -> str:
        """Its stream's address."""
        return f"{self.scheme}://{login}{'@' if login else ''}{self.host}:{self.port}/live"

    @property
    def came(self) -> int:
        """How many connections there were but its own."""
        return self.said.count("came") - 1

    @property
    def open(self) -> int:
        """How many of them are open."""
        return self.came - self.said.count("went")

    def shift(self, seconds: float) -> None:
        """Move its time stamps to `seconds` after what they would be."""
        assert self.process.stdin
        self.process.stdin.write(f"shift {seconds}\n")
        self.process.stdin.flush()


def needs_gstreamer(codec: str = "h264") -> None:
    """Skip where the server or an encoder is not installed."""
    script = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0');"
        f"from gi.repository import Gst; Gst.init(None); assert Gst.ElementFactory.find('{_PARTS[codec]}')"
    )
    try:
        missing = subprocess.run([SYSTEM_PYTHON, "-c", script], capture_output=True, check=False).returncode
    except FileNotFoundError:
        missing = 1
    if missing:
        pytest.skip(
            f"GStreamer's RTSP server or {_PARTS[codec]} is not here (gir1.2-gst-rtsp-server-1.0, python3-gi,"
            " gstreamer1.0-plugins-good, -bad, -ugly)"
        )


@contextmanager
def rtsp_camera(
    pictures: Path, codec: str = "h264", address: str = "127.0.0.1", **given: object
) -> Iterator[RtspCamera]:
    """A camera that sends the JPEG files of a folder, 25 a second and for ever; `given` as its options, `fps=5`."""
    needs_gstreamer(codec)
    options = [f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')}={value}"
               for name, value in given.items()]  # fmt: skip
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(SERVER), str(pictures / "%05d.jpg"), "--codec", codec, "--address", address, *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        early = []
        for line in process.stdout:
            early.append(line.strip())
            if line.startswith("port"):
                break
        assert "port" in " ".join(early), "it ended before it sent"
        host = f"[{address}]" if ":" in address else address
        scheme = "rtsps" if "certificate" in given else "rtsp"
        camera = RtspCamera(process, int(early[-1].split()[1]), scheme, host, early)
        Thread(target=lambda: camera.said.extend(line.strip() for line in process.stdout or ()), daemon=True).start()
        yield camera
    finally:
        process.kill()
        process.communicate()


def write_pictures(folder: Path, images) -> Path:
    """A film as JPEG files for `rtsp_camera`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return folder
