"""The stores of a centre and of a gate that follows it, without a wire between them."""

from contextlib import closing

import pytest

from gate.store.compound import outbox, role
from tests.compound import following
from tests.stores import new_store


@pytest.fixture
def centre():
    with closing(new_store()) as made:
        role.become_centre(made)
        outbox.begin_epoch(made, 1, "s", 0)
        yield made


@pytest.fixture
def gate():
    with closing(following()) as made:
        yield made
