"""What several slow proofs stand on."""

import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY
from tests.soak import container
from tests.soak.test_systemd import MIGRATION

FIRST, NEXT, BROKEN = "0.1.0", "0.1.1", "0.1.2"


def package(sources, version, to, *options):
    """The packages of one version, built from `sources`."""
    done = subprocess.run(
        [sources / "systemd/package", "--version", version, "--to", to, *options],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(done.stdout)


@pytest.fixture(scope="session")
def packages(tmp_path_factory, models_dir):
    """The packages of two good versions, and of one whose console does not come up and whose schema is newer."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    folder = tmp_path_factory.mktemp("packages")
    package(REPOSITORY, FIRST, folder / "debs", "--models", models_dir)
    package(REPOSITORY, NEXT, folder / "debs")
    container.put_sources(folder, "broken")
    api = folder / "broken/api/service.py"
    api.write_text(api.read_text().replace("    stop_with_starter()\n", "    return 3\n"))
    (folder / "broken/gate/store/migrations/0099_later.sql").write_text(MIGRATION)
    package(folder / "broken", BROKEN, folder / "debs")
    yield folder / "debs"
    shutil.rmtree(folder)
