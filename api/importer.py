"""Imports over HTTP: one at a time, unpacked into the state, rehearsed, and carried out when somebody says so."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from api.auth import new_secret
from api.enroller import Enroller
from api.import_files import keep_files
from api.problems import NO_MODELS
from enroll.decoder.parent import Decoder
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.copy_rows import people_in_memory
from gate.store.database import database_of, open_database, sentences
from gate.store.people import consents
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from models.errors import PackError

if TYPE_CHECKING:
    from enroll.rows import Outcome, Row

_log = logging.getLogger(__name__)


def _always(_store: sqlite3.Connection) -> bool:
    return True


class Phase(StrEnum):
    """How far an import is."""

    REHEARSING = "rehearsing"
    REHEARSED = "rehearsed"
    WORKING = "working"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Import:
    """One import as it stands. While it is at work `outcomes` grows to one for each row."""

    rows: list[Row]
    refused: list[Outcome]
    """Lines of the table that are no rows."""
    read_as: Sentence
    """In which way the table was read."""
    language: str
    """In which language those agreed whose row names none."""
    remark: Sentence | None = None
    """What is to be said of the whole table."""
    phase: Phase = Phase.REHEARSING
    outcomes: list[Outcome] = field(default_factory=list)
    problem: Sentence | None = None
    by: str = ""
    """Who uploaded it, as the record calls them."""
    key: str = field(default_factory=new_secret)
    """By which whoever looks at it speaks of it: what was ticked beside another import says nothing of this one."""
    shown: list[Outcome] = field(default_factory=list)
    """What was rehearsed, once it is carried out."""
    another: Collection[int] = ()
    """On which lines somebody said that they are other people than those who were shown beside them."""
    is_rehearsal: bool = True
    """Whether nothing is changed by it."""

    @property
    def at_work(self) -> bool:
        """Whether it goes on by itself."""
        return self.phase in (Phase.REHEARSING, Phase.WORKING)

    @property
    def lasts(self) -> bool:
        """Whether something may still come of it."""
        return self.at_work or self.phase is Phase.REHEARSED

    def lines(self) -> list[Outcome]:
        """What became of each line so far, or would."""
        return sorted([*self.refused, *self.outcomes], key=lambda one: one.line)

    def people(self) -> list[str]:
        """The ids of those whose rows were done; nobody's before the end."""
        done = [] if self.is_rehearsal or self.at_work else self.outcomes
        return [one.resident for one in done if one.resident is not None]

    def seen(self, line: int) -> str | None:
        """The id of the resident as whom a line was rehearsed; None: it was not, or was refused."""
        return next((one.resident for one in self.shown if one.line == line), None)

    def counts(self) -> dict[str, int]:
        """How many rows were done, refused, and not come to."""
        refused = sum(one.action == "refused" for one in self.outcomes)
        return {
            "done": len(self.outcomes) - refused,
            "refused": refused + len(self.refused),
            "untouched": len(self.rows) - len(self.outcomes),
        }

    def another_than(self, line: int) -> frozenset[str]:
        """The ids of those who were shown beside a line, and of whom somebody said that they are another."""
        if line not in self.another:
            return frozenset()
        line_of = {one.resident: one.line for one in self.shown if one.resident is not None}
        # Whoever was new in the rehearsal came by their own row since, under another id.
        came = {one.line: one.resident for one in self.outcomes if one.resident and one.action == "enrolled"}
        like = frozenset[str]().union(*(one.like for one in self.shown if one.line == line))
        return frozenset(came.get(line_of.get(one, 0), one) for one in like)


