"""facegate eval --liveness"""

from __future__ import annotations

from pathlib import Path

import click

from commands.common import Home, print_json, print_table, progress_bar


def evaluate_liveness(gate: Home, pack: str | None, folder: Path, *, as_json: bool) -> None:
    """Judge the faces and attacks of a folder, and print the errors of each check. Raises UsageError, PackError."""
    from evaluate.liveness import evaluate_folder, list_presentations
    from gate.vision.liveness_packs import liveness_packs
    from gate.vocabulary import Level
    from models.pack import open_liveness, open_models

    vision = gate.settings.vision
    level = Level.STRICT if vision.level is Level.OFF else vision.level
    asked = vision.model_copy(update={"liveness": level})
    packs = liveness_packs(gate.models_dir, asked, gate.settings.models.liveness)
    presentations = list_presentations(folder)
    models = open_models(gate.models_dir, pack or gate.ready_pack(), threads=vision.threads)
    checks = dict(zip(packs, open_liveness(gate.models_dir, packs, threads=vision.threads), strict=True))
    with progress_bar("Looking at faces and attacks", len(presentations)) as step:
        answer = evaluate_folder(presentations, models, checks, level, step)
    if as_json:
        print_json(answer)
        return
    click.echo(
        f"{answer['bona_fide']} live and {answer['attacks']} false presentations, judged as {level};"
        f" {answer['no_face']} without a face are left out"
    )
    rows = [(name, _percent(one["bpcer"]), _percent(one["apcer"])) for name, one in answer["checks"].items()]
    rows.append(("all together", _percent(answer["fused"]["bpcer"]), _percent(answer["fused"]["apcer"])))
    print_table(("check", "live refused (BPCER)", "attacks passed (APCER)"), rows, "")


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f} %"
