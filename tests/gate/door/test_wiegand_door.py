"""A door with a Wiegand reader: what is shown there, what is noise, and where the lines cannot be had."""

import errno
import queue
import threading
from datetime import timedelta
from types import SimpleNamespace

import gpiod
import pytest

from gate.config import load_settings
from gate.door.settings import DoorSettings
from gate.door.wiegand import told_by
from gate.door.wiegand_lines import GpiodLines, WiegandReader, lines_of
from gate.errors import UsageError
from gate.processes.asking import unknown_cards
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from tests.codes import card_of_number, new_pin
from tests.door import door_process, events, until
from tests.running import stays, wait_for
from tests.wiegand import D0, D1, LINES, card, key, pulses, send

BITS = card("26", 122, 56780)


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [], NO_PERSON)


def told(state, *kinds):
    return [line.details for line in events(state) if line.kind in kinds]


def until_told(state, *kinds, count=1):
    return wait_for(lambda: len(found := told(state, *kinds)) >= count and found, 5, lambda: told(state, *kinds))


def test_a_card_is_found_by_what_is_printed_on_it_and_an_unknown_one_can_be_given(state, store, wang):
    with door_process(state, freshness_s=5, **LINES) as (_, client):
        card_of_number(store, client, wang, "122,56780")
        send(state, BITS)
        (granted,) = until_told(state, "granted")
        assert (granted["method"], granted["reader"]) == ("card", "wiegand")
        assert granted["shown_to_relay_ms"] > 0
        until(client, mode="normal", at_rest=True)
        send(state, card("26", 122, 56781))
        (denied,) = until_told(state, "denied")
        assert (denied["reason"], denied["reader"]) == ("wrong_code", "wiegand")
        (unknown,) = unknown_cards(client)
        assert (unknown.reader, unknown.ending) == ("wiegand", "6781")
    assert "56780" not in str([line.details for line in events(state)])


@pytest.mark.parametrize("bits", [4, 8])
def test_a_pin_is_typed_at_the_keypad_in_it(state, store, wang, bits):
    with door_process(state, freshness_s=5, wiegand_keypad=bits, **LINES) as (_, client):
        typed = new_pin(store, client, wang).typed.replace(" ", "")
        send(state, *(key(sign, bits) for sign in typed))
        (granted,) = until_told(state, "granted")
        assert (granted["method"], granted["reader"]) == ("pin", "wiegand")


def test_noise_opens_nothing_and_is_on_record_once(state, store, wang):
    with door_process(state, freshness_s=5, **LINES) as (process, client):
        card_of_number(store, client, wang, "122,56780")
        flipped = f"{BITS[:5]}{'10'[int(BITS[5])]}{BITS[6:]}"
        send(state, flipped, BITS[1:], BITS + "1", "1010", flipped)
        (noise,) = until_told(state, "reader_noise")
        assert noise == {"reader": "wiegand", "why": "wrong_parity", "frames": 1}
        send(state, BITS)
        until_told(state, "granted")
        assert len(told(state, "reader_noise")) == 1
        assert told(state, "denied") == []
        assert process.poll() is None


def test_what_is_older_than_the_door_takes_opens_nothing(state, store, wang):
    with door_process(state, **LINES) as (_, client):
        card_of_number(store, client, wang, "122,56780")
        send(state, BITS, age_s=30)
        (denied,) = until_told(state, "denied")
        assert denied["reason"] == "stale"
        assert not client.ask({"do": "status"})["relay"]


def test_a_line_that_chatters_without_end_is_noise(state, store, wang):
    with door_process(state, freshness_s=5, **LINES) as (_, client):
        send(state, "01" * 60)
        until_told(state, "reader_noise")
        stays(lambda: told(state, "granted", "denied") == [], 0.3)
        assert client.ask({"do": "status"})["mode"] == "normal"


