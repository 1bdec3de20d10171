"""Messages of the register on their way into a gate's tables, in batches as they come."""

from contextlib import closing
from dataclasses import replace

import pytest

from gate.fleet.register import Fate, Register
from gate.processes.fields import written
from gate.store.compound import taken
from gate.store.compound.entries import ConsentEntry, ResidentEntry, TemplateEntry
from gate.store.compound.role import follow
from gate.store.database import open_database
from gate.store.people import templates
from gate.store.record import audit
from gate.vocabulary import Kind
from tests.compound import FACE
from tests.gate.fleet.test_versions import KEY, PUBLIC, message, took

AGREED = ConsentEntry("c1", "face-3", "en", "", "told", None, "test", "2026-01-01", None)
MADE = TemplateEntry("t1", "m", "photo", "{}", FACE.vector, "2026-01-01")
WANG = ResidentEntry("r1", "Wang Fang", None, "2026-01-01", False, None, None, None, None, None, (AGREED,), (MADE,), ())
WITHDREW = replace(WANG, consents=(replace(AGREED, withdrawn_at="2026-02-01"),), templates=())


@pytest.mark.parametrize("at_once", [True, False])
def test_who_withdrew_is_forgotten_by_what_stands_of_them_in_one_batch_with_others(state, at_once):
    first, then = (message("resident", number, written(one)) for number, one in enumerate((WANG, WITHDREW), 1))
    li = message("resident", 1, written(replace(WANG, id="r2", name="Li Na", consents=(), templates=())))
    with closing(open_database(state)) as store:
        follow(store, b"s" * 16, "10.0.0.2", by="test")
        taken.keep_keys(store, {"r1": KEY, "r2": KEY})
        register = Register(store, PUBLIC)
        batches = [[first, li, then]] if at_once else [[first], [li, then]]
        for batch in batches:
            assert set(took(register, batch)) == {Fate.DONE}
        assert templates.of(store, "r1") == []
        lines = list(audit.lines(store))
    assert [one.named for one in lines if one.kind == Kind.ENROLLED] == [None, "Li Na"]
    assert Kind.CONSENT_WITHDRAWN in [one.kind for one in lines]
    # Nor is anything left in what SQLite writes beside the database.
    assert list(state.rglob("erasing.*")) == []
