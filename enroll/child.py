"""What a child process without rights makes of a file that somebody else wrote."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

_START = (
    "import sys; from importlib import import_module; sys.path.insert(0, sys.argv[1]);"
    " sys.exit(import_module(sys.argv[2]).main())"
)
_HOUSE = str(Path(__file__).resolve().parents[1])
_WALL_S = 60.0


def answer_of(module: str, file: IO[bytes], most: int) -> bytes:
    """What `main` of this module answers of the file on its standard input: at most `most` bytes, and what there is of
    it by the time it ends by itself or is ended after a minute."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _START, _HOUSE, module],
        stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={},
    ) as child:  # fmt: skip
        late = threading.Timer(_WALL_S, child.kill)
        late.start()
        try:
            return child.stdout.read(most) if child.stdout else b""
        finally:
            late.cancel()
            child.kill()