@pytest.mark.parametrize(
    ("door", "said"),
    [
        ({"wiegand_d0_pin": D0}, "name both, or neither"),
        ({"wiegand_d1_pin": D1}, "name both, or neither"),
        ({**LINES, "rex_pin": D1}, "name the same pin"),
        ({"wiegand_d0_pin": D0, "wiegand_d1_pin": D0}, "name the same pin"),
        ({"wiegand_keypad": 4}, "wiegand_keypad needs"),
        ({**LINES, "wiegand_format": "33"}, "'26', '34', '37-H10304' or '37-H10302'"),
    ],
)
def test_lines_that_cannot_be_meant_are_refused_with_a_sentence(door, said):
    with pytest.raises(UsageError, match=said):
        load_settings(door=door)


class Request:
    """What libgpiod gives for both lines: events in their order, counted over both."""

    def __init__(self, path, config, consumer=None, event_buffer_size=None):
        ((self.offsets, self.line),) = config.items()
        self.path, self.consumer, self.kept = path, consumer, event_buffer_size
        self.events, self.fault, self.released = queue.Queue(), None, False

    def put(self, bits, *, without=()):
        """A frame as the kernel tells it, but for edges that it dropped."""
        self.seen = getattr(self, "seen", 0)
        for at, pulse in enumerate(pulses(bits)):
            self.seen += 1
            if at not in without:
                event = SimpleNamespace(
                    line_offset=self.offsets[pulse.bit], timestamp_ns=round(pulse.at_mono * 1e9), global_seqno=self.seen
                )
                self.events.put(event)

    def wait_edge_events(self, timeout):
        if self.fault is not None:
            raise self.fault
        if self.events.empty():
            threading.Event().wait(min(timeout, timedelta(seconds=0.01)).total_seconds())
        return not self.events.empty()

    def read_edge_events(self, most):
        return [self.events.get() for _ in range(min(most, self.events.qsize()))]

    def release(self):
        self.released = True


@pytest.fixture
def lines(monkeypatch):
    monkeypatch.setattr(gpiod, "request_lines", Request)
    return GpiodLines(4, D0, D1)


def request_of(lines):
    return lines._request


def test_both_lines_are_one_request_with_room_for_what_a_busy_machine_does_not_read(lines):
    request = request_of(lines)
    assert (request.path, request.offsets, request.kept) == ("/dev/gpiochip4", (D0, D1), 1024)
    assert request.line.edge_detection is gpiod.line.Edge.FALLING
    assert request.line.bias is gpiod.line.Bias.PULL_UP


def test_frames_are_read_and_edges_that_the_kernel_dropped_are_seen_by_their_count(lines):
    changed = threading.Event()
    reader = WiegandReader(lines, changed.set)
    request_of(lines).put(BITS)
    assert changed.wait(5)
    assert told_by(reader.bursts.popleft(), "26", None).code == "122,56780"
    changed.clear()
    request_of(lines).put(BITS, without=(3, 4, 5))
    assert changed.wait(5)
    assert told_by(reader.bursts.popleft(), "26", None).name == "LOST"
    request_of(lines).fault = OSError(errno.ENODEV, "No such device")
    wait_for(lambda: reader.fault is not None, 5)
    reader.close()
    assert request_of(lines).released


def test_lines_that_cannot_be_had_stop_the_start_with_a_sentence(monkeypatch):
    settings = DoorSettings(pin_factory="gpiod", gpio_chip=97, **LINES)
    with pytest.raises(UsageError, match=r"lines 20 and 21 of the GPIO chip 97 cannot be had .*wiegand_d1_pin"):
        lines_of(settings, None)
    monkeypatch.setitem(__import__("sys").modules, "gpiod", None)
    with pytest.raises(UsageError, match="needs the library gpiod"):
        lines_of(settings, None)
    with pytest.raises(UsageError, match="name no Wiegand reader"):
        lines_of(DoorSettings(pin_factory="gpiod"), None)
