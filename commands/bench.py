"""facegate bench"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import (
    ask_for,
    fetch_progress,
    home,
    json_option,
    library_folder,
    print_json,
    print_table,
    state_option,
)
from gate.errors import FacegateError, UsageError

_THREADS = (1, 2, 4)
_ENROLLED = 10_000
_NEAR = slice(50, 80)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.pack import Models


@click.command()
@click.option("--rounds", default=60, show_default=True, type=click.IntRange(5), help="How often each is measured.")
@click.option("--largest", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Gallery searched.")
@click.option("--peers", is_flag=True, help="Beside other libraries, installed for it in a folder of their own.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw it beside the other libraries, as SVG.")
@state_option
@json_option
def bench(
    rounds: int, largest: int, peers: bool, chart: Path | None, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Detector, alignment and embedder alone, then the whole pipeline on the same frames, all with one thread."""
    if chart is not None and not peers:
        raise UsageError("--chart draws the bench beside the other libraries; give --peers too.")
    if chart is not None:
        ask_for("matplotlib")
    gate = home(state, config)
    report = _measured(gate.models_dir, rounds, largest, peers=peers)
    if chart is not None:
        _draw(chart, report)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _measured(models_dir: Path, rounds: int, largest: int, *, peers: bool) -> dict[str, Any]:
    """All figures by their names, in milliseconds where the name says so. Raises PackError."""
    import cv2

    from evaluate import bench as measure
    from evaluate.demo.story import install_missing
    from gate.config import Settings
    from gate.store.database import open_database
    from gate.vision.liveness_packs import liveness_packs
    from models.pack import open_liveness, open_models

    with fetch_progress() as progress:
        install_missing(models_dir, progress)
    cv2.setNumThreads(1)
    models = open_models(models_dir, "open", threads=1)
    comes = _comes(models, models_dir)
    near = comes[_NEAR]
    off, usual = Settings(vision={"liveness": "off"}), Settings()
    checks = open_liveness(models_dir, liveness_packs(models_dir, usual.vision, None))
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(open_database(Path(scratch))) as store,
        closing(open_database(Path(scratch) / "others")) as others,
    ):
        _enrol(store, models, _aligned(models, near[:3]))
        _enrol(others, models, _noise(models))
        # The pipeline opens on its third frame; the bare models get the same ones. A stranger is looked at again then.
        # By liveness whoever comes is looked at before.
        bare, whole, unknown, lively = measure.in_turn(
            rounds,
            lambda: measure.stages(models, near[:3], 3),
            lambda: measure.pipeline(models, store, near, off),
            lambda: measure.pipeline(models, others, near[:10], off),
            lambda: measure.pipeline(models, store, comes, usual, checks),
        )
        besides = _besides(models, models_dir, near, Path(scratch), rounds // 3, peers=peers)
    report = {"machine": measure.machine(), **_in_figures(bare, whole, unknown, lively), **besides}
    report["search_ms"] = measure.searches(models.spec.dimension, rounds, largest)
    return report


def _in_figures(
    bare: dict[str, list[float]], whole: dict[str, list[float]], unknown: dict[str, list[float]],
    lively: dict[str, list[float]],
) -> dict[str, Any]:  # fmt: skip
    """What the models alone took in each round, the whole pipeline, the same for a stranger, and with liveness for who
    walks up, by their medians and 95th percentiles."""
    from evaluate import bench as measure

    bare_sum, to_relay = measure.median_and_p95(measure.together(bare)), measure.median_and_p95(whole["decisive"])
    return {
        "bare_ms": {name: measure.median_and_p95(values) for name, values in bare.items()},
        "bare_sum_ms": bare_sum,
        "pipeline_ms": measure.median_and_p95(whole["all"]) | {"mean": round(statistics.mean(whole["all"]), 2)},
        "frame_to_relay_ms": to_relay,
        "stranger_ms": measure.median_and_p95(unknown["all"]),
        "lively_to_relay_ms": measure.median_and_p95(lively["decisive"]),
        "lively_ms": measure.median_and_p95(lively["all"]),
        "overhead": round(to_relay["p50"] / bare_sum["p50"], 3),
    }


def _comes(models: Models, models_dir: Path) -> list[NDArray[np.uint8]]:
    """A walk to the gate; in its part `_NEAR` each frame has one usable face."""
    from evaluate.demo.walkup import Scene, footage, walker_from
    from models.installed import pack_folder

    walker = walker_from(pack_folder(models_dir, "demo-photos") / "obama2.jpg", models.detector)
    return list(footage([Scene(walker, 4.0)], seed=1))


def _noise(models: Models) -> NDArray[np.uint8]:
    """A picture that is nobody's face, aligned: (1, size, size, 3) BGR."""
    import numpy as np

    size = models.spec.input_size
    return np.random.default_rng(0).integers(0, 255, (1, size, size, 3), np.uint8)


def _enrol(store: sqlite3.Connection, models: Models, faces: NDArray[np.uint8]) -> None:
    from enroll.enrolment import second_templates
    from gate.store.people.consents import NO_PERSON
    from gate.store.people.residents import enrol
    from gate.store.people.templates import Template

    templates = [
        Template(models.model_id, "bench", {}, vector.tobytes(), *again)
        for vector, again in zip(models.embedder.embed(faces), second_templates(faces, models), strict=True)
    ]
    enrol(store, "Bench", None, templates, NO_PERSON)


def _besides(
    models: Models, models_dir: Path, near: list[NDArray[np.uint8]], scratch: Path, rounds: int, *, peers: bool
) -> dict[str, Any]:
    """What is measured besides the pipeline: more threads, more faces at once, an empty gateway, a start, others."""
    import numpy as np

    from evaluate import bench as measure
    from evaluate.demo.walkup import Scene, footage, write_video
    from gate.vision.recordings import video_frames
    from models.pack import open_models

    threads = {
        str(number): measure.median_and_p95(measure.together(alone))
        for number in _THREADS
        for alone in [measure.stages(open_models(models_dir, "open", threads=number), near[:3], rounds)]
    }
    batch = measure.batches(models, _aligned(models, near[:1])[0], rounds)
    np.save(scratch / "near.npy", np.stack(near[:10]))
    start = measure.cold_start(models_dir, scratch, scratch / "near.npy", _ENROLLED)
    beside = _beside(near[:10], models_dir) if peers else {}
    write_video(scratch / "empty.mp4", footage([Scene(None, 8.0)], seed=1))
    idle = measure.idle(models, (image for _, image in video_frames(scratch / "empty.mp4")))
    return {"threads_ms": threads, "batch_ms": batch, "idle": idle, "start": start, "peers_ms": beside}


def _print(report: dict[str, Any]) -> None:
    rows = [(name, times["p50"], times["p95"]) for name, times in report["bare_ms"].items()]
    rows += [
        ("what a followed face takes of them", *report["bare_sum_ms"].values()),
        ("pipeline, a frame with a face", report["pipeline_ms"]["p50"], report["pipeline_ms"]["p95"]),
        ("frame to relay", *report["frame_to_relay_ms"].values()),
        ("a stranger's frame, by both looks", *report["stranger_ms"].values()),
        ("with liveness, frame to relay", *report["lively_to_relay_ms"].values()),
        ("with liveness, a frame of who walks up", *report["lively_ms"].values()),
    ]
    print_table(("milliseconds, one thread", "p50", "p95"), rows, "")
    click.echo(f"overhead, frame to relay over the bare models: {report['overhead']}")
    click.echo(f"frames a second with a face always to be judged: {1000 / report['pipeline_ms']['p50']:.0f}")
    click.echo(
        f"an empty gateway at 10 frames a second: {report['idle']['core_percent']} % of a core,"
        f" embedder run {report['idle']['embedded']} times"
    )
    print_table(("templates", "search, ms"), list(report["search_ms"].items()), "")
    print_table(("faces at once", "embedder, ms a face"), list(report["batch_ms"].items()), "")
    rows = [(number, *times.values()) for number, times in report["threads_ms"].items()]
    print_table(("threads", "models together, p50 ms", "p95"), rows, "")
    for name, taken in report["peers_ms"].items():
        if isinstance(taken, float):
            times = taken / report["pipeline_ms"]["mean"]
            click.echo(f"{name}: {taken} ms a frame, {times:.1f} times the whole pipeline")
        else:
            click.echo(f"{name}: not measured ({taken})")
    click.echo(
        f"from nothing to the first recognised face: {report['start']['first_face_s']} s;"
        f" {report['start']['memory_mb']} MB with {_ENROLLED} templates"
    )


def _beside(pictures: list[NDArray[np.uint8]], models_dir: Path) -> dict[str, float | str]:
    from evaluate import libraries

    found: dict[str, float | str] = {}
    for name, library in libraries.LIBRARIES.items():
        click.echo(f"Measuring {name}...", err=True)
        try:
            outcome = libraries.run(library, library_folder(name), pictures, models_dir)
        except FacegateError as error:
            found[name] = str(error)
        else:
            seen = any(template is not None for template in outcome.templates)
            found[name] = libraries.milliseconds(outcome) if seen else "it finds no face"
    return found


def _draw(chart: Path, report: dict[str, Any]) -> None:
    from evaluate.chart import draw_times

    measured = {name: taken for name, taken in report["peers_ms"].items() if isinstance(taken, float)}
    try:
        draw_times(chart, {"Facegate": report["pipeline_ms"]["mean"], **measured})
    except OSError as error:
        raise UsageError("{path} cannot be written: {why}.", path=chart, why=error.strerror) from error


def _aligned(models: Models, images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    import numpy as np

    from models.align import align

    return np.stack([align(image, models.detector.detect(image)[0], models.spec) for image in images])
