"""Photos that residents sent by their links, until somebody of the staff has looked at them; and links just drawn.

In memory alone: no file and no backup ever holds them, and a restart forgets them. No photo is among them: what waits
are the templates and the portraits that were cut out for them, 112 pixels a side.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from api.turns import Turns

if TYPE_CHECKING:
    from enroll.duplicates import Lookalike
    from enroll.enrolment import Prepared

# More than a compound sends in a week. Each takes some 40 kB, 130 where three photos were sent.
_MOST = 300
# A link that was drawn alone is shown to whoever drew it once, one of many for so long, seconds; and their page draws
# no other.
SHOWN_S = 600.0
# As many as are drawn for a whole compound; each takes some hundred bytes.
_MOST_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Sent:
    """What waits of one link. `at` is when it came, ISO 8601, UTC, as the link has it."""

    link: str
    resident: str
    at: str
    found: Prepared

    def picture(self, number: int) -> bytes:
        """One of the portraits they would be enrolled from, as a JPEG. Raises IndexError where there are fewer."""
        import cv2

        return cv2.imencode(".jpg", self.found.portraits[number])[1].tobytes()


@dataclass(frozen=True, slots=True)
class Shown:
    """A link that was just drawn: for whom, by whom, whether it is shown `once` alone, and until when the page that
    drew it draws no other."""

    secret: str | None
    """None: it was shown."""
    resident: str
    by: str
    once: bool
    until_mono: float


class OwnPhotos:
    """All of one api process."""

    def __init__(self) -> None:
        self._sent: dict[str, Sent] = {}
        self._shown: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._served: dict[str, frozenset[tuple[int, str]]] = {}
        """By link, which of its pictures were sent to whom, as the record calls them, since it waits."""
        self._lock = threading.Lock()
        self.drawing = Turns()
        """Taken from the question whether a page drew its link until it is shown: pressed twice, it draws one."""

    def hold(self, sent: Sent) -> bool:
        """Let a photo wait; whether there was room for it."""
        with self._lock:
            if sent.link not in self._sent and len(self._sent) >= _MOST:
                return False
            self._sent[sent.link] = sent
            self._served.pop(sent.link, None)
            return True

    def serve(self, sent: Sent, number: int, by: str) -> bytes:
        """One of its portraits as a JPEG, for somebody to look at. Raises IndexError where there are fewer."""
        picture = sent.picture(number)
        with self._lock:
            if (now := self._sent.get(sent.link)) is not None and now.at == sent.at:
                self._served[sent.link] = self._served.get(sent.link, frozenset()) | {(number, by)}
        return picture

    def all_served(self, sent: Sent, by: str) -> bool:
        """Whether somebody was sent every portrait of it since it waits."""
        with self._lock:
            served = self._served.get(sent.link, frozenset())
        return all((number, by) in served for number in range(len(sent.found.portraits)))

    def found_like(self, sent: Sent, more: Sequence[Lookalike]) -> None:
        """Others came since whom what waits is like: they are asked about beside those that were known."""
        new = {one.resident.id for one in more}
        known = (one for one in sent.found.lookalikes if one.resident.id not in new)
        with self._lock:
            if self._sent.get(sent.link) is sent:
                self._sent[sent.link] = replace(sent, found=replace(sent.found, lookalikes=(*known, *more)))

    def of(self, link: str) -> Sent | None:
        """What waits of a link, by its id."""
        with self._lock:
            return self._sent.get(link)

    def waiting(self) -> list[Sent]:
        """All that wait, the oldest first."""
        with self._lock:
            return sorted(self._sent.values(), key=lambda one: one.at)

    def drop(self, link: str) -> None:
        """Keep nothing of what waits of a link."""
        with self._lock:
            self._sent.pop(link, None)
            self._served.pop(link, None)

    def keep_only(self, links: Collection[str]) -> None:
        """Keep nothing of links that are not among these: they have ended, or whose they were is erased."""
        with self._lock:
            self._sent = {link: one for link, one in self._sent.items() if link in links}
            self._served = {link: whom for link, whom in self._served.items() if link in self._sent}
            self._shown = OrderedDict((key, one) for key, one in self._shown.items() if not _is_over(one))

    def people(self) -> set[str]:
        """The ids of all of whom something is here."""
        sent = self.waiting()
        return {one.resident for one in sent} | {like.resident.id for one in sent for like in one.found.lookalikes}

    def forget(self, people: Collection[str]) -> None:
        """Keep nothing of those with these ids: they are erased, or agree no longer."""
        with self._lock:
            self._sent = {
                link: replace(one, found=one.found.without(people))
                for link, one in self._sent.items()
                if one.resident not in people
            }
            self._served = {link: whom for link, whom in self._served.items() if link in self._sent}
            self._shown = OrderedDict((key, one) for key, one in self._shown.items() if one.resident not in people)

    def show(self, key: str, secret: str, resident: str, by: str, *, once: bool) -> None:
        """Remember a link that was drawn for a resident `by` somebody under a key of their page."""
        with self._lock:
            self._shown[key, resident] = Shown(secret, resident, by, once, time.monotonic() + SHOWN_S)
            while len(self._shown) > _MOST_SHOWN:
                self._shown.popitem(last=False)

    def was_drawn(self, key: str, resident: str, by: str) -> bool:
        """Whether a link was drawn for a resident under a key `by` this one, shown or not."""
        with self._lock:
            found = self._shown.get((key, resident))
        return found is not None and found.by == by and not _is_over(found)

    def take(self, key: str, resident: str, by: str) -> str | None:
        """The secret of a link that was drawn so, for whoever drew it; None: there is none to be shown any more."""
        with self._lock:
            found = self._shown.get((key, resident))
            if found is None or found.by != by or _is_over(found):
                return None
            if found.once:
                self._shown[key, resident] = replace(found, secret=None)
        return found.secret

    def is_shown_again(self, key: str, resident: str) -> bool:
        """Whether a link that was drawn so goes on to be shown for a while: it is one of many."""
        with self._lock:
            found = self._shown.get((key, resident))
        return found is not None and not found.once

    def shown_for(self, key: str, by: str) -> list[str]:
        """For whom links were drawn under a key `by` somebody, by id: who goes back and types another name has the same
        page."""
        with self._lock:
            return [one.resident for (used, _), one in self._shown.items() if (used, one.by) == (key, by)]


def _is_over(shown: Shown) -> bool:
    return shown.until_mono <= time.monotonic()
