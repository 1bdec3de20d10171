"""What an installer chooses about how long things are kept."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

_LONGEST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """How long things are kept, in days. Raises ValueError."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    record_days: int = 90
    """Lines of the record; older ones are pruned each night, and the rest still verifies."""

    unused_face_days: int = 365
    """A face that opened nothing for so long: consent and templates end, the resident stays. Made shorter, it ends none
    before the 31st night from then."""

    moved_out_days: int = 30
    """A resident whose last day is so long ago: erased. Made shorter, it erases nobody before the 31st night from
    then."""

    pass_days: int = 30
    """A visitor's pass that was over so long ago: erased, and who they were in the record."""

    old_copy_days: int = 30
    """An old copy of the database beside it, such as the one a restore put aside, and a backup in the state's own
    folder: removed, but for the newest backup."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 1 <= getattr(self, field.name) <= _LONGEST_DAYS:
                raise ValueError(f"{field.name} must be between 1 and {_LONGEST_DAYS} days")
