"""A link by which a resident sends a photo of their own, as it stands. What happens to it is `photo_links`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.store.people.consents import Consent

# How often something may be sent by one link, good or poor, whole or cut short.
MOST_TRIES = 30
# A phone's camera is judged by it too, but for the last of them: what it was told is good can still be sent.
MOST_TRIES_BY_CAMERA = 20


class NotTaken(StrEnum):
    """Why somebody of the staff did not take what was sent. The resident reads it when they open the link again."""

    ANOTHER = "another"
    """It shows somebody else."""
    POOR = "poor"
    """The face cannot be made out well enough."""
    COME = "come"
    """They are asked to come to the office."""
    LOST = "lost"
    """Nobody had seen it when the api was started again."""


@dataclass(frozen=True, slots=True)
class PhotoLink:
    """One link as it stands. Times are ISO 8601, UTC."""

    id: str
    resident: str
    """The id of whom it is for."""
    secret_sha256: str
    made_by: str
    made_at: str
    ends_at: str
    tries: int
    device: str | None
    """The hash of what the browser is known by that agreed; None: nobody agreed yet."""
    consent: Consent | None
    """What they agreed to."""
    agreed_at: str | None
    sent_at: str | None
    """When the photo came that waits; None: none does."""
    refused: NotTaken | None
    """Why the last one was not taken."""
    done_at: str | None
    """When one was taken: the link only says so from then on."""

    @property
    def waits(self) -> bool:
        """Whether a photo waits to be looked at."""
        return self.sent_at is not None and self.done_at is None

    @property
    def used_up(self) -> bool:
        """Whether nothing more is looked at that is sent by it, and nothing waits: another link is needed."""
        return self.tries >= MOST_TRIES and self.sent_at is None and self.done_at is None
