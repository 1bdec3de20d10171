"""A model file: its hash, which `models.pack` checks before anything is opened, and a session to infer with it, its
provider and threads chosen on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from models.errors import PackError

Provider = Literal["cpu", "cuda", "tensorrt"]

# What TensorRT cannot build runs on CUDA, part by part; the whole never runs elsewhere than asked.
_PROVIDERS: dict[Provider, tuple[str, ...]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
}


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


def open_session(path: Path, *, threads: int, provider: Provider = "cpu") -> Any:
    """An ONNX Runtime session on that provider and no other.

    Raises PackError when the file is no model, and when the provider is not there or does not come up: one that asked
    for a Jetson's GPU never finds itself on its CPU.
    """
    import onnxruntime as ort

    check_installed(provider)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads spin by default, and a gate idles most of its life.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=list(_PROVIDERS[provider]))
    except Exception as error:
        raise PackError(f"The model file {path} is not a model ONNX Runtime can run: {error}") from error
    check_provider(session.get_providers(), provider)
    return session


def check_installed(provider: Provider) -> None:
    """Raises PackError when ONNX Runtime was not built with this provider."""
    if provider == "cpu":
        return
    import onnxruntime as ort

    if _PROVIDERS[provider][0] not in ort.get_available_providers():
        raise PackError(
            f"vision.provider asks for {provider}, which the onnxruntime installed here does not have. Install the one"
            ' built for this board (for a Jetson: NVIDIA\'s onnxruntime-gpu), or set vision.provider = "cpu".'
        )


def check_provider(running: Sequence[str], provider: Provider) -> None:
    """Raises PackError when a session that was to run on `provider` has fallen back to another."""
    wanted = _PROVIDERS[provider][0]
    if not running or running[0] != wanted:
        raise PackError(
            f"vision.provider asks for {provider}, but it does not come up and ONNX Runtime fell back to"
            f' {running[0] if running else "nothing"}. Mend the driver, or set vision.provider = "cpu".'
        )
