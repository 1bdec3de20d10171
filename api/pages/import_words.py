"""What an import is called by people: how far it is, and what becomes of a line."""

from __future__ import annotations

from api.imported import Phase
from gate.errors import Sentence

PHASES: dict[str, Sentence] = {
    Phase.REHEARSING: Sentence("Rehearsing"),
    Phase.REHEARSED: Sentence("This would change"),
    Phase.WORKING: Sentence("Enrolling"),
    Phase.DONE: Sentence("Done"),
    Phase.STOPPED: Sentence("Stopped"),
    Phase.FAILED: Sentence("It ended early"),
}

REHEARSED: dict[str, Sentence] = {
    "added": Sentence("to be added without a face"),
    "enrolled": Sentence("to be enrolled"),
    "changed": Sentence("to be changed"),
    "known": Sentence("there already"),
    "refused": Sentence("not to be imported"),
}

DONE: dict[str, Sentence] = {
    "added": Sentence("added without a face"),
    "enrolled": Sentence("enrolled"),
    "changed": Sentence("changed"),
    "known": Sentence("there already"),
    "refused": Sentence("not imported"),
}
