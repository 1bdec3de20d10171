"""What somebody gets who stands at the cable of an OSDP reader: a table of what was tried, and what came of it."""

import time

import pytest

from gate.readers.osdp import OsdpLine
from tests.osdp_reader import cable, codes, heard, quiet, reader

KEY, OTHER = bytes(range(16)), bytes(range(16, 32))
CUTS = 50
SECURITY, SECURE_BIT = 9, 0x01
CAPABILITIES = 0x46

pytestmark = pytest.mark.soak


def crc_of(frame):
    """CRC-16 as OSDP has it: polynomial 0x1021, begun with 0x1D0F."""
    crc = 0x1D0F
    for byte in frame:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def frames_of(said):
    """Whole frames of what was said at once, and what is no frame as it is."""
    while (begin := said.find(b"\x53")) >= 0 and len(said) >= begin + 4:
        length = int.from_bytes(said[begin + 2 : begin + 4], "little")
        yield said[:begin], said[begin : begin + length]
        said = said[begin + length :]
    yield said, b""


def without_security(said):
    """Every report of what a reader can do says that it has no Secure Channel, and its check sum fits."""
    made = b""
    for before, frame in frames_of(said):
        made += before
        if len(frame) > 8 and frame[4] & 0x08 == 0 and frame[5] == CAPABILITIES:
            told = bytearray(frame[:-2])
            for at in range(6, len(told) - 2, 3):
                if told[at] == SECURITY:
                    told[at + 1] = told[at + 2] = 0
            made += bytes(told) + crc_of(told)
        else:
            made += frame
    return made


def lived(line, seconds):
    """The codes that came, and how often the reader came and went."""
    told = quiet(line, seconds)
    return codes(told), sum(news.came for news in told), sum(bool(news.why) for news in told)


@pytest.fixture
def wire():
    with cable() as made:
        yield made


@pytest.fixture
def line(wire):
    made = OsdpLine(wire.path, 9600, {0: KEY})
    yield made
    made.close()


def test_a_reader_whose_capabilities_are_rewritten_has_no_session_and_opens_nothing(wire, line):
    wire.alter = without_security
    with reader(wire, KEY) as device:
        device.card("2468ACC0")
        believed, came, _ = lived(line, 10)
        print(f"\nSecure Channel struck from its capabilities: {came} sessions, {len(believed)} cards believed")
        assert (believed, came) == ([], 0)
        wire.alter = None
        heard(line)


def test_a_session_that_is_played_back_opens_nothing(wire, line):
    kept = []
    wire.alter = lambda said: kept.append(said) or said
    with reader(wire, KEY) as device:
        heard(line)
        device.card("2468ACC0")
        shown, _, _ = lived(line, 2)
        assert shown == ["26:2468ACC0"]
        # Somebody is at the cable now, who has all that it ever said.
        answers = kept[-60:]
        for said in answers:
            wire.alter = lambda _real, said=said: said
            again, _, _ = lived(line, 0.1)
            shown += again
        wire.alter = None
        print(f"\n{len(answers)} answers of a session played back in it: {len(shown) - 1} cards believed")
        assert shown == ["26:2468ACC0"]


def test_another_reader_in_its_place_is_not_believed(wire, line):
    with reader(wire, KEY):
        heard(line)
    with reader(wire, OTHER) as device:
        device.card("2468ACC0")
        shown, came, went = lived(line, 25)
        print(f"\nanother reader in its place: told away {went} times, {came} sessions, {len(shown)} cards believed")
        assert (shown, came, went) == ([], 0, 1)
    with reader(wire, KEY):
        heard(line)


def test_a_card_that_is_shown_while_the_cable_is_cut_opens_nothing(wire, line):
    believed, back_s = [], []
    with reader(wire, KEY) as device:
        heard(line)
        for number in range(CUTS):
            seconds = 1.2 + number % 5 * 2.5
            wire.is_cut = True
            shown, _, _ = lived(line, seconds / 2)
            device.card("2468ACC0")
            more, _, _ = lived(line, seconds / 2)
            wire.is_cut = False
            cut_mono = time.monotonic()
            late, _, _ = lived(line, 1.5)
            believed += shown + more + late
            device.card("13579BC0")
            while True:
                later, _, _ = lived(line, 0.3)
                believed += [one for one in later if one != "26:13579BC0"]
                if later:
                    break
                assert time.monotonic() - cut_mono < 30, "it did not come back"
                device.card("13579BC0")
            back_s.append(time.monotonic() - cut_mono)
    back_s.sort()
    print(
        f"\n{CUTS} cuts of 1.2 to 11 s, a card shown in each: {len(believed)} believed; heard again"
        f" {back_s[len(back_s) // 2]:.1f} s after in the middle, {back_s[-1]:.1f} s at most"
    )
    assert believed == []


def test_after_a_minute_without_its_cable_a_reader_is_there_again_in_seconds(wire, line):
    with reader(wire, KEY) as device:
        heard(line)
        wire.is_cut = True
        _, _, went = lived(line, 60)
        wire.is_cut = False
        began = time.monotonic()
        heard(line)
        print(f"\na minute without its cable: told away {went} times, heard {time.monotonic() - began:.1f} s after")
        device.card("2468ACC0")
        assert lived(line, 2)[0] == ["26:2468ACC0"]
        assert went == 1
