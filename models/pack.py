"""Opening the models of an installed pack, once their files are what was installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models import canary, insightface_pack
from models.detector import Detector, YuNet
from models.embedder import ArcFace, Embedder
from models.errors import PackError
from models.installed import Installed, pack_folder, read_calibration, read_installed, uncalibrated
from models.liveness import LivenessCheck
from models.manifest import Calibration, EmbedderSpec
from models.runtime import Provider, check_hash


@dataclass(frozen=True, slots=True)
class Models:
    """A pack's detector and embedder, open and checked.

    `model_id` names the embedder: templates compare where their ids are equal. `measured` says what its scores mean;
    None where nobody has measured them. `second` looks again at whoever these did not let in: another pack's embedder,
    behind the same detector; None where there is none.
    """

    detector: Detector
    embedder: Embedder
    model_id: str
    measured: Calibration | None = None
    second: Models | None = None

    @property
    def spec(self) -> EmbedderSpec:
        """How the embedder is fed: its input size, and the landmarks a face is aligned to."""
        return self.embedder.spec

    @property
    def calibration(self) -> Calibration:
        """What its scores mean. Raises PackError when nobody has measured it."""
        if self.measured is None:
            raise uncalibrated(self.model_id.rpartition("/")[0])
        return self.measured


def verify(directory: Path, pack: str) -> Installed:
    """Check every file's hash, and the canary where the pack has models. Raises PackError with the first fault."""
    installed = check_files(directory, pack)
    if installed.embedder is not None:
        open_models(directory, pack)
    return installed


def check_files(directory: Path, pack: str) -> Installed:
    """What was installed, once every file's sha256 is the recorded one. Raises PackError with the first fault."""
    installed = read_installed(directory, pack)
    for file in installed.files:
        check_hash(pack_folder(directory, pack) / file.name, file.sha256, pack)
    return installed


def open_models(
    directory: Path, pack: str, *, threads: int = 1, provider: Provider = "cpu", calibrated: bool = True
) -> Models:
    """The pack's detector and embedder, their hashes checked and the canary heard. Raises PackError.

    `calibrated` False opens them without their calibration and their second look, for whoever makes one.
    """
    models = _open(directory, pack, threads, provider, calibrated=calibrated)
    second = read_installed(directory, pack).second
    if second is None or not calibrated or not pack_folder(directory, second).exists():
        return models
    looks_again = _open(directory, second, threads, provider, calibrated=True)
    if looks_again.spec.landmarks != models.spec.landmarks or looks_again.spec.input_size != models.spec.input_size:
        raise PackError(f"The second look of pack {pack}, {second}, takes faces that are aligned otherwise.")
    if looks_again.measured is None:
        raise uncalibrated(second)
    return replace(models, second=replace(looks_again, detector=models.detector))


def _open(directory: Path, pack: str, threads: int, provider: Provider, *, calibrated: bool) -> Models:
    installed = check_files(directory, pack)
    if installed.detector is None or installed.embedder is None:
        raise PackError(f"The pack {pack} holds no detector and embedder; choose another in models.pack.")
    folder = pack_folder(directory, pack)
    paths = {file.role: folder / file.name for file in installed.files}
    detector: Detector
    embedder: Embedder
    if pack.startswith(insightface_pack.PREFIX):
        if provider != "cpu":
            raise PackError('Packs of the insightface library run on the CPU alone; set vision.provider = "cpu".')
        detector, embedder = insightface_pack.open_models(
            paths["detector"], paths["embedder"], installed.embedder, threads
        )
    else:
        detector = YuNet(paths["detector"], installed.detector, threads=threads, provider=provider)
        embedder = ArcFace(paths["embedder"], installed.embedder, threads=threads, provider=provider)
    if installed.canary is None:
        raise PackError(f"What was installed of pack {pack} has no canary. Run: facegate models install {pack}")
    canary.check(embedder, installed.canary, pack)
    measured = read_calibration(directory, installed) if calibrated else None
    return Models(detector, embedder, installed.model_id, measured)


def open_liveness(
    directory: Path, packs: Sequence[str], *, threads: int = 1, provider: Provider = "cpu"
) -> tuple[LivenessCheck, ...]:
    """The checks of installed liveness packs, their hashes checked. Raises PackError naming what to install."""
    checks = []
    for pack in packs:
        installed = check_files(directory, pack)
        if installed.liveness is None:
            raise PackError(f"The pack {pack} holds no liveness check; name another in models.liveness.")
        path = pack_folder(directory, pack) / installed.file("liveness").name
        checks.append(LivenessCheck(path, installed.liveness, threads=threads, provider=provider))
    return tuple(checks)
