"""PINs and cards of residents, sealed by a door that runs."""

from functools import partial

from enroll import codes
from gate.processes.asking import seal


def new_pin(store, client, resident, by="test"):
    """What a resident types from now on."""
    return codes.new_pin(store, partial(seal, client), resident, by=by)


def card_of_number(store, client, resident, number, label=None, by="test"):
    """The id of a card that is theirs from now on."""
    return codes.card_of_number(store, partial(seal, client), resident, number, label, by=by)
