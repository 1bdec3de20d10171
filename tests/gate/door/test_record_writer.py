import logging
import time

from gate.door.record_writer import RecordWriter
from gate.store.record import audit
from gate.store.record.anchors import LINES_APART, heard
from gate.vocabulary import AuditEvent
from tests.running import wait_for


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def test_events_are_written_in_order_and_flushed_at_the_end(state, store):
    writer = RecordWriter(state)
    for number in range(50):
        writer.put(AuditEvent(f"event-{number}"))
    writer.close()
    assert kinds(store) == [f"event-{number}" for number in range(50)]
    assert writer.waiting == 0
    assert 0 <= writer.age_s(time.monotonic()) < 60


def test_a_database_that_cannot_be_written_is_tried_again_and_told_once(state, store, caplog):
    store.execute("ALTER TABLE gate RENAME TO hidden")
    writer = RecordWriter(state)
    with caplog.at_level(logging.ERROR):
        writer.put(AuditEvent("kept"))
        wait_for(lambda: caplog.records)
        store.execute("ALTER TABLE hidden RENAME TO gate")
        wait_for(lambda: writer.age_s(0.0) is not None)
    writer.close()
    assert len(caplog.records) == 1
    assert kinds(store) == ["kept"]


def test_the_records_end_is_said_at_the_start_and_after_some_lines(state, store, caplog):
    with caplog.at_level(logging.INFO):
        writer = RecordWriter(state)
        for number in range(2 * LINES_APART + 3):
            writer.put(AuditEvent(f"event-{number}"))
        writer.close()
    said = [anchor for record in caplog.records if (anchor := heard(record.getMessage()))]
    assert 1 <= len(said) <= 5
    assert said[-1] == audit.anchor(store), "the last of all when it stops"
    hashes = {line.sequence: line.hash for line in audit.lines(store)}
    assert all(hashes[one.sequence] == one.hash for one in said)


def test_an_event_that_cannot_be_written_holds_up_no_other(state, store, caplog):
    writer = RecordWriter(state)
    with caplog.at_level(logging.ERROR):
        writer.put(AuditEvent("impossible", {"similarity": float("nan")}))
        writer.put(AuditEvent("possible"))
        writer.close()
    assert kinds(store) == ["possible"]
    assert "left out: impossible" in caplog.text


def test_what_is_lost_at_the_end_is_said(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    writer = RecordWriter(tmp_path / "file")
    with caplog.at_level(logging.ERROR):
        writer.put(AuditEvent("lost"))
        writer.close(within_s=0.5)
    assert "could not be written to the record and are lost" in caplog.text
