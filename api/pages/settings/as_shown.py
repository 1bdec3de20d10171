"""What something was like when a form to change it was made: nobody undoes unseen what somebody did meanwhile."""

from __future__ import annotations

import hashlib
import json

from gate.errors import Refusal

_WHATEVER = "*"


def shown_as(*said: str | None) -> str:
    """What the form says it was made from, out of what it shows; that of something new says nothing."""
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def refuse_another(name: str, known_as: str, was: str | None, becomes: str) -> None:
    """Raises Refusal where what is called so `was` another than the form knew it, as `shown_as` has both; or where a
    form for a new one would change one that there is. None: there was none. A form sent twice changes nothing."""
    if known_as in (_WHATEVER, was or "") or was == becomes:
        return
    if not known_as:
        raise Refusal("There is {name} already. Choose another name, or change that one.", name=name)
    if was is None:
        raise Refusal("{name} is gone: somebody else removed it in the meantime.", name=name)
    raise Refusal("Somebody else changed {name} in the meantime; look again before you change it.", name=name)
