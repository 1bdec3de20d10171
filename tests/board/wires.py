"""What must hold of the board's wires, whatever else is tried."""


def assert_rests(machine, until):
    """Neither relay was on before a moment. Raises with the relay's name."""
    for name in ("relay", "hold"):
        early = [one.at for one in machine.wire.of(name) if one.level and one.at < until]
        assert not early, f"{name} was on {early[0]:.1f} s after the kernel began, and nobody had asked for it"
