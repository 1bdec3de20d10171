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

    own_page: bool = True
    """Whether a resident may have a page of their own on their phone, by a link that is drawn for them: their ways in,
    passes for their visitors, their consent. Where it is off, no link is drawn, and no page answers."""

    own_passes: int = Field(3, ge=0, le=50)
    """How many passes for one resident's visitors may be open at once where they make them on their own page, those
    that managers made among them; 0: none is made there. Whoever has a pass comes in, and the record says whom they
    visit."""

    def language_else(self, spoken: str = "en") -> str:
        """The site's language of consent; where it has none, the one that is `spoken`."""
        return self.language or spoken
