from gate.door.attribution import Attribution
from gate.processes.peers import Peer
from gate.vocabulary import AuditEvent, Kind, Reason

GRANTED, ALONG = AuditEvent(Kind.GRANTED, {}), AuditEvent(Kind.CAME_ALONG, {})
DENIED, STARTED = AuditEvent(Kind.DENIED, {}), AuditEvent(Kind.DOOR_STARTED, {})
MANY = 1000


def flooded(event, asking):
    """How many of a flood of one event are written, and how many whoever follows is told of."""
    written, followed = [], []
    attribution = Attribution(written.append, followed.append)
    attribution.asking = asking
    for _ in range(MANY):
        attribution.take(event)
    return len(written), len(followed)


def test_only_what_a_message_or_a_refusal_causes_is_limited_and_all_of_it_is_followed():
    for event, asking in ((GRANTED, 7), (GRANTED, None), (ALONG, None), (STARTED, None)):
        assert flooded(event, asking) == (MANY, MANY)
    for event, asking in ((DENIED, 7), (DENIED, None), (ALONG, 7), (STARTED, 7)):
        written, followed = flooded(event, asking)
        assert 0 < written < MANY / 2
        assert followed == MANY


def test_a_message_that_is_refused_is_written_with_its_user_and_why():
    written = []
    attribution = Attribution(written.append, written.append)
    attribution.refuse(Reason.MALFORMED, Peer(1, 7), "no" * 200)
    attribution.refuse(Reason.WRONG_PEER, Peer(1, 7))
    assert [event.details for event in written] == [
        {"method": "link", "reason": "malformed", "uid": 7, "why": "no" * 100},
        {"method": "link", "reason": "wrong_peer", "uid": 7},
    ]
