"""Upgrade the gate from a stick, without a network.

What lies on the stick is copied, and only the copy is looked at: whether it is as it was signed, with the key that this
gate trusts, for its distribution and machine, and newer than what is installed. Then apt installs it with that copy as
its only source, and facegate-switch does the rest.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from deploy.archive import FOLDER, KEY, fingerprint
from deploy.offer import TRUSTED, WORK, Upgrade, in_use, installed_packages, is_full, no_room, take_off
from deploy.place import PACKAGES
from deploy.programs import Failed, run
from deploy.refused import Refused, Why
from deploy.stick import Missing, Partition, Unlike, mounted, plugged_in
from deploy.telling import digest_shown, is_at_work, tell

_MOUNT = Path("/run/facegate/upgrade/stick")
_ALONE = Path("/run/facegate/upgrade/lock")
_LARGEST_KEY = 1 << 16


class Say(Protocol):
    """Tells whoever asked how far it is."""

    def __call__(self, phase: str, **said: Any) -> None:
        """`said` is what is known by then."""


def main() -> int:
    """Entry point."""
    chosen = _parser().parse_args()
    os.umask(0o022)
    say: Say = tell if chosen.console else _print
    before = in_use()
    try:
        if os.geteuid() != 0:
            raise Failed("Only root may upgrade the gate. Say: sudo facegate-upgrade")
        with _alone():
            if chosen.console == "install" and not digest_shown():
                raise Failed("Nothing is shown that could be installed.")
            try:
                _do(chosen, say)
            except Refused as error:
                say("refused", why=error.why.name, values=error.values)
                raise
            except Failed as error:
                say("failed", said=str(error))
                raise
            except OSError as error:
                said = f"{error.filename or 'The card'}: {error.strerror}. See: sudo facegate doctor"
                say("failed", said=said)
                raise Failed(said) from error
        # Apart from it: whoever looks at a stick meanwhile need not wait.
        if (now := in_use()) != before:
            _remove_all_but({before, now})
    except Refused as error:
        if error.why is Why.BUSY and not is_at_work():
            say("refused", why=error.why.name, values=error.values)
        print(error if error.why is Why.NOTHING_NEW else f"Nothing was changed. {error}", file=sys.stderr)
        return 0 if error.why is Why.NOTHING_NEW else 1
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="facegate-upgrade", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="PLACE",
        help="the folder where the stick is mounted, or its device; by default the stick that is plugged in",
    )  # fmt: skip
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--look", action="store_true", help="say what would change, and change nothing")
    what.add_argument(
        "--trust", metavar="FINGERPRINT", help="take the stick's key, if its fingerprint is the one that you were told"
    )
    what.add_argument(
        "--console", choices=("look", "install"),
        help="as the console asks for it by facegate-upgrade@.path: look, or install what it was shown",
    )  # fmt: skip
    return parser


def _do(chosen: argparse.Namespace, say: Say) -> None:
    shown = digest_shown() if chosen.console == "install" else None
    with _scratch():
        with _place(chosen.source) as place:
            if chosen.trust:
                _trust(place, chosen.trust)
                return
            say("looking")
            upgrade = Upgrade(place)
            offer = upgrade.look()
            if shown is not None and shown != offer.digest:
                raise Refused(Why.NOT_SHOWN)
            said = asdict(offer) | {"packages": [f"{one.name} ({one.size / 1e6:.0f} MB)" for one in offer.packages]}
            if chosen.console != "install":
                say("shown", **said)
            if chosen.look or chosen.console == "look":
                return
            say("fetching", **said)
            upgrade.fetch(offer)
        say("installing", **said)
        upgrade.install(offer)
        say("installed", **said)


def _print(phase: str, **said: Any) -> None:
    if phase == "shown":
        print(f"From {said['installed']} to {said['version']}:", *said["packages"], sep="\n  ")
        if said["changes"]:
            print(said["changes"])
    elif phase == "installing":
        print("The stick can be pulled out.")
    sys.stdout.flush()


def _trust(place: Path, told: str) -> None:
    copy = WORK / KEY
    try:
        take_off(place / FOLDER, KEY, WORK, _LARGEST_KEY)
    except (Missing, Unlike) as error:
        raise Refused(Why.NO_ARCHIVE, folder=place) from error
    if fingerprint(copy.read_bytes()) != "".join(told.split()).lower():
        raise Refused(Why.OTHER_FINGERPRINT)
    new = TRUSTED.with_name(f"{TRUSTED.name}.new")
    shutil.copyfile(copy, new)
    new.replace(TRUSTED)
    print("This gate takes what is signed with this key from now on, and with no other.")


def _remove_all_but(kept: set[str]) -> None:
    """A gate that gets its upgrades from sticks has nobody who says `apt autoremove`."""
    versions = {path.name for path in (Path("/") / PACKAGES.releases).iterdir() if not path.is_symlink()} - kept
    names = [f"facegate{kind}-{version}" for version in sorted(versions) for kind in ("-codecs", "")]
    if older := [name for name in names if name in installed_packages("facegate-*")]:
        run("dpkg", "--purge", *older, may_fail=True)


@contextmanager
def _place(given: Path | None) -> Iterator[Path]:
    """The folder that holds the archive's: where a stick is mounted, as long as the block lasts."""
    if given is None:
        with plugged_in(_MOUNT, FOLDER) as folder:
            yield folder
    elif given.is_block_device():
        with mounted(Partition(str(given), None), _MOUNT) as folder:
            yield folder
    else:
        yield given


@contextmanager
def _scratch() -> Iterator[None]:
    """A folder that root alone can write in, and apt's own user can read."""
    shutil.rmtree(WORK, ignore_errors=True)
    try:
        WORK.mkdir(mode=0o755)
    except OSError as error:
        if is_full(error):
            raise no_room() from error
        # Where a power cut left a copy it is there, and stays.
        if not os.statvfs(WORK.parent).f_flag & os.ST_RDONLY:
            raise
        why = "The root file system is only read. On a card that was written whole, say: writable facegate-upgrade"
        raise Failed(why) from error
    try:
        yield
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    _ALONE.parent.mkdir(parents=True, exist_ok=True)
    with _ALONE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(Why.BUSY) from error
        yield
