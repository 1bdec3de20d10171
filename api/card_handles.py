"""What clients call a card by that was just shown and is nobody's: what the door finds it by is never told."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from gate.processes.requests import UnknownCard


@dataclass(frozen=True, slots=True)
class CardHandles:
    """Those of one api process."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def of(self, card: UnknownCard) -> str:
        """The same for the same card, until this process ends."""
        return hmac.digest(self._key, card.finder, "sha256")[:16].hex()