class Importer:
    """The one import of a gate. What was uploaded lies in the state until it ends, and no longer than the process."""

    def __init__(self, state: Path, enroller: Enroller, decoder: Decoder) -> None:
        self.now: Import | None = None
        self._state = state
        self._folder = state / "import"
        self._enroller = enroller
        self._decoder = decoder
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def clear(self) -> None:
        """Erase what was uploaded."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(
        self, store: sqlite3.Connection, files: list[tuple[str, BinaryIO]], by: str, language: str,
        encoding: str | None = None,
    ) -> None:  # fmt: skip
        """Rehearse what was uploaded `by` somebody: a table and a ZIP of photos, a ZIP with both, or a table alone. It
        takes the place of what was rehearsed before; where somebody else uploaded that, it is on record.

        `language` is the one of the consents whose row names none, `encoding` that of a CSV, where somebody said it.
        Raises Refusal while another import is at work, UsageError for files that are none.
        """
        with self._lock:
            if self.now is not None and self.now.at_work:
                raise Refusal("Another import is at work; wait for its end, or stop it.")
            if self.now is not None and self.now.by != by:
                self._note_stopped(store, by)
            self.now = None
            self.clear()
            try:
                found = self._read(files, language, encoding, consents.ended(store))
            except BaseException:
                self.clear()
                raise
            self.now = replace(found, by=by)
            self._work(self.now, Phase.REHEARSED, by=None)

    def carry_out(
        self, by: str, may_go_on: Callable[[sqlite3.Connection], bool], another: Collection[int] = (),
        key: str | None = None,
    ) -> None:  # fmt: skip
        """Do what was rehearsed, row by row while it `may_go_on`. Raises Refusal where nothing was, and where it is
        another import than the one with the `key` that somebody looked at.

        On the lines `another` stand other people than those who are shown beside them; whoever else looks the same is
        asked about anew. Without a key (None) whatever was rehearsed last is done, and nothing is said of its lines.
        """
        with self._lock:
            if self.now is None or self.now.phase is not Phase.REHEARSED:
                raise Refusal("There is no rehearsed import; upload the table first.")
            if key is None and another:
                raise Refusal("Send the key of the table beside whose lines you ticked: it may be another one by now.")
            if key not in (None, self.now.key):
                raise Refusal("Another table was uploaded since; look at what it would change, and confirm that.")
            found = self.now.outcomes
            self.now = replace(
                self.now, phase=Phase.WORKING, outcomes=[], shown=found, another=frozenset(another), is_rehearsal=False
            )
            self._work(self.now, Phase.DONE, by, may_go_on)

    def stop(self, store: sqlite3.Connection, by: str, key: str | None) -> None:
        """Stop the import with this `key` where it is, if it is being carried out; the record says `by` whom.

        Whoever is enrolled stays so, and what became of each line stays to be seen until somebody discards it.

        Whoever uploaded it needs no key (None). Raises Refusal where it is another import than that.
        """
        with self._lock:
            self._refuse_another(by, key)
            if self.now is not None and self.now.phase is Phase.WORKING:
                self._halt(store, by, self.now)

    def discard(self, store: sqlite3.Connection, by: str, key: str | None) -> None:
        """The same; what is not being carried out is forgotten, with what was uploaded."""
        with self._lock:
            self._refuse_another(by, key)
            if self.now is not None and self.now.phase is Phase.WORKING:
                self._halt(store, by, self.now)
            else:
                self._note_stopped(store, by)
                self._end_work()
                self.clear()
                self.now = None

    def _refuse_another(self, by: str, key: str | None) -> None:
        if self.now is not None and key != self.now.key and (key is not None or by != self.now.by):
            raise Refusal("Another table was uploaded since; look at it before you stop it.")

    def _halt(self, store: sqlite3.Connection, by: str, now: Import) -> None:
        self._end_work()
        # It may have come to its end by itself; and one that is not on record can be stopped once more.
        if now.phase is Phase.WORKING:
            self._note_stopped(store, by)
            now.phase = Phase.STOPPED

    def _end_work(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _note_stopped(self, store: sqlite3.Connection, by: str) -> None:
        """Put on record who ends an import of which something may still come, and how far it was."""
        now = self.now
        if now is not None and now.lasts:
            of: dict[str, object] = {"rows": len(now.rows), "by": by, "uploaded_by": now.by, "phase": now.phase}
            if not now.is_rehearsal:
                of |= now.counts()
            audit.append(store, AuditEvent(Kind.IMPORT_STOPPED, of))

    def _read(
        self, files: list[tuple[str, BinaryIO]], language: str, encoding: str | None, ended: frozenset[str]
    ) -> Import:
        from enroll.rows import photos_lacking, read_rows
        from enroll.tables.headings import COLUMNS
        from enroll.tables.open import open_table

        path, called = keep_files(files, self._folder)
        table = open_table(path, COLUMNS, encoding, called)
        rows, refused = read_rows(table, path.parent, self._decoder, language, ended)
        return Import(rows, refused, table.read_as, language, photos_lacking(table, path.parent))

    def _work(
        self, job: Import, ends_as: Phase, by: str | None, may_go_on: Callable[[sqlite3.Connection], bool] = _always
    ) -> None:
        self._stop.clear()
        asked = (job, ends_as, by, may_go_on)
        self._thread = threading.Thread(target=self._run, args=asked, name="import", daemon=True)
        self._thread.start()

    def _run(
        self, job: Import, ends_as: Phase, by: str | None, may_go_on: Callable[[sqlite3.Connection], bool]
    ) -> None:
        ended = job.phase
        try:
            # Linux schedules each thread by itself; whatever else wants the core gets it at once.
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))
            if self._each_row(job, by, may_go_on):
                ended = ends_as
        except (FacegateError, PackError) as error:
            _log.error("The import ended early: %s", error)
            job.problem = error.plain if isinstance(error, FacegateError) else NO_MODELS
            ended = Phase.FAILED
        except Exception:
            _log.exception("The import ended early")
            job.problem = Sentence("Something went wrong in the gate's own program; it is in its log.")
            ended = Phase.FAILED
        if ended is not Phase.REHEARSED:
            self.clear()
        # Last: whoever reads that it has ended finds nothing of it left.
        job.phase = ended

    def _each_row(self, job: Import, by: str | None, may_go_on: Callable[[sqlite3.Connection], bool]) -> bool:
        """Rehearse the rows (`by` None) or do them; whether all of them were reached. Raises Refusal."""
        from enroll.bulk import as_rehearsed, carry_out
        from enroll.enrolment import known_faces

        with (
            closing(open_database(self._state)) as store,
            sentences(database_of(self._state)),
            closing(store if by else people_in_memory(store)) as people,
        ):
            with self._enroller.turn() as models:
                known = known_faces(people, models)
            for row in job.rows:
                if self._stop.is_set():
                    return False
                if not may_go_on(store):
                    raise Refusal("Whoever began this import may no longer do so; upload it again to go on.")
                # A row at a time: somebody enrolled at the desk meanwhile waits for one, not for all.
                with self._enroller.turn() as models:
                    meant = as_rehearsed(row, job.seen(row.line), job.another_than(row.line))
                    job.outcomes.append(carry_out(people, models, meant, by or "a rehearsal", known))
        return True
