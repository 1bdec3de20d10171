"""Why a gate is not upgraded from a stick: a closed list, since the console says it in its reader's language."""

from __future__ import annotations

from enum import Enum

from deploy.programs import Failed


class Why(Enum):
    """Each with its sentence, whose braces are filled."""

    BUSY = "Another upgrade is running. Wait until it is over."
    NO_STICK = "No stick with a folder facegate is plugged in. Plug in the one that `make stick` wrote."
    TWO_STICKS = "Two sticks with an archive of Facegate are plugged in. Leave one."
    NO_ARCHIVE = "There is no archive of Facegate in {folder}. Have `make stick` write one there."
    UNREADABLE = (
        "The stick cannot be read to its end ({what}): it was pulled out, or it is worn. Plug it in again, or write"
        " another."
    )
    NO_KEY = (
        "This gate knows no key for sticks yet. Have whoever made the stick tell you the fingerprint that `make stick`"
        " printed, and say: sudo facegate-upgrade --trust FINGERPRINT"
    )
    OTHER_FINGERPRINT = (
        "The key on this stick has another fingerprint than the one you gave. Do not use the stick until whoever made"
        " it has told you why."
    )
    OTHER_KEY = (
        "The archive is signed with another key than the one that this gate trusts. Do not use it; where whoever builds"
        " your packages has a new key, they tell you its fingerprint, for: sudo facegate-upgrade --trust FINGERPRINT"
    )
    ALTERED = "The archive is not as it was signed ({what}). Do not use it, and write the stick anew: make stick"
    OTHER_SYSTEM = (
        "The archive is for {there}, and this gate is {suite} on {architecture}. Make one for it:"
        " make stick SUITE={suite} ARCH={architecture}"
    )
    OLDER = (
        "The archive has {version}, and {installed} is installed here, which is newer. The way back is:"
        " sudo facegate-switch VERSION"
    )
    NOTHING_NEW = "{version} is installed here already."
    NOT_IN_USE = (
        "{version} is installed here already, and {current} is in use. To try it again: sudo facegate-switch {version}"
    )
    NO_CODECS = (
        "This gate has facegate-codecs, and the archive has none. Write a stick with it, or do without network cameras"
        " and HEIC photos: sudo apt remove 'facegate-codecs-*'"
    )
    NOT_SHOWN = "Another archive is there than the one that was shown. Look at it first."
    NO_ROOM = "The upgrade needs {needed} MB, and the card has {free} MB free. Remove what is not needed there."
    UNMET = "apt cannot install it with what is on the stick and on this gate: {what}"


class Refused(Failed):
    """The gate stays as it is."""

    def __init__(self, why: Why, **values: object) -> None:
        self.why = why
        self.values = {name: str(value) for name, value in values.items()}
        super().__init__(why.value.format(**self.values))
