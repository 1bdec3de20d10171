"""What every section of the settings is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _no_empty_path(value: Any) -> Any:
    if value == "":
        # It would be the folder in which the program happens to run.
        raise ValueError("it is empty; leave the key out where there is none")
    return value


NamedPath = Annotated[Path, BeforeValidator(_no_empty_path)]
"""A path that names something."""


class Section(BaseModel):
    """Frozen; a key it does not have is an error, and its numbers are numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
