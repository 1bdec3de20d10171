"""How often people of one group are taken for one another, by `facegate eval` as a user runs it: the first look alone,
and as the pack is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluate.folder import photos_in

RATES = ("0.01", "0.001", "0.0001")

pytestmark = pytest.mark.soak


@pytest.fixture
def lfw(shared: Path, tmp_path: Path) -> Path:
    """LFW, with those who have East Asian names as a group."""
    folder = tmp_path / "lfw"
    folder.mkdir()
    for person in (shared / "faces" / "lfw").iterdir():
        (folder / person.name).symlink_to(person)
    named = (shared / "faces" / "lfw_east_asian.txt").read_text("utf-8").split()
    _write_groups(folder, [(name, "East Asian names") for name in named])
    return folder


@pytest.fixture
def utk(shared: Path, tmp_path: Path) -> Path:
    """UTKFace, each picture a person of two groups: nobody is known to be on two of them."""
    folder, rows = tmp_path / "utk", []
    for group in sorted((shared / "faces" / "utk").iterdir()):
        for photo in photos_in(group):
            person = f"{group.name}-{photo.stem}"
            (folder / person).mkdir(parents=True)
            (folder / person / photo.name).symlink_to(photo)
            _, sex, _ = photo.stem.split("_")
            rows += [(person, group.name), (person, {"f": "women", "m": "men"}[sex])]
    _write_groups(folder, rows)
    return folder


def _write_groups(folder: Path, rows: list[tuple[str, str]]) -> None:
    (folder / "groups.csv").write_text("person,group\n" + "".join(f"{one},{group}\n" for one, group in rows), "utf-8")


Compared = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
def compared(facegate: Callable[..., Any]) -> Callable[[Path], Compared]:
    """The groups of a folder by the first look alone, and by the pack as it is; printed."""

    def run(folder: Path) -> Compared:
        first, both = (
            facegate("eval", folder, *without, "--json", timeout_s=3600).answer["groups"]
            for without in (("--without", "second-look"), ())
        )
        print(f"\n{folder.name}: times the rate over all, at 1e-2, 1e-3, 1e-4; missed; first look alone, then both")
        for group, one in first.items():
            print(f"{group:18} {one['people']:5} people   {_told(one)}   {_told(both[group])}")
        return first, both

    return run


def test_people_of_one_region_are_taken_for_one_another_less_often_with_a_second_look(
    compared: Callable[[Path], Compared], lfw: Path
) -> None:
    first, both = (one["East Asian names"]["fmr_within"] for one in compared(lfw))
    assert both["0.001"] <= first["0.001"] / 2


def test_the_hardest_group_of_poorer_pictures_fares_no_worse_with_a_second_look(
    compared: Callable[[Path], Compared], utk: Path
) -> None:
    first, both = (max(one["fmr_within"]["0.001"] for one in groups.values()) for groups in compared(utk))
    assert both <= first


def _told(group: dict[str, Any]) -> str:
    times = ", ".join(f"{group['fmr_within'][rate] / float(rate):5.1f}" for rate in RATES)
    return f"{times}; {'-' if group['fnir'] is None else '%.1f' % (100 * group['fnir'])} %"
