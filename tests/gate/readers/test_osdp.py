"""OSDP readers, by libosdp's own simulated one in another process, over a cable that is cut and tampered with."""

import pytest

from gate.readers import osdp
from gate.readers.osdp import NoLine, OsdpLine, pair
from tests.osdp_reader import cable, came, codes, heard, quiet, reader, turned, went

KEY, OTHER = bytes(range(16)), bytes(range(16, 32))


def shown_again(line, device, card):
    """As whoever stands there does where nothing comes of it, on a machine that is too busy for the line at times."""
    told = []
    for _ in range(15):
        device.card(card)
        told += quiet(line, 3)
        if codes(told):
            return told
    raise AssertionError(told)


@pytest.fixture
def wire():
    with cable() as made:
        yield made


@pytest.fixture
def line(wire):
    made = OsdpLine(wire.path, 9600, {0: KEY})
    yield made
    made.close()


def test_a_card_and_keys_come_through_the_secure_channel_and_the_light_goes_back(wire, line):
    with reader(wire, KEY) as device:
        heard(line)
        device.card("2468ACC0")
        device.keys("50#1*")
        told = turned(line, lambda told: len(codes(told)) >= 6, 5)
        assert codes(told) == ["26:2468ACC0", "5", "0", "#", "1", "*"]
        assert {one.reader for news in told for one in news.shown} == {"osdp 0"}
        line.show("osdp 0", granted=True)
        quiet(line, 0.5)
        assert device.told().split() == [str(osdp.Said.LED), str(osdp.CommandLEDColor.Green)]
        assert device.told().split() == [str(osdp.Said.Buzzer)]


def test_a_card_that_was_shown_while_the_cable_was_cut_is_not_told_later(wire, line):
    with reader(wire, KEY) as device:
        heard(line)
        wire.is_cut = True
        turned(line, went, 45)
        device.card("2468ACC0")
        wire.is_cut = False
        told = turned(line, came, 45) + quiet(line, 3)
        assert codes(told) == []
        assert codes(shown_again(line, device, "11111100"))[-1] == "26:11111100"


def test_nor_one_that_was_shown_in_a_cut_too_short_to_end_the_session(wire, line):
    with reader(wire, KEY) as device:
        heard(line)
        # On a machine that is too busy for the line the session may end all the same: then it is another cut.
        for _ in range(5):
            wire.is_cut = True
            quiet(line, 1.5)
            device.card("2468ACC0")
            quiet(line, 1.5)
            wire.is_cut = False
            told = quiet(line, 3)
            assert codes(told) == []
            if not went(told):
                break
            turned(line, lambda more, before=told: came([*before, *more]), 45)
        else:
            raise AssertionError(told)
        assert codes(shown_again(line, device, "11111100"))[-1] == "26:11111100"


def test_when_a_reader_last_answered_is_told_by_the_heads_of_its_frames():
    replies = osdp.Replies()
    poll, answer = bytes.fromhex("ff5300080004600000"), bytes.fromhex("5380080004400000")
    replies.hear(poll + answer, 1.0)
    assert replies.latest_mono == {0: 1.0}
    replies.hear(bytes.fromhex("5385"), 2.0)
    assert replies.latest_mono == {0: 1.0}
    replies.hear(bytes.fromhex("080004400000"), 3.0)
    assert replies.latest_mono == {0: 1.0, 5: 3.0}
    replies.hear(b"\x53" * 4000 + answer, 4.0)
    assert replies.latest_mono[0] in (1.0, 4.0)


def test_a_reader_with_another_key_and_one_in_install_mode_are_not_heard(wire, line):
    for key in (OTHER, None):
        with reader(wire, key) as device:
            device.card("2468ACC0")
            device.keys("1")
            told = quiet(line, 6)
            assert not came(told), key
            assert codes(told) == [], key


def test_a_frame_in_which_a_bit_was_changed_is_no_card(wire, line):
    with reader(wire, KEY) as device:
        heard(line)
        wire.alter = lambda said: said[:-3] + bytes([said[-3] ^ 1]) + said[-2:] if len(said) > 20 else said
        device.card("2468ACC0")
        told = quiet(line, 3)
        wire.alter = None
        assert codes(told) == []
        # It fell out of step, and is woken.
        turned(line, lambda more: came(told + more) or went(told + more), 15)


def test_pairing_gives_a_reader_in_install_mode_a_key_that_holds(wire):
    with reader(wire) as device:
        key = pair(wire.path, 9600, 0, within_s=10)
        line = OsdpLine(wire.path, 9600, {0: key})
        try:
            heard(line)
            device.card("2468ACC0")
            assert codes(turned(line, codes, 5)) == ["26:2468ACC0"]
        finally:
            line.close()


def test_pairing_a_reader_that_has_a_key_or_none_at_all_is_refused_in_one_sentence(wire, tmp_path):
    with reader(wire, OTHER), pytest.raises(NoLine, match="install mode"):
        pair(wire.path, 9600, 0, within_s=4)
    with pytest.raises(NoLine, match="install mode"):
        pair(wire.path, 9600, 5, within_s=1)
    with pytest.raises(NoLine, match="serial port"):
        pair(str(tmp_path), 9600, 0, within_s=1)


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ({"format": osdp.CardFormat.Wiegand, "length": 26, "data": b"\x12\x34\x56\x80"}, "26:12345680"),
        ({"format": osdp.CardFormat.Unspecified, "length": 37, "data": b"\x01\x02\x03\x04\x05"}, "37:0102030405"),
        ({"format": osdp.CardFormat.Wiegand, "length": 0, "data": b""}, None),
        ({"format": osdp.CardFormat.Wiegand, "length": 64, "data": b"\x01"}, None),
        ({"format": osdp.CardFormat.ASCII, "length": 4, "data": b"4711 "}, "4711"),
    ],
)
def test_the_number_of_a_card_is_its_bits_and_how_many(event, number):
    assert osdp.card_of(event) == number
