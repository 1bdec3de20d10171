"""What is installed where: the groups of pyproject.toml, their pins, and what each module imports."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.whole

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
GROUPS = PROJECT["dependency-groups"]
OURS = ("gate", "centre", "models", "enroll", "api", "evaluate", "commands")
# What no gate has: distributions, and the modules they bring.
ABSENT = {
    "scipy": "scipy", "matplotlib": "matplotlib", "scikit-image": "skimage", "onnx": "onnx",
    "insightface": "insightface", "networkx": "networkx", "fonttools": "fontTools", "imageio": "imageio",
    "tifffile": "tifffile", "tflite": "tflite", "kiwisolver": "kiwisolver", "contourpy": "contourpy",
    "ml-dtypes": "ml_dtypes", "cycler": "cycler", "pyparsing": "pyparsing",
    "lazy-loader": "lazy_loader", "tqdm": "tqdm", "requests": "requests", "urllib3": "urllib3",
    "charset-normalizer": "charset_normalizer", "aiomqtt": "aiomqtt", "paho-mqtt": "paho",
    "nats-py": "nats", "nkeys": "nkeys", "pynacl": "nacl",
}  # fmt: skip
# These may import what a gate does without; nothing that a gate starts loads them.
BEYOND = {
    "evaluate/chart.py": "matplotlib",
    "evaluate/report.py": "matplotlib",
    "models/insightface_pack.py": "insightface",
    "gate/fleet/service.py": "nats",
    "gate/fleet/connection.py": "nats",
    "gate/fleet/reading.py": "nats",
    "gate/fleet/nkeys.py": "nkeys",
    "api/home_assistant/service.py": "aiomqtt",
    "centre/far_cameras.py": "nats",
    "centre/followers.py": "nats",
    "centre/other.py": "nats",
    "centre/passages.py": "nats",
    "centre/records.py": "nats",
    "centre/service.py": "nats",
    "centre/stream.py": "nats",
}
# From the distribution, where the board has it.
OF_THE_BOARD = {"lgpio", "picamera2"}


def pinned(name):
    """Distributions that a file of requirements/ pins, with their versions."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


def test_the_groups_together_are_the_projects_dependencies():
    groups = [one for name in ("gate", "measure", "convert", "insightface") for one in GROUPS[name]]
    as_installed_with_windows = {one.replace("opencv-python-headless", "opencv-python") for one in groups}
    assert as_installed_with_windows == set(PROJECT["project"]["dependencies"])
    assert len(groups) == len(as_installed_with_windows)


def test_a_gate_is_pinned_to_what_a_checkout_is_tested_with():
    gate, everything = pinned("gate"), pinned("run")
    assert gate.pop("opencv-python-headless") == everything["opencv-python"]
    assert gate.items() <= everything.items()
    assert set(gate).isdisjoint({*ABSENT, "opencv-python"})
    for group in ("measure", "insightface"):
        assert pinned(group).items() <= everything.items()
        assert "opencv-python" not in pinned(group)


def test_every_pin_has_hashes_and_no_address():
    for path in (REPOSITORY / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        assert "://" not in text, path
        pins = re.split(r"^(?=[a-z0-9.-]+==)", text, flags=re.MULTILINE)[1:]
        assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == [], path


def test_no_module_of_a_gate_imports_beyond_its_group():
    wanted = {re.split(r"[<>=]", one)[0] for one in GROUPS["gate"]}
    brought = packages_distributions()
    strangers = set()
    for path in (path for folder in OURS for path in (REPOSITORY / folder).rglob("*.py")):
        where = path.relative_to(REPOSITORY).as_posix()
        for module in imported(path) - set(sys.stdlib_module_names) - set(OURS) - OF_THE_BOARD:
            by = {name.lower().replace("_", "-") for name in brought[module]}
            by |= {"opencv-python-headless"} if "opencv-python" in by else set()
            # starlette is fastapi's, and its own names are part of what fastapi hands on.
            if not by & {*wanted, "starlette"} and BEYOND.get(where) != module:
                strangers.add((where, module))
    assert strangers == set()


def imported(path):
    """The top-level modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize(
    "modules",
    [
        "gate.door.service gate.door.relay_off gate.readers.service",
        "gate.vision.service models.convert.tflite_to_onnx models.convert.prelu models.convert.free_input_size",
        "api.service api.enroller api.importer",
        "enroll.enrolment enroll.bulk enroll.decode enroll.checks gate.drill.rig gate.care.doctor gate.care.backup",
    ],
)
def test_no_service_loads_what_a_gate_has_not(modules):
    asks = f"import sys, importlib; [importlib.import_module(name) for name in {modules.split()}]; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", asks], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(ABSENT.values()) & set(loaded) == set()


def test_uvicorn_stays_within_the_minor_version_whose_insides_are_subclassed():
    (uvicorn,) = (one for one in GROUPS["gate"] if one.startswith("uvicorn"))
    least, below = re.findall(r"(\d+)\.(\d+)", uvicorn)
    assert (int(below[0]), int(below[1])) == (int(least[0]), int(least[1]) + 1)
    assert distribution("uvicorn").version.startswith(".".join(least) + ".")
