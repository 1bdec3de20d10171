"""Opening a model file for inference: its hash first, then a session with threads chosen on purpose."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from models.errors import PackError


def sha256_of(path: Path) -> str:
    """Hex digest of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, pack: str) -> None:
    """Raises PackError naming the file and the mending command, unless its content is what was installed."""
    mend = f"Run: facegate models install {pack}"
    try:
        actual = sha256_of(path)
    except OSError as error:
        raise PackError(f"The model file {path} cannot be read ({error.strerror}). {mend}") from error
    if actual != expected:
        raise PackError(f"The model file {path} is damaged: its sha256 is not the recorded one. {mend}")


def open_session(path: Path, *, threads: int) -> Any:
    """An ONNX Runtime session on the CPU. Raises PackError when the file is no model."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads spin by default, and a gate idles most of its life.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise PackError(f"The model file {path} is not a model ONNX Runtime can run: {error}") from error
