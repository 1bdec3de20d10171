"""Runs in the board: a camera that shows one picture a second out of a film, for as long as it is told to.

The film is raw I420; which of its scenes is shown is in a file, so that whoever stands outside walks somebody up.
"""

import fcntl
import json
import struct
import sys
import time
from pathlib import Path

WIDTH, HEIGHT = 640, 360
_SIZE = WIDTH * HEIGHT * 3 // 2
_SET_FORMAT = 0xC0D05605  # VIDIOC_S_FMT
_OUTPUT, _PROGRESSIVE = 2, 1


def main():
    """`camera.py DEVICE FILM SCENES ORDER PERIOD`: SCENES says which pictures a scene has, ORDER which scene is on."""
    device, film, scenes, order, period_s = sys.argv[1:]
    scenes = json.loads(Path(scenes).read_text())
    with open(device, "wb", buffering=0) as camera, open(film, "rb") as pictures:
        pixels = struct.pack("IIIIIII", WIDTH, HEIGHT, int.from_bytes(b"YU12", "little"), _PROGRESSIVE, WIDTH, _SIZE, 8)
        fcntl.ioctl(camera, _SET_FORMAT, struct.pack("=II", _OUTPUT, 0) + pixels.ljust(200, b"\0"))
        shown, number = None, 0
        while True:
            began = time.monotonic()
            wanted = Path(order).read_text().strip() if Path(order).exists() else "empty"
            shown, number = (shown, number + 1) if wanted == shown else (wanted, 0)
            first, stands, last = (scenes[shown][name] for name in ("first", "stands", "last"))
            picture = first + number
            if picture > last:
                picture = stands + (picture - stands) % (last - stands + 1)
            pictures.seek(picture * _SIZE)
            camera.write(pictures.read(_SIZE))
            time.sleep(max(0.0, float(period_s) - (time.monotonic() - began)))


if __name__ == "__main__":
    sys.exit(main())
