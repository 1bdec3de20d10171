"""The site as a whole: its homes, the settings in effect, its backups."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.actors import ConfirmedOwner, Owner, Registrar
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES
from gate.care import backup
from gate.config import shown
from gate.errors import Sentence
from gate.store.database import StoreError
from gate.store.people import residents

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["site"], responses=RESPONSES)

_KEPT_BY_HAND = 5
_BY_HAND = "by-hand"
_NOT_MADE = Sentence("The backup cannot be made: {why}.")


class Unit(BaseModel):
    """A home, by what its residents are said to live in."""

    unit: str | None
    residents: int
    faces: int = Field(description="How many of them are known by face.")


class Backup(BaseModel):
    """A backup on the gate's own disk. It holds templates and names, and leaves the gate by the console alone."""

    file: str = Field(description="Its place in the state's own folder of backups.")
    bytes: int
    by_hand: bool = Field(description="Whether somebody asked for it; those of the night are kept apart.")


@router.get("/units")
def list_units(connection: Store, _actor: Registrar) -> list[Unit]:
    """All homes by name; null: nobody said where."""
    return [Unit(unit=unit, residents=count, faces=faces) for unit, count, faces in residents.units(connection)]


@router.get("/settings")
def show_settings(context: Shared, _actor: Owner) -> dict[str, Any]:
    """The settings in effect, by section, without the camera's password. They are changed on the gate's machine."""
    return shown(context.settings)


@router.get("/backups")
def list_backups(context: Shared, _actor: Owner) -> list[Backup]:
    """Those in the state's own folder, the newest first."""
    return [_shown(context, path) for path in backups_of(context)]


@router.post("/backups", status_code=201)
def make_backup(
    context: Shared, connection: Store, actor: ConfirmedOwner, idempotency_key: IdempotencyKey = None
) -> Backup:
    """Make one now, verified. It is on record."""

    def make() -> str:
        return _shown(context, back_up(context)).model_dump_json()

    return Backup.model_validate_json(answered_once(connection, actor, idempotency_key, (b"backup",), make))


def backups_of(context: Context) -> list[Path]:
    """Those of the night and those by hand, the newest first."""
    found = [path for folder in (_folder(context), _by_hand(context)) for path in backup.of_folder(folder)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def back_up(context: Context) -> Path:
    """Make one by hand, and let the oldest of those go: never one of the night's.

    Raises StoreError where the database is not sound or the disk is full.
    """
    try:
        made = backup.make(context.state, _by_hand(context), _readable(context.config))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(_NOT_MADE, why=error) from error
    backup.keep_newest(_by_hand(context), _KEPT_BY_HAND, made.path)
    return made.path


def _readable(config: Path | None) -> Path | None:
    """On a gate the configuration is root's alone; a backup made by root holds it."""
    return config if config is not None and os.access(config, os.R_OK) else None


def _shown(context: Context, path: Path) -> Backup:
    by_hand = path.parent == _by_hand(context)
    return Backup(file=name_of(context, path), bytes=path.stat().st_size, by_hand=by_hand)


def name_of(context: Context, path: Path) -> str:
    """What a backup is called: its place in the state's own folder."""
    return str(path.relative_to(_folder(context)))


def _by_hand(context: Context) -> Path:
    return _folder(context) / _BY_HAND


def _folder(context: Context) -> Path:
    return backup.own_folder(context.state)
