"""The groups that the door's settings name, and what follows where there is none of that name. Pure."""

from __future__ import annotations

from collections.abc import Collection

from gate.door.settings import DoorSettings
from gate.errors import Sentence

_FIRST = Sentence(
    "The setting door.first_person_group names the group {group}, which does not exist, so the gate never stands open"
    " by its hours. Make the group, or mend the setting."
)
_ESCORTED = Sentence(
    "The setting door.escorted_group names the group {group}, which does not exist, so nobody needs an escort. Make the"
    " group, or mend the setting."
)
_ESCORT = Sentence(
    "The setting door.escort_group names the group {group}, which does not exist, so nobody can bring those who need an"
    " escort, and they are not let in. Make the group, or mend the setting."
)


def missing(settings: DoorSettings, groups: Collection[str]) -> list[Sentence]:
    """A sentence for each setting that names a group which is not among those that there are."""
    named = (
        (settings.first_person_group, _FIRST), (settings.escorted_group, _ESCORTED), (settings.escort_group, _ESCORT)
    )  # fmt: skip
    return [Sentence(words, group=group) for group, words in named if group is not None and group not in groups]
