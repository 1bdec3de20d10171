"""What an installer chooses about enrolling people."""

from __future__ import annotations

from typing import Literal

from gate.settings_section import Section


class EnrolmentSettings(Section):
    """Enrolling people."""

    language: Literal["", "en", "zh-CN"] = ""
    """In which language people here read the consent text, where whoever enrols them does not say it: `en` or `zh-CN`.
    Empty: that of the console's page, and English for a program and a command."""

    def language_else(self, spoken: str = "en") -> str:
        """The site's language of consent; where it has none, the one that is `spoken`."""
        return self.language or spoken
