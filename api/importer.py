"""Imports over HTTP: one at a time, unpacked into the state, rehearsed, and carried out when somebody says so."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from api import revoked
from api.enroller import Enroller
from api.import_files import keep_alone, keep_files
from api.imported import Import, Phase
from api.problems import NO_MODELS
from enroll.decoder.parent import Decoder
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.copy_rows import people_in_memory
from gate.store.database import database_of, open_database, sentences
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from models.errors import PackError

_log = logging.getLogger(__name__)

# A rehearsal that nobody carries out ends after a day, seconds.
_WAITS_S = 24 * 3600.0
# As the record calls whoever ends one so.
_ITSELF = "the gate itself"
_UNUSED = Sentence("Nobody confirmed it within a day, so that it and its photos are forgotten; upload it again.")


def _always(_store: sqlite3.Connection) -> bool:
    return True


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

        Of what was uploaded only photos that a row names are kept. `language` is the one of the consents whose row
        names none, `encoding` that of a CSV, where somebody said it.
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
                found = self._read(store, files, language, encoding)
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
        self.forget_revoked()
        with self._lock:
            if self.now is not None and self.now.problem in (_UNUSED, revoked.UNKNOWN):
                raise Refusal(str(self.now.problem))
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

    def forget_revoked(self) -> None:
        """Keep nothing of whoever was erased or withdrew since the table was read: no photo, no name, no line that is
        yet to be done. Where it cannot be told whether one of them is among its lines, it ends. Raises StoreError."""
        with self._lock, self._store() as store:
            now = self.now
            if now is None or now.at_work:
                return
            if now.lasts and revoked.may_be_among(store, now):
                self._end_by_itself(store, now, revoked.UNKNOWN)
                return
            self.now = revoked.without(store, now)
            if self.now.lasts:
                keep_alone(self.now.photos(), self._folder)

    def end_old(self, now_mono: float) -> None:
        """End a rehearsal that nobody confirmed for a day; monotonic seconds. Raises StoreError."""
        with self._lock, self._store() as store:
            now = self.now
            if now is not None and now.phase is Phase.REHEARSED and now_mono - now.read_mono > _WAITS_S:
                self._end_by_itself(store, now, _UNUSED)

    def _end_by_itself(self, store: sqlite3.Connection, now: Import, why: Sentence) -> None:
        self._note_stopped(store, _ITSELF)
        self.clear()
        self.now = replace(now, rows=[], refused=[], outcomes=[], phase=Phase.FAILED, problem=why, remark=None)

    @contextmanager
    def _store(self) -> Iterator[sqlite3.Connection]:
        with closing(open_database(self._state)) as store, sentences(database_of(self._state)):
            yield store

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
        self, store: sqlite3.Connection, files: list[tuple[str, BinaryIO]], language: str, encoding: str | None
    ) -> Import:
        from enroll.rows import photos_lacking, read_rows
        from enroll.tables.headings import COLUMNS
        from enroll.tables.open import open_table

        path, called = keep_files(files, self._folder)
        known = revoked.known(store)
        table = open_table(path, COLUMNS, encoding, called)
        rows, refused = read_rows(table, path.parent, self._decoder, language, known.ended)
        lacking = photos_lacking(table, path.parent)
        found = Import(rows, revoked.of_known(store, refused), table.read_as, language, lacking, known=known)
        # What is read needs its table no more, and nobody asked for the other photos.
        keep_alone(found.photos(), self._folder)
        return found

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
            with self._enroller.turn_if_any() as models:
                known = None if models is None else known_faces(people, models)
            for row in job.rows:
                if self._stop.is_set():
                    return False
                if by and revoked.may_be_among(store, job):
                    raise Refusal(revoked.UNKNOWN)
                if not may_go_on(store):
                    raise Refusal("Whoever began this import may no longer do so; upload it again to go on.")
                # A row at a time: somebody enrolled at the desk meanwhile waits for one, not for all.
                with self._enroller.turn_if_any() as models:
                    meant = as_rehearsed(row, job.seen(row.line), job.another_than(row.line))
                    job.outcomes.append(carry_out(people, models, meant, by or "a rehearsal", known))
        return True
