"""What the gate is doing, in words: each thing once, though lock and leaf may both tell of it. Pure."""

from __future__ import annotations

from api.wording import LEAVES, MODES
from gate.errors import Sentence

# Alone where the lock is as ever: what is shut is closed, and what stands open is not.
_ALONE: dict[str, Sentence] = {
    "open": Sentence("The gate is open"),
    "pre_alarm": Sentence("The gate has been open for a while"),
    "held_open": Sentence("The gate was left open"),
    "forced": Sentence("The gate was forced open"),
}
_OPEN = ("fire", "fire_pause", "manual_hold", "free_access")
_OPENING = ("pulse", "extended_pulse", "egress")


def door_words(mode: str, leaf: str | None) -> tuple[str, ...]:
    """One or two sentences, the first the weightier; words of a door of another version are shown as they are.

    >>> [str(one) for one in door_words("fire", "open")], [str(one) for one in door_words("lockdown", "open")]
    (['Fire: open'], ['Lockdown', 'the gate stands open'])
    """
    lock = MODES.get(mode, mode)
    if mode == "normal" and leaf in _ALONE:
        return (_ALONE[leaf],)
    said_already = leaf == "shut" if mode in ("normal", *_OPENING) else mode in _OPEN and leaf != "forced"
    return (lock,) if leaf is None or said_already else (lock, LEAVES.get(leaf, leaf))
