"""What the tests stand on: real models and photos, fetched once into .cache, and commands run as a user runs them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from evaluate.demo.walkup import FPS, Scene, footage, walker_from, write_video
from gate.places import folder
from gate.store.database import database_of, open_database
from models.errors import PackError
from models.install import install
from models.installed import pack_folder
from models.pack import Models, open_models, verify

pytest_plugins = ["tests.console", "tests.steps"]

# How busy the machine is says nothing of what a property holds.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Of two that test at once, none begins with one of these while the other has nothing left to do.
LONGEST = {
    "browser/test_console.py", "browser/test_guard.py", "browser/test_own_photo.py", "commands/test_cli.py",
    "evaluate/test_eval.py", "gate/test_replay.py", "gate/test_supervise.py",
    "systemd/test_install.py",
}  # fmt: skip

# Where files are memory, and how much of it must be free, bytes: each line of a record waits for its disk, and no quick
# test asks whether that brings it through a power cut.
MEMORY, ROOM = Path("/dev/shm"), 1 << 30  # noqa: S108 - each test makes a folder of its own there

REPOSITORY = Path(__file__).parent.parent
SHARED = REPOSITORY.parent / "shared"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first; among them, and after them, the order stays the random one."""
    tests = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(tests).as_posix() not in LONGEST)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The packs `open` and `demo-photos`, installed once."""
    directory = Path(os.environ.get("FACEGATE_MODELS__DIR", REPOSITORY / ".cache" / "models"))
    directory.mkdir(parents=True, exist_ok=True)
    # One test process installs, the others wait for it.
    with (directory / ".tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for pack in ("open", "opencv-zoo", "demo-photos"):
            try:
                verify(directory, pack)
            except PackError:
                install(pack, directory, progress=lambda *_: None)
    return directory


@pytest.fixture(scope="session")
def models(models_dir: Path) -> Models:
    """The pack `open`, opened."""
    return open_models(models_dir, "open")


@pytest.fixture(scope="session")
def photos(models_dir: Path) -> Path:
    """A folder with one man on four photos (obama*.jpg) and another (biden.jpg)."""
    return pack_folder(models_dir, "demo-photos")


@pytest.fixture(scope="session")
def walk_ups(tmp_path_factory: pytest.TempPathFactory, photos: Path, models: Models) -> Path:
    """One man walks up to the gate, and again, with pauses."""
    path = tmp_path_factory.mktemp("walks") / "walks.mp4"
    walker = walker_from(photos / "obama2.jpg", models.detector)
    write_video(path, footage([Scene(None, 1.5), Scene(walker, 4.0), Scene(None, 1.5)], 7))
    return path


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory, photos: Path, models: Models) -> Path:
    """One man comes to the gate and stands there for some seconds, and again."""
    path = tmp_path_factory.mktemp("visits") / "visits.mp4"
    walker = walker_from(photos / "obama2.jpg", models.detector)
    # He comes, stands there and goes as he came; away for three seconds, he is somebody who comes anew.
    comes = list(islice(footage([Scene(walker, 10.0)], 7), 5 * FPS, None))
    write_video(path, chain(footage([Scene(None, 3.0)], 7), comes, reversed(comes)))
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real faces and video is not here")
    return SHARED


@pytest.fixture(scope="session")
def liveness_dir(shared: Path, models_dir: Path) -> Path:
    """The folder of packs with the liveness checks too, from the files beside the project."""
    for pack in ("liveness-minifas", "liveness-celeba"):
        try:
            verify(models_dir, pack)
        except PackError:
            install(pack, models_dir, source=shared / "models", terms_accepted=True, progress=lambda *_: None)
    return models_dir


@pytest.fixture
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty state directory, in memory where there is room; the slow proofs measure on a disk."""
    in_memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    if not in_memory or request.node.get_closest_marker("soak"):
        yield tmp_path / "state"
        return
    with TemporaryDirectory(prefix="facegate-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "state"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database of today's schema, of a gate that has no id yet."""
    state = tmp_path_factory.mktemp("empty")
    with closing(open_database(state)) as connection:
        connection.execute("DELETE FROM gate")
    return database_of(state).read_bytes()


@pytest.fixture
def store(state: Path, empty_database: bytes) -> Iterator[Any]:
    """An open, empty store."""
    path = database_of(state)
    if not path.exists():
        # All steps of the schema, one after the other, take longer than most tests.
        folder(path.parent)
        path.write_bytes(empty_database)
    with closing(open_database(state)) as connection:
        yield connection


@dataclass(frozen=True)
class Done:
    """A command that ran."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object on the last line."""
        answer: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return answer


Facegate = Callable[..., Done]


@pytest.fixture
def facegate(models_dir: Path, state: Path) -> Facegate:
    """Runs `facegate ARGUMENTS...` as a process of its own on the test's state."""

    def run(*arguments: object, timeout_s: float = 120, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "commands.cli", *map(str, arguments)],
            env=command_environment(models_dir, state) | environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def command_environment(models_dir: Path, state: Path) -> dict[str, str]:
    """The environment for a command on a state of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")}
    return clean | {"FACEGATE_MODELS__DIR": str(models_dir.resolve()), "FACEGATE_STATE": str(state)}
