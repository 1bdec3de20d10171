"""What was done, until the page that follows has told it: once, to whoever did it, and on that page alone.

In memory, so that a secret or a name stands in no cookie and in no address. A page that is loaded again asks for the
page, and neither does again what was done nor shows again what was told.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from api.drafts import Draft
from gate.errors import Sentence

_MOST = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, as it is told above the page that follows."""

    notice: Sentence | None = None
    warning: Sentence | None = None
    problem: Sentence | None = None
    issued: str | None = field(default=None, repr=False)
    """A secret that was made."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What the form on that page holds, for the next one."""
    count: int = 0
    """To how many it was done; 0 where that is not told."""
    draft: Draft | None = None
    """What they had typed before they gave their password, and go on with now."""
    about: str | None = None
    """The id of the resident of whom it speaks; None: of nobody."""
    on_record: bool = True
    """Whether the record has a line of the deed, so that the page that tells it is no look."""


@dataclass(frozen=True, slots=True)
class _Kept:
    done: Done
    path: str
    by: str
    until_mono: float


class Telling:
    """All of one api process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, done: Done, path: str, by: str, for_s: float) -> str:
        """Keep what the page at `path` tells whoever it was done `by`; the key by which it is asked for."""
        key = secrets.token_urlsafe(16)
        self.forget_old()
        with self._lock:
            self._kept[key] = _Kept(done, path, by, time.monotonic() + for_s)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return key

    def take(self, key: str, path: str, by: str) -> Done | None:
        """What is told there and to them, which nobody is told again; None: nothing, or too late."""
        self.forget_old()
        with self._lock:
            found = self._kept.get(key)
            if found is None or (found.path, found.by) != (path, by):
                return None
            return self._kept.pop(key).done

    def untold(self, path: str, by: str) -> Done | None:
        """What the page there was to tell them and did not yet, as where the answer that led to it was lost; taken."""
        self.forget_old()
        with self._lock:
            key = next((key for key, one in self._kept.items() if (one.path, one.by) == (path, by)), None)
            return None if key is None else self._kept.pop(key).done

    def people(self) -> set[str]:
        """The ids of all of whom something is still to be told."""
        with self._lock:
            return {one.done.about for one in self._kept.values() if one.done.about is not None}

    def forget(self, people: Collection[str]) -> None:
        """Tell nothing more of those with these ids: they are erased."""
        with self._lock:
            self._kept = OrderedDict((key, one) for key, one in self._kept.items() if one.done.about not in people)

    def forget_old(self) -> None:
        """Keep nothing whose page never came."""
        now = time.monotonic()
        with self._lock:
            self._kept = OrderedDict((key, one) for key, one in self._kept.items() if one.until_mono > now)
