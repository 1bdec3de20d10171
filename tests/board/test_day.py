"""A day at a gate: one card, one board, from its first start to a power cut in the middle of its drill."""

import pytest

from tests.board.machine import PYTHON, card, powered
from tests.board.pins import PINS
from tests.board.wires import (
    assert_fire_opens,
    assert_lets_go_of_a_dead_door,
    assert_rests,
    assert_rex_opens,
    first_press,
)
from tests.wiegand import card as card_bits

pytestmark = pytest.mark.board

# Whoever walks up takes a minute before a camera of one picture a second.
WALK_S = 60


def step(name, within_s):
    return pytest.mark.step(name, within_s)


@pytest.fixture(scope="module")
def gate(board, tmp_path_factory):
    """The board of this day; its wires tell all that happened."""
    folder = tmp_path_factory.mktemp("day")
    drive = card(board, folder)
    with powered(board, drive, folder) as machine:
        yield machine


def facegate(gate, *arguments, **how):
    return gate.run("facegate", *arguments, **how)


def told(gate, kind):
    """The details of the newest lines of a kind, for whoever reads why a step failed."""
    return [line["details"] for line in gate.asked(kind)[-3:]]


def log_of(gate, name):
    """The last of what a service said."""
    return gate.run("journalctl", "--unit", f"facegate-{name}", "--lines", "12", "--output", "short-monotonic").out


@step("from power to REX, relays at rest until then", 2700)
def test_from_power_on_the_relays_rest_until_rex_is_pressed(gate, seen):
    opened = gate.presses_until_open(290)
    assert opened, gate.console
    assert_rests(gate, until=first_press(gate))
    seen(f"REX opens {opened:.1f} s after the kernel began")


@step("REX to relay", 1800)
def test_rex_opens_again_and_again(gate, seen):
    assert_rex_opens(gate, 5, seen)


@step("fire to hold relay", 1800)
def test_fire_opens_and_keeps_open(gate, seen):
    assert_fire_opens(gate, seen)


@step("the whole gate is up", 2700)
def test_all_services_are_up(gate, seen):
    names = [f"facegate-{name}.service" for name in ("door", "vision", "api")]
    gate.until(
        lambda: gate.run("systemctl", "is-active", *names, check=False).out.split() == ["active"] * 3, 230, "not up"
    )
    seen(f"{gate.now():.0f} s after the kernel began")


@step("door contact: a forced door", 1800)
def test_a_door_that_nobody_opened_is_forced(gate):
    gate.until(lambda: gate.asked("status")["leaf"] == "shut", 30, "the door is not seen as shut")
    gate.put(contact=True)
    gate.until(lambda: gate.asked("door_forced"), 30, "no alarm")
    gate.put(contact=False)
    gate.until(lambda: gate.asked("status")["leaf"] == "shut", 30, "the door is not seen as shut again")


@step("tamper blocks, REX opens", 1800)
def test_an_opened_housing_blocks_and_rex_opens_still(gate):
    gate.put(tamper=True)
    gate.until(lambda: gate.asked("status")["inputs"]["tamper"], 30, "the housing was not seen open")
    assert facegate(gate, "door", "open", check=False).code == 1
    assert gate.presses_until_open(10), "REX did not open"
    gate.put(tamper=False)
    facegate(gate, "door", "release")
    gate.until(lambda: facegate(gate, "door", "open", check=False).code == 0, 30, "still blocked")


@step("read-back: a relay that sticks is told", 1800)
def test_a_spare_contact_that_does_not_follow_is_a_fault(gate):
    stuck = "/sys/module/gpio_sim/parameters/stuck"
    gate.write(stuck, "0")
    assert gate.presses_until_open(20), "REX did not open"
    gate.until(lambda: "relay_stuck_off" in gate.asked("status")["faults"], 30, "the stuck relay was not told")
    gate.write(stuck, "-1")
    assert gate.presses_until_open(20), "REX did not open"
    gate.until(lambda: not gate.asked("status")["faults"], 30, "the fault stays")


@step("the resident is enrolled from a photo", 2700)
def test_the_resident_is_enrolled(gate, seen):
    began = gate.now()
    said = facegate(gate, "enroll", "Wang Fang", "/opt/photos/obama.jpg", "--json", within_s=170).answer
    assert said["templates"] == 1
    seen(f"{gate.now() - began:.0f} s")


@step("a stranger walks up: refused, no relay", 2700)
def test_a_stranger_is_refused(gate, seen):
    began = gate.now()
    gate.scene("stranger")
    told = gate.until(
        lambda: [line for line in gate.asked("denied") if line["details"].get("reason") == "unknown"],
        WALK_S,
        "not seen",
    )
    gate.scene("empty")
    assert not [one for one in gate.wire.of("relay", began) if one.level], "a stranger moved the relay"
    seen(f"unknown, {gate.now() - began:.0f} s after they came; similarity {told[-1]['details'].get('similarity')}")


