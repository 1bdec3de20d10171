"""Switch the gate to a version that dpkg placed in /usr/lib/facegate.

The settings are checked first and the database is backed up; what does not come up and stay up goes back by itself.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deploy.machine import let_pins_go, make_users, take_up_rules
from deploy.place import PACKAGES, Installation
from deploy.programs import Failed, run
from deploy.release import python_of
from deploy.switching import check_settings, record_switch, switch_over
from deploy.under_way import under_way

_ASKS_NOBODY = {"DEBIAN_FRONTEND": "noninteractive"}
# What `apt autoremove` leaves: apt sees that nothing depends on a version before, and not that it is the way back.
_KEPT_BY_APT = Path("etc/apt/apt.conf.d/01facegate")
# Whose switch it is: each start of the services has what a power cut stopped looked for, a switch's own start too.
_AT_WORK = Path("run/facegate-switch")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="facegate-switch", description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("version", nargs="?", help="as in the name of its package: 0.1.0 of facegate-0.1.0")
    what.add_argument("--finish", action="store_true", help="go on with what a power cut stopped in its middle")
    chosen = parser.parse_args()
    os.umask(0o022)
    # Where systemd does not run, as in an image that is being made, the link is all there is to do.
    place = Installation(None if Path("/run/systemd/system").is_dir() else Path("/"), False, PACKAGES)
    try:
        if os.geteuid() != 0:
            raise Failed(f"Only root may switch versions. Say: sudo facegate-switch {chosen.version or '--finish'}")
        if chosen.finish:
            _finish(place)
        else:
            with _alone(place):
                _switch(place, chosen.version)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        again = f"facegate-switch {chosen.version or '--finish'}"
        if error.errno == errno.EROFS:
            why = f"The root file system is only read. On a card that was written whole, say: writable {again}"
        else:
            why = f"{error.filename or 'The card'}: {error.strerror}. Once that is mended, say: sudo {again}"
        print(why, file=sys.stderr)
        return 1
    return 0


def _switch(place: Installation, version: str) -> None:
    """Raises Failed; a gate that ran then runs as before."""
    release, before = _release(place, version), _runnable(place)
    try:
        check_settings(place, release)
    except Failed as error:
        record_switch(place, before, release, str(error))
        raise
    before = switch_over(place, before, release, partial(_use, place))
    _have_apt_keep(place, release, before)
    if place.live:
        let_pins_go(place)
    print(f"{version} is in use.")


def _finish(place: Installation) -> None:
    """Raises Failed where it cannot be gone on with, or what was begun did not come up."""
    # Theirs too is to switch.
    if packages := _half_configured():
        done = run("dpkg", "--configure", *packages, environment=os.environ | _ASKS_NOBODY, may_fail=True)
        print(done.stdout, done.stderr, sep="", end="", flush=True)
        if done.returncode != 0:
            raise Failed(f"dpkg cannot configure {', '.join(packages)}.")
    if under_way(place) is None:
        return
    with _alone(place):
        # Whoever was at work meanwhile came to its end.
        if (cut := under_way(place)) is not None:
            _switch(place, cut.after.name)


@contextmanager
def _alone(place: Installation) -> Iterator[None]:
    """One switch at a time: who comes second waits for the end of the first."""
    if not place.live:
        yield
        return
    with (place.root / _AT_WORK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _half_configured() -> list[str]:
    """Our packages whose files are all there and whose configuration is not done."""
    shown = ("--show", "--showformat", "${db:Status-Status} ${Package}\n", "facegate*")
    lines = [line.split() for line in run("dpkg-query", *shown, may_fail=True).stdout.splitlines()]
    return [name for status, name in lines if status in ("unpacked", "half-configured")]


def _release(place: Installation, version: str) -> Path:
    """Its folder. Raises Failed where it is not there, or not for this machine's Python."""
    releases = place.root / PACKAGES.releases
    there = sorted(path.name for path in releases.glob("*") if (path / "pyvenv.cfg").is_file())
    if version not in there:
        raise Failed(
            f"There is no version {version} here, only {', '.join(there)}. Say: apt install facegate-{version}"
        )
    release = PACKAGES.releases / version
    python_of(place, release)
    return release


def _runnable(place: Installation) -> Path | None:
    """The version in use; None where there is none that this machine can run, to which there is no way back."""
    if place.current is None or not (place.root / place.current / "pyvenv.cfg").is_file():
        return None
    try:
        python_of(place, place.current)
    except Failed:
        return None
    return place.current


def _use(place: Installation, release: Path) -> None:
    # First, for where the power fails in between: what starts then finds its users.
    if place.live:
        place.step("make the users and the state directory", partial(make_users, place.root / release / "systemd"))
    # Units, users and rules of the package facegate are links through this one.
    place.step(f"point /{PACKAGES.current} at {release.name}", partial(place.point, PACKAGES.current, release.name))
    if place.live:
        place.step("have systemd and udev read what it leads to", take_up_rules)


def _have_apt_keep(place: Installation, release: Path, before: Path | None) -> None:
    names = sorted({f"^facegate-(codecs-)?{path.name.replace('.', '[.]')}$" for path in (release, before) if path})
    lines = "".join(f'  "{name}";\n' for name in names)
    place.put(
        _KEPT_BY_APT, f"// The version in use and the one before.\nAPT::NeverAutoRemove {{\n{lines}}};\n".encode()
    )
