"""An escort: those of one group are let in only soon after one of another was. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Escort:
    """Who needs somebody with them, and when one of those was let in last. Times are monotonic seconds.

    A restart forgets it: whoever is waited for shows themselves once more.
    """

    escorted: str | None = None
    """The group that needs one, by its name; None: nobody does."""
    escorting: str | None = None
    """The group of which one must have been let in."""
    within_s: float = 30.0
    let_in_mono: float = float("-inf")

    def after(self, group: str | None, now: float) -> Escort:
        """After somebody of this group (None: of none) was let in."""
        return replace(self, let_in_mono=now) if group is not None and group == self.escorting else self

    def is_missing(self, group: str | None, now: float) -> bool:
        """Whether somebody of this group is not let in now, since nobody came with them."""
        needs = group is not None and group == self.escorted
        return needs and not 0 <= now - self.let_in_mono <= self.within_s