@step("the resident walks up: the face moves the relay", 2700)
def test_the_resident_is_let_in_by_face(gate, seen):
    began = gate.now()
    gate.scene("resident")
    on = gate.when("relay", True, began, WALK_S)
    gate.scene("empty")
    assert on, f"the face moved no relay: {told(gate, 'denied')}"
    (line,) = (line for line in gate.asked("granted") if line["personal"].get("name") == "Wang Fang")
    frames, similarity = (line["details"][name] for name in ("frames", "similarity"))
    seen(f"relay on {on - began:.0f} s after he came, {frames} frames, {similarity}")


@step("kill -9 of the door in a pulse: the line is let go", 1800)
def test_a_door_killed_in_a_pulse_lets_go(gate, seen):
    assert_lets_go_of_a_dead_door(gate, seen)


@step("kill -9 where the kernel keeps the line: released by the unit", 1800)
def test_a_door_killed_in_a_pulse_lets_go_where_the_kernel_keeps_outputs(gate, seen):
    keeps = "/sys/module/gpio_sim/parameters/keeps"
    gate.write(keeps, "1")
    try:
        assert_lets_go_of_a_dead_door(gate, seen)
    finally:
        gate.write(keeps, "0")


KEYS = """
import pathlib, struct, sys
with open(sys.argv[1], "rb", buffering=0) as keypad:
    pathlib.Path("/run/listening").touch()
    pressed = []
    while len(pressed) < 4:
        _, _, kind, code, value = struct.unpack("llHHi", keypad.read(24))
        if kind == 1 and value == 1:
            pressed.append(code)
print(pressed)
"""


@step("USB keypad: keys come as the kernel names them", 1800)
def test_keys_of_a_usb_keypad_are_read(gate):
    device = gate.run("sh", "-c", "ls /dev/input/by-id/*-event-kbd | head -n 1").out.strip()
    ended = gate.start("python3", "-c", KEYS, device, within_s=40)
    gate.until(lambda: gate.run("test", "-e", "/run/listening", check=False).code == 0, 20, "nobody listens")
    for name in ("1", "2", "3", "ret"):
        gate.press_key(name)
    # KEY_1, KEY_2, KEY_3 and KEY_ENTER of linux/input-event-codes.h.
    assert ended().out.splitlines()[-1] == "[2, 3, 4, 28]"


# What qemu calls the keys of the PIN.
QCODES = {str(digit): str(digit) for digit in range(10)} | {"#": "ret", "*": "esc"}


def type_in(gate, keys):
    for key in keys:
        gate.press_key(QCODES[key])


@pytest.fixture(scope="module")
def pin(gate):
    """What the resident types, from when the keypad is one of the gate's."""
    device = gate.run("sh", "-c", "ls /dev/input/by-id/*-event-kbd | head -n 1").out.strip()
    gate.run("tee", "-a", "/etc/facegate/facegate.toml", given=f'\n[readers]\nkeypad = "{device}"\n')
    gate.run("systemctl", "restart", "facegate-settings.service")
    gate.run("systemctl", "start", "facegate-readers.service")
    return gate.run("runuser", "-u", "facegate-api", "--", PYTHON, "/run/board/pin.py", "Wang Fang").out.strip()


def under_duress(pin):
    """What whoever is forced to types instead."""
    return f"{pin[:-2]}{(int(pin[-2]) + 1) % 10}#"


@step("USB keypad: a PIN moves the relay", 1800)
def test_a_pin_typed_at_the_keypad_moves_the_relay(gate, pin, seen):
    gate.until(lambda: gate.asked("status")["at_rest"], 60, "the gate does not come to rest")
    began = gate.now()
    type_in(gate, pin)
    on = gate.when("relay", True, began, 60)
    assert on, f"the PIN moved no relay: {told(gate, 'denied')}"
    (line,) = (line for line in gate.asked("granted") if line["details"]["method"] == "pin")
    assert (line["details"]["reader"], line["personal"]["name"]) == ("keypad", "Wang Fang")
    seen(f"relay on {on - began:.1f} s after the first key, {line['details']['shown_to_relay_ms']} ms after the last")


