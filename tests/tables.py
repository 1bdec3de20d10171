"""A table with every fault that tables have, for as many rows as a test wants."""

import csv
import io
from itertools import cycle

HEAD = ("name", "unit", "group", "from", "until", "photos", "consent")
ZWNJ, HARD, WIDE = "\u200c", "\u00a0", "\u3000"


def faults(good, poor, others, gone):
    """What is wrong with a row, or odd: a function of its number to its cells.

    `good`, `poor` and `others` are file names of photos of one person, of photos that will not do, and of other people.
    """
    return (
        lambda n: (f"Person {n}", f"{n}", "", "", "", "", ""),
        lambda n: (f"Person {n}", f"{n}", "", "", "2026/12/31", next(good), "told"),
        lambda n: (f"Person {n}", f"{n}", "", "1.1.2026", "31.12.2026", next(good), "paper"),
        lambda n: (f"Person {n}", f"{n}", "", "2026年1月5日", "20261231", "", ""),
        lambda n: (f"Person {n}", f"{n}", "", "", "29.02.2026", next(good), "told"),
        lambda n: (f"Person {n}", f"{n}", "", "2026-06-01", "2026-05-31", next(good), "told"),
        lambda n: (f"Person {n}", f"{n}", "", "", "03/04/2026", "", ""),
        lambda n: (f"Person {n}", f"{n}", "", "", "when it is over", "", ""),
        lambda n: (f"Person {n}", f"{n}", "", "", "", f"{next(good)};{next(poor)}", "told"),
        lambda n: (f"Person {n}", f"{n}", "", "", "", next(poor), "told"),
        lambda n: (f"Person {n}", f"{n}", "", "", "", f"{next(good)};{next(others)}", "told"),
        lambda n: (f"Person {n}", f"{n}", "", "", "", gone, "told"),
        lambda n: (f"Person {n}", f"{n}", "", "", "", next(good), ""),
        lambda n: (f"Person {n}", f"{n}", "nobody's group", "", "", "", ""),
        lambda n: (f"Person{HARD}{n - 14}", f"{HARD}{n - 14}", "", "", "", "", ""),
        lambda n: (f"علی{ZWNJ}رضا {n}", f"{n}", "", "", "", "", ""),
        lambda n: (f"علیرضا {n - 1}", f"{n - 1}", "", "", "2026-12-31", "", ""),
        lambda n: (f"An{ZWNJ}n {n}", f"{n}", "", "", "", "", ""),
        lambda n: (f"Ann\u202e {n}", f"{n}", "", "", "", "", ""),
        lambda n: (f"Jose\u0301 {n}", f"{n}", "", "", "", "", ""),
        lambda n: (f"José{WIDE}{n - 1}", "", "", "2026-02-30", "", "", ""),
        lambda n: (f"=Li;=1+2 {n}", f"-{n}", "", "", "", "", ""),
        lambda n: (f"Moved {n}", "", "", "", "", "", ""),
        lambda n: (f"Moved{HARD}{n - 1}", f"{n}", "", "", "2026-12-31T00:00:00", next(good), "screen"),
        lambda n: ("", f"{n}", "", "", "", "", ""),
    )  # fmt: skip


def table(rows, good, poor, others, *, separator=";"):
    """The text of a CSV with so many rows."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow((*HEAD, "", ""))
    each = faults(cycle(good), cycle(poor), cycle(others), "nowhere.jpg")
    for number in range(rows):
        writer.writerow((*each[number % len(each)](number), "", ""))
    return f"sep={separator}\r\n{out.getvalue()}"
