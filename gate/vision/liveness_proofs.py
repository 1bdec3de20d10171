"""What each liveness check proves, and how often it was seen to err: for the doctor and the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.errors import Sentence
from gate.vocabulary import Level
from models.installed import read_installed


@dataclass(frozen=True, slots=True)
class Proof:
    """One check by its name, and what it proves of whoever passes.

    `bpcer` is the share of live people it refuses and `apcer` of attacks it lets pass, 0 to 1, on what `measured` says;
    None where nobody has measured it.
    """

    name: Sentence
    proves: Sentence
    measured: Sentence
    bpcer: float | None = None
    apcer: float | None = None


_CLIPS = Sentence("on 42 clips of live people and 77 of attacks, most of them simulated")
# In a recording nobody can be asked to turn the head.
_ALL_REFUSED = Sentence(
    "on 42 clips of live people and 77 of attacks, most of them simulated, and whoever raises a doubt refused"
)
_UNMEASURED = Sentence("not measured")
# Printed by `make soak`, tests/soak/test_liveness_clips.py.
_HELD_FRAME = Proof(
    Sentence("held frame"),
    Sentence("no straight edges of a sheet or a screen go along with the face"),
    _CLIPS,
    bpcer=0.0,
    apcer=0.078,
)
# Printed by `make soak`, tests/soak/test_asked_whole.py.
_TURN = Proof(
    Sentence("asked turn"),
    Sentence("whoever raised a doubt turned the head as they were asked, and not as a sheet does; a film may turn too"),
    Sentence("on 20 heads and 27 sheets of paper that were asked, all drawn; films that turn as asked pass"),
    bpcer=0.0,
    apcer=0.0,
)
_TURNS_REFUSED = {Level.STANDARD: 0.0, Level.STRICT: 0.1}
_TOGETHER = {
    frozenset({"liveness-minifas"}): {Level.STANDARD: (0.0, 0.052), Level.STRICT: (0.5, 0.0)},
    frozenset({"liveness-minifas", "liveness-celeba"}): {Level.STANDARD: (0.024, 0.026), Level.STRICT: (0.81, 0.0)},
}
_INFRARED = Proof(
    Sentence("infrared camera"),
    Sentence("the face throws back near-infrared light, as skin does and the screen of a telephone does not"),
    _UNMEASURED,
)


def proofs(models_dir: Path, packs: Sequence[str], level: Level, *, infrared: bool) -> list[Proof]:
    """Every check that is asked at a level, and last all together. Raises PackError for a pack that is missing."""
    if level is Level.OFF:
        return []
    asked = []
    for pack in packs:
        spec = read_installed(models_dir, pack).liveness
        if spec is not None:
            found = spec.calibration
            asked.append(
                Proof(Sentence(pack), Sentence(spec.proves), Sentence(found.measured), found.bpcer, found.apcer)
            )
    turn = replace(_TURN, bpcer=_TURNS_REFUSED[level])
    asked += [_HELD_FRAME, turn, *([_INFRARED] if infrared else [])]
    known = None if infrared else _TOGETHER.get(frozenset(packs))
    together = Sentence("whoever is let in raised no doubt, or turned the head as they were asked")
    measured = _UNMEASURED if known is None else _ALL_REFUSED
    return [*asked, Proof(Sentence("all together"), together, measured, *((known or {}).get(level, ())))]