@step("USB keypad: pulled out, plugged in, a PIN again", 1800)
def test_a_keypad_that_was_pulled_out_is_found_again(gate, pin, seen):
    gate.unplug_keypad()
    gate.until(lambda: gate.asked("reader_lost"), 30, "that it is gone is not on record")
    gate.plug_keypad_in()
    gate.until(lambda: gate.asked("reader_back"), 60, "it was not found again")
    gate.until(lambda: gate.asked("status")["at_rest"], 60, "the gate does not come to rest")
    began = gate.now()
    type_in(gate, pin)
    on = gate.when("relay", True, began, 30)
    assert on, f"the PIN moved no relay: {told(gate, 'denied')} {log_of(gate, 'readers')}"
    assert [len(gate.asked(kind)) for kind in ("reader_lost", "reader_back")] == [1, 1]
    owner = gate.run("sh", "-c", "stat -L -c '%G %a' /dev/input/by-id/*-event-kbd").out.split()
    assert owner == ["facegate-input", "640"]


# By its facility and its number.
CARD = (122, 56780)


@pytest.fixture(scope="module")
def card_held(gate):
    """The resident has it, by what is printed on it."""
    facegate(gate, "residents", "card", "Wang Fang", ",".join(map(str, CARD)))


@step("Wiegand: a card on D0 and D1 moves the relay", 1800)
def test_a_card_at_a_wiegand_reader_moves_the_relay(gate, card_held, seen):
    gate.until(lambda: gate.asked("status")["at_rest"], 60, "the gate does not come to rest")
    on, times = None, 0
    # A frame that the board's busy processor sent unevenly is refused, and the card shown once more.
    while on is None and times < 5:
        began, times = gate.now(), times + 1
        gate.run("python3", "/run/board/wiegand.py", PINS["d0"], PINS["d1"], card_bits("26", *CARD))
        on = gate.when("relay", True, began, 20)
    assert on, f"the card moved no relay: {told(gate, 'denied')} {told(gate, 'reader_noise')}"
    (line,) = (line for line in gate.asked("granted") if line["details"]["method"] == "card")
    assert (line["details"]["reader"], line["personal"]["name"]) == ("wiegand", "Wang Fang")
    seen(f"shown {times} times; relay {line['details']['shown_to_relay_ms']} ms after its last bit")


@step("TPM: a credential sealed and opened", 1800)
def test_a_credential_is_sealed_by_the_tpm(gate, seen):
    gate.until(lambda: gate.run("test", "-c", "/dev/tpmrm0", check=False).code == 0, 30, "there is no TPM")
    began = gate.now()
    gate.run(
        "systemd-creds", "encrypt", "--with-key=tpm2", "--name=board", "-", "/var/lib/board.cred", given="a secret"
    )
    sealed = gate.now()
    said = gate.run("systemd-creds", "decrypt", "--name=board", "/var/lib/board.cred", "-").out
    assert said == "a secret"
    seen(f"sealed in {sealed - began:.1f} s, opened in {gate.now() - sealed:.1f} s")


@step("doctor has nothing to complain of", 1800)
def test_the_doctor_has_nothing_to_complain_of(gate, seen):
    said = facegate(gate, "doctor", "--json", check=False).answer["findings"]
    bad = {one["name"]: one["seen"] for one in said if one["grade"] != "ok"}
    seen(f"{len(said) - len(bad)} of {len(said)} well{'; ' if bad else ''}{', '.join(bad)}")
    assert set(bad) <= EXPECTED, bad


# What a virtual board may lack: a clock that somebody vouches for.
EXPECTED = {"clock"}


def led(silent):
    """What does all that the drill asks for inside the board; `silent` is what was seen of the relay at the start."""
    return ("python3", "/run/board/installer.py", silent, PINS["d0"], PINS["d1"], card_bits("26", *CARD))


@step("the guided drill, up to its power cut", 3600)
def test_the_guided_drill_is_led_through_to_its_power_cut(gate, pin, card_held, seen):
    ended = gate.start(*led("no"), within_s=420)
    # In this order it asks for keys, which are pressed outside.
    for keys in (pin, under_duress(pin)):
        assert gate.acknowledges(1, 200), f"it never came to its PINs: {ended()}"
        gate.acknowledged.clear()
        type_in(gate, keys)
    said = ended()
    assert "Cut the power of the controller" in said.out, said
    assert "FAILED" not in said.out, said.out
    seen(f"{said.out.count('passed')} passed")


@step("the guided drill, after its power cut", 3600)
def test_the_guided_drill_ends_well_after_the_power_cut(gate, board, seen):
    gate.cut()
    with powered(board, f"file={gate.folder / 'card.img'},format=raw", gate.folder) as again:
        again.until(lambda: again.asked("status"), 120, "the gate does not start")
        try:
            assert_rests(again, until=again.now())
            silent = "yes"
        except AssertionError:
            silent = "no"
        said = again.run(*led(silent), within_s=150, check=False)
        # It goes on where it was before the cut, and does not begin again.
        assert (said.code, "Press the exit button" in said.out) == (0, False), said
        seen(said.out.splitlines()[-1].split(" The sheet")[0])
        assert "verifies" in again.run("facegate", "audit", "verify").out
