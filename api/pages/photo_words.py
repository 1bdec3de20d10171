"""What is said of photos that residents send."""

from __future__ import annotations

from gate.errors import Sentence
from gate.store.people.photo_links import NotTaken

# Read by the resident; the staff chooses from these.
NOT_TAKEN: dict[NotTaken, Sentence] = {
    NotTaken.POOR: Sentence("The face could not be made out well enough. Please take another photo, in better light."),
    NotTaken.ANOTHER: Sentence("The photo shows somebody else. Please take one of the person whom the link is for."),
    NotTaken.COME: Sentence("Please come to the property office; your face is taken there."),
    NotTaken.LOST: Sentence("The gate was restarted before anybody had seen your photo. Please send it once more."),
}
