"""Everyone as a table that `facegate import` reads again; with templates only where they are asked for."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator

from enroll.tables.headings import AREA, COLUMNS, TOLD_ONLY
from gate.spreadsheet import csv_line
from gate.store.people import credentials, residents
from gate.store.site import areas
from gate.vocabulary import Method


def table(connection: sqlite3.Connection) -> Iterator[str]:
    """The lines of a CSV in UTF-8, without faces and codes: no photo is kept that could go with it, and no PIN."""
    # A spreadsheet takes UTF-8 for what it is when the file says so.
    has_areas = bool(areas.every(connection))
    columns = [one for one in COLUMNS if one != AREA or has_areas]
    yield "\ufeff" + csv_line((*columns, TOLD_ONLY))
    others = credentials.having(connection)
    for one in residents.every(connection):
        cells = {
            "name": one.name, "unit": one.unit, "group": one.group, "area": one.area, "hours": one.schedule,
            "from": one.valid_from, "until": one.valid_until, "more_time": "yes" if one.extended else None,
        }  # fmt: skip
        ways = [way for way in Method if way in others.get(one.id, ()) or (way is Method.FACE and one.templates)]
        yield csv_line((*(cells.get(column) for column in columns), " ".join(ways)))


def with_templates(connection: sqlite3.Connection) -> Iterator[str]:
    """JSON Lines, a resident each, with their templates: who holds this file can look for these people elsewhere."""
    for one in residents.every(connection):
        rows = connection.execute(
            "SELECT model, source, quality, vector, created_at FROM templates WHERE resident_id = ? ORDER BY rowid",
            (one.id,),
        )
        templates = [
            {
                "model": model,
                "source": source,
                "quality": json.loads(quality),
                "vector": base64.b64encode(vector).decode("ascii"),
                "created_at": created_at,
            }
            for model, source, quality, vector, created_at in rows
        ]
        person = {
            "id": one.id, "name": one.name, "unit": one.unit, "group": one.group, "area": one.area,
            "hours": one.schedule, "from": one.valid_from, "until": one.valid_until, "more_time": one.extended,
            "templates": templates,
        }  # fmt: skip
        yield json.dumps(person, ensure_ascii=False) + "\n"
