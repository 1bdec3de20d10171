"""What is said of photos that residents send."""

from __future__ import annotations

from gate.errors import Sentence
from gate.store.people.photo_link import NotTaken

# Read by the resident; the staff chooses from these.
NOT_TAKEN: dict[NotTaken, Sentence] = {
    NotTaken.POOR: Sentence("The face could not be made out well enough. Please take another photo, in better light."),
    NotTaken.ANOTHER: Sentence("The photo shows somebody else. Please take one of the person whom the link is for."),
    NotTaken.COME: Sentence("Please come to the property office; your face is taken there."),
    NotTaken.LOST: Sentence("The gate was restarted before anybody had seen your photo. Please send it once more."),
}
# Of the same, what whoever looks them up is told.
TOLD_THE_STAFF: dict[NotTaken, Sentence] = {
    NotTaken.POOR: Sentence("Their last photo was not taken: the face could not be made out well enough."),
    NotTaken.ANOTHER: Sentence("Their last photo was not taken: it showed somebody else."),
    NotTaken.COME: Sentence("Their last photo was not taken: they are asked to come to the property office."),
    NotTaken.LOST: Sentence(
        "Their last photo is gone: the gate was restarted before anybody had seen it. They are asked to send it again."
    ),
}
