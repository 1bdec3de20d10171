"""The record as a table for people: what a property office opens in a spreadsheet, prints and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo

from api.languages import Language
from api.wording import EVENTS
from gate.errors import Sentence
from gate.spreadsheet import csv_line
from gate.store.people.residents import home_in
from gate.store.record.audit import Line

_COLUMNS = (
    Sentence("Number"), Sentence("Time"), Sentence("What"), Sentence("Home"), Sentence("Name"), Sentence("More"),
)  # fmt: skip
_GATE = Sentence("Gate")
_NOT_TRUSTED = Sentence("clock not trusted")


def rows(
    lines: Iterable[Line],
    language: Language,
    zone: tzinfo,
    told: Callable[[Line], str],
    homes: Mapping[str, str],
    gates: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The lines of a CSV, one for each of the record: its number, when by the gate's clock, what, whose home, who.

    `told` is what more there is to say, `homes` those of today by resident, `gates` what gates are called, where there
    are several. Times are as a spreadsheet reads them.
    """
    # A spreadsheet takes UTF-8 for what it is when the file says so.
    yield "\ufeff" + csv_line(language(name) for name in (*_COLUMNS, *(() if gates is None else (_GATE,))))
    for line in lines:
        at = datetime.fromisoformat(line.at).astimezone(zone)
        host = line.personal.get("host")
        visiting = language("visiting {host}", host=host) if host else ""
        more = [visiting, told(line), language(_NOT_TRUSTED) if line.clock_trusted is False else ""]
        yield csv_line((
            line.sequence, f"{at:%Y-%m-%d %H:%M:%S}", language(EVENTS.get(line.kind, line.kind)),
            home_in(line.personal, homes) or "", line.named or "",
            language.comma.join(part for part in more if part),
            *(() if gates is None else (gates.get(line.gate_id, line.gate_id),)),
        ))  # fmt: skip
