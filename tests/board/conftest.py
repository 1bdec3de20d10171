"""What the board's steps stand on."""

import pytest

from tests.board import build


@pytest.fixture(scope="session")
def board(models_dir, photos, models):
    """What machines are started from."""
    return build.board(models_dir, photos, models.detector)
