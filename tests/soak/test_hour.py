"""An hour of real video before a gate: vision's memory does not grow, and nothing is decided on an old frame."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from gate.store.database import database_of
from gate.store.people.consents import NO_PERSON
from tests.enrolling import enrol_photos
from tests.running import ask, gate_running, pid_of, wait_for

SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
EVERY_S = 5.0
OLDEST_MS = 200

pytestmark = pytest.mark.soak


def test_an_hour_of_real_video(shared: Path, models, models_dir, state, store) -> None:
    media = shared / "media"
    enrol_photos(store, models, "Lin", [media / "lin-manuel-miranda.png"], consent=NO_PERSON)
    memory = []
    with gate_running(models_dir, state, media / "short_hamilton_clip.mp4"):
        wait_for(lambda: (ask(state, "vision", do="status") or {}).get("embedded"), 60, "vision sees nobody")
        pid = pid_of(state, "vision")
        began = time.monotonic()
        while (passed := time.monotonic() - began) < SECONDS:
            memory.append((passed, *resident_mb(pid)))
            time.sleep(EVERY_S)
        assert pid_of(state, "vision") == pid, "vision ended on the way"
    with closing(sqlite3.connect(database_of(state))) as reader:
        lines = [json.loads(details) for (details,) in reader.execute(
            "SELECT details FROM audit WHERE kind IN ('granted', 'denied')")]  # fmt: skip
    ages = np.array([line["frame_age_ms"] for line in lines if "frame_age_ms" in line])
    granted = sum("frame_to_relay_ms" in line for line in lines)
    at, own, mapped = np.array(memory).T
    early, late = at <= SECONDS / 6, at >= SECONDS * 5 / 6
    change = own[late].mean() / own[early].mean() - 1
    print(f"\n{SECONDS:.0f} s of looped video, {len(ages)} claims decided, {granted} opened the gate")
    print(f"vision's own memory: first sixth {own[early].mean():.1f} MB, last {own[late].mean():.1f}, {change:+.2%}")
    print(f"pages of files: first sixth {mapped[early].mean():.1f} MB, last sixth {mapped[late].mean():.1f} MB")
    print(f"age of the frame a claim was decided on: median {np.median(ages):.1f} ms, oldest {ages.max():.1f} ms")
    assert granted
    assert abs(change) <= 0.02
    assert ages.max() <= OLDEST_MS


def resident_mb(pid: int) -> tuple[float, float]:
    """What vision itself holds, and the pages of files it maps, which the kernel drops and reads again as it likes."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    own, mapped = (int(status[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
    return own, mapped
