"""What the steps for aarch64 stand on."""

import pytest

from tests.arm64 import build
from tests.arm64.emulation import emulated
from tests.steps import limited


@pytest.fixture(scope="session")
def aarch64():
    """Programs for aarch64 run here."""
    if why := build.missing():
        pytest.skip(f"{why}: nothing for aarch64 runs")
    with emulated():
        yield


@pytest.fixture(scope="session")
def installed(aarch64, models_dir):
    """A system with the gate in it by its installer."""
    with limited("a system for aarch64 with the gate in it", 3600):
        return build.gate(models_dir)
