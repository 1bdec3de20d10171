"""What holds of the board's wires, whoever drives them."""

import statistics


def assert_rests(machine, until):
    """Neither relay was on before a moment. Raises with the relay's name."""
    for name in ("relay", "hold"):
        early = [one.at for one in machine.wire.of(name) if one.level and one.at < until]
        assert not early, f"{name} was on {early[0]:.1f} s after the kernel began, and nobody had asked for it"


def first_press(machine):
    """When REX was pressed for the first time since the power came."""
    return next(one.at for one in machine.wire.of("rex", outside=True) if not one.level)


def wait_for_rest(machine):
    """Until no pulse of before runs any more."""
    machine.until(lambda: not any(one.level for one in machine.wire.of("relay")[-1:]), 30, "the relay does not rest")


def assert_rex_opens(machine, times, seen):
    """Pressed so many times, it moves the relay each time, for a pulse. Says how long both took."""
    took, lasted = [], []
    for _ in range(times):
        wait_for_rest(machine)
        began = machine.now()
        machine.put(rex=False)
        on = machine.when("relay", True, began, 10)
        machine.put(rex=True)
        assert on, "REX did not open"
        off = machine.when("relay", False, on, 15)
        assert off, "the relay did not let go"
        took.append(on - machine.when("rex", False, began, 5, outside=True))
        lasted.append(off - on)
    seen(f"{1000 * min(took):.0f} to {1000 * max(took):.0f} ms, median {1000 * statistics.median(took):.0f}")
    seen(f"pulses {min(lasted):.3f} to {max(lasted):.3f} s")
    assert max(took) < 1
    assert min(lasted) > 2.5
    assert max(lasted) < 12


def assert_fire_opens(machine, seen):
    """The hold relay goes on with the fire loop's opening, and off when it has closed. Says how long it took."""
    began = machine.now()
    machine.put(fire=True)
    on = machine.when("hold", True, began, 10)
    assert on, "fire did not open the gate"
    seen(f"{1000 * (on - machine.when('fire', True, began, 5, outside=True)):.0f} ms, held until the signal ended")
    # Longer than the lease by which the relay would let go.
    assert machine.when("hold", False, on, 6) is None, "the gate did not stay open in a fire"
    machine.put(fire=False)
    assert machine.when("hold", False, on, 10), "the gate stayed open after the fire"


def assert_lets_go_of_a_dead_door(machine, seen):
    """Killed in a pulse, the door is survived by no level and by no grant, and comes back. Says how long that took."""
    wait_for_rest(machine)
    old = _pid_of_door(machine)
    began = machine.now()
    machine.put(rex=False)
    on = machine.when("relay", True, began, 10)
    machine.put(rex=True)
    assert on, "REX did not open"
    killing = machine.now()
    machine.run("sh", "-c", f"kill -9 {old}")
    off = machine.when("relay", False, killing, 15)
    assert off, "the relay stayed on"
    machine.until(lambda: _pid_of_door(machine) not in ("0", old), 60, "the door does not come back")
    machine.until(lambda: machine.asked("status"), 60, "the door does not answer")
    again = [one.at for one in machine.wire.of("relay", off) if one.level]
    assert not again, "a grant was kept over a restart: the relay went on again by itself"
    opened = machine.presses_until_open(60)
    assert opened, "REX does not open"
    seen(
        f"off {off - killing:.2f} s after the kill, on for {off - on:.2f} s in all; REX {opened - killing:.1f} s after"
    )


def _pid_of_door(machine):
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "facegate-door").out.strip()
