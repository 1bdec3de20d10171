"""What a gate writes to its card, where the kernel hands it to the disk: while nobody comes, and while many do."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter, deque
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from evaluate.demo.walkup import Scene, footage, write_video
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.door import CONTACT, claim, drive
from tests.running import ask, gate_running, of_kind, wait_for

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
# As docs/upkeep.md has its reader mount the state.
OPTIONS = os.environ.get("SOAK_MOUNT", "noatime,lazytime")
# A day's passages in less than a day, but not so close that the file system would write for several at once: it waits
# five seconds.
PASSAGES_A_DAY, APART_S = 2000, 5.5
# At a gate no service is root: as root SQLite says of its files anew whose they are, each time it opens them.
NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
MOST_IDLE_MB, MOST_BUSY_MB = 5.0, 20.0
TRACING = Path("/sys/kernel/tracing")
_BLOCK, _SECTOR = 4096, 512
_ISSUED = re.compile(r"block_rq_issue: \S+ (\w+) \d+ \(.*?\) (\d+) \+ (\d+) ")
_EXTENT = re.compile(r"^\s*\d+:\s+\d+\.\.\s*\d+:\s+(\d+)\.\.\s*(\d+):", re.MULTILINE)

pytestmark = pytest.mark.soak


class Card:
    """A file system of its own on a disk of its own, so that what is written to it is the gate's alone."""

    def __init__(self, folder):
        image, self.at = folder / "card.img", folder / "card"
        self.at.mkdir()
        with image.open("wb") as file:
            file.truncate(256 << 20)
        # All of it now: what a new file system does by itself later would be counted as the gate's.
        _run("mkfs.ext4", "-q", "-b", str(_BLOCK), "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        self.device = _run("losetup", "--find", "--show", image).strip()
        _run("mount", "-o", OPTIONS, self.device, self.at)
        self._name = Path(self.device).name
        self._traced = TRACING / "instances" / f"facegate-{self._name}"
        major, minor = map(int, Path(f"/sys/block/{self._name}/dev").read_text().split(":"))
        self._traced.mkdir()
        (self._traced / "buffer_size_kb").write_text("16384")
        event = self._traced / "events/block/block_rq_issue"
        (event / "filter").write_text(f"dev == {major << 20 | minor}")
        (event / "enable").write_text("1")

    def end(self):
        self._traced.rmdir()
        _run("umount", self.at)
        _run("losetup", "--detach", self.device)

    def written(self):
        """Bytes since its first mount, as the disk counts them."""
        _run("sync", "--file-system", self.at)
        return int(Path(f"/sys/block/{self._name}/stat").read_text().split()[6]) * _SECTOR

    @contextmanager
    def told(self):
        """Yields a counter that holds, once the block has ended, how many bytes were written and to what."""
        found, before = Counter(), self.written()
        (self._traced / "trace").write_text("")
        yield found
        written = self.written() - before
        places = self._places()
        for operation, sector, count in _ISSUED.findall((self._traced / "trace").read_text()):
            if "W" in operation:
                for block in range(int(sector) * _SECTOR // _BLOCK, (int(sector) + int(count)) * _SECTOR // _BLOCK):
                    found[places.get(block, "inodes, bitmaps, files that were replaced")] += _BLOCK
        assert found.total() <= written * 1.05 + _BLOCK, (found, written)
        found["what the kernel told nothing of"] = max(0, written - found.total())

    def _places(self):
        """What lies in each block."""
        blocks = _run("debugfs", "-R", "blocks <8>", self.device).split()
        places = dict.fromkeys(map(int, blocks), "the file system's journal")
        for path in self.at.rglob("*"):
            if path.is_file() and not path.is_symlink():
                for first, last in _EXTENT.findall(_run("filefrag", "-v", path)):
                    places |= dict.fromkeys(range(int(first), int(last) + 1), str(path.relative_to(self.at)))
        return places


@pytest.fixture
def card(tmp_path):
    """A card, mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a card")
    absent = [name for name in ("mkfs.ext4", "losetup", "filefrag", "debugfs") if shutil.which(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} missing")
    if not (TRACING / "instances").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=False)
    if not (TRACING / "events/block").is_dir():
        pytest.skip("this kernel does not tell what it writes to a disk")
    card = Card(tmp_path)
    yield card
    card.end()


def test_what_is_written_while_nobody_comes_and_while_many_do(card, tmp_path, models_dir):
    state, empty = card.at / "state", tmp_path / "empty.mp4"
    write_video(empty, footage([Scene(None, 2.0)], 1))
    state.mkdir()
    # As at a gate: what a start leaves is in memory.
    (tmp_path / "run").mkdir()
    (state / "run").symlink_to(tmp_path / "run")
    with closing(open_database(state)) as store:
        face = [Template("m", "s", {}, b"")]
        people = [residents.enrol(store, f"Resident {one}", "3-1204", face, NO_PERSON).id for one in range(20)]
    with gate_running(models_dir, state, empty, NOT_ROOT, FACEGATE_DOOR__CONTACT_PIN=str(CONTACT)) as process:
        is_up(process, state)
        with card.told() as idle:
            time.sleep(SECONDS)
        with card.told() as busy:
            began, passages = time.monotonic(), 0
            while time.monotonic() < began + SECONDS:
                passes(state, people[passages % len(people)], passages)
                passages += 1
                time.sleep(max(0.0, began + passages * APART_S - time.monotonic()))
        assert len(of_kind_now(state, "passage")) == passages
        idle_mb, day = told_of(idle, busy, passages)
    assert idle_mb <= MOST_IDLE_MB
    assert day <= MOST_BUSY_MB


def told_of(idle, busy, passages):
    """The table, by what was written to; returns MB an hour while idle, and with a day's passages."""
    idle_mb = {name: count / 1e6 / (SECONDS / 3600) for name, count in idle.items()}
    by_passage = {name: (busy[name] - idle[name]) / 1e3 / passages for name in {*idle, *busy}}
    day = {name: idle_mb.get(name, 0.0) + each / 1e3 * PASSAGES_A_DAY / 24 for name, each in by_passage.items()}
    print(f"\n{SECONDS:.0f} s idle and as long with {passages} passages, mounted with {OPTIONS}")
    print(f"{'':42} MB/h idle   KB a passage   MB/h with {PASSAGES_A_DAY} a day")
    for name in sorted(day, key=day.__getitem__, reverse=True):
        print(f"{name:42} {idle_mb.get(name, 0.0):9.2f} {by_passage[name]:14.1f} {day[name]:15.2f}")
    sums = [sum(column.values()) for column in (idle_mb, by_passage, day)]
    print(f"{'in all':42} {sums[0]:9.2f} {sums[1]:14.1f} {sums[2]:15.2f}")
    return sums[0], sums[2]


def is_up(process, state):
    """All of it has started, and the door's leaf is shut."""
    waited_for = {"door ready", "vision ready", "api ready"}
    while waited_for:
        waited_for.discard(process.stdout.readline().strip())
    # It says more than a pipe holds that nobody reads.
    threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
    drive(state, CONTACT, 0)


def passes(state, who, number):
    """Vision's claim of a resident, as the door hears it; they are let in and go through."""
    answer = ask(state, "door", **claim(who, number))
    assert answer["granted"], answer
    for leaf, level in (("open", 1), ("shut", 0)):
        drive(state, CONTACT, level)
        wait_for(lambda leaf=leaf: (ask(state, "door", do="status") or {}).get("leaf") == leaf, 10, f"it is not {leaf}")
    wait_for(lambda: (ask(state, "door", do="status") or {}).get("at_rest"), 10, "the door does not come to rest")


def of_kind_now(state, kind):
    with closing(open_database(state)) as store:
        return of_kind(store, kind)


def _run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
