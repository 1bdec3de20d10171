"""What an installer chooses about enrolling people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gate.settings_section import Section


class EnrolmentSettings(Section):
    """Enrolling people."""

    language: Literal["", "en", "zh-CN"] = ""
    """In which language people here read the consent text, where whoever enrols them does not say it: `en` or `zh-CN`.
    Empty: that of the console's page, and English for a program and a command."""

    link_days: int = Field(3, ge=1, le=30)
    """For how many days a resident's link for a photo of their own holds, and a photo that came by it may wait for
    somebody to confirm it."""

    def language_else(self, spoken: str = "en") -> str:
        """The site's language of consent; where it has none, the one that is `spoken`."""
        return self.language or spoken
