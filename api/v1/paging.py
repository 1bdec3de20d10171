"""A list that is asked for in parts, each after the last one of the part before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from api.problems import HttpProblem
from gate.errors import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

_GONE = Sentence("What this list is to go on after was removed: ask for it from the beginning, without `after`.")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_One = TypeVar("_One", bound=_HasId)


def part_of(found: Sequence[_One], after: str | None, count: int) -> tuple[Sequence[_One], str | None]:
    """At most `count` (at least one) of what was found that follow on the one with the id `after` (None: the first),
    and the id after which more follow, if any do.

    Raises HttpProblem (409) where there is none of that id: nobody knows what was told before it.
    """
    start = 0
    if after is not None:
        at = next((at for at, one in enumerate(found) if one.id == after), None)
        if at is None:
            raise HttpProblem(409, _GONE)
        start = at + 1
    part = found[start : start + max(1, count)]
    return part, part[-1].id if start + len(part) < len(found) else None
