"""facegate eval"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import (
    ask_for,
    counted,
    home,
    json_option,
    print_json,
    print_table,
    state_option,
)
from commands.eval_liveness import evaluate_liveness
from commands.eval_people import Seen, seen_by
from commands.photo_folder import ASKED_FPIR, counts_of, fold_option, groups_of, pack_option, print_groups, seed_option
from gate.errors import UsageError

if TYPE_CHECKING:
    from evaluate.identification import Protocol

_WORST = 12


class _Safeguard(click.Choice[str]):
    def __init__(self) -> None:
        super().__init__(["quality", "margin", "normalisation", "second-look"])


class _Peer(click.Choice[str]):
    def __init__(self) -> None:
        super().__init__(["face_recognition", "deepface", "insightface", "opencv-sface"])


@click.command("eval")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--photos", default=1, show_default=True, type=click.IntRange(1, 8), help="Photos enrolled a person.")
@click.option("--frames", default=1, show_default=True, type=click.IntRange(1, 8), help="Photos a decision.")
@click.option("--gallery", default=300, show_default=True, type=click.IntRange(1), help="People enrolled at most.")
@click.option("--splits", default=10, show_default=True, type=click.IntRange(1, 100), help="Drawings, pooled.")
@seed_option
@fold_option
@click.option("--without", multiple=True, type=_Safeguard(), help="Leave a safeguard out, to see what it brings.")
@click.option("--report", type=click.Path(path_type=Path), help="A folder for the DET curve and the worst pairs.")
@click.option("--liveness", type=click.Path(path_type=Path), help="A folder with bona_fide and attack, instead.")
@click.option("--peer", type=_Peer(), help="Another library in the models' place, installed in a folder of its own.")
@pack_option
@state_option
@json_option
def evaluate(
    folder: Path | None,
    photos: int,
    frames: int,
    gallery: int,
    splits: int,
    seed: int,
    fold: str,
    without: tuple[str, ...],
    report: Path | None,
    liveness: Path | None,
    peer: str | None,
    pack: str | None,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """How well people are told apart, on a FOLDER of them: person/photo.jpg.

    Some are enrolled, everyone else comes as a stranger, in several random drawings. With a table groups.csv (person,
    group) in the folder the same is done within each group, at the scores that are asked of all; somebody may be of
    several. Where nobody has two photos, groups alone are compared.
    """
    from evaluate.identification import Protocol
    from evaluate.within import Photos

    if (folder is None) == (liveness is None):
        raise UsageError("Give a folder of people, or --liveness with a folder of bona_fide and attack.")
    if peer is not None and (pack is not None or without or liveness is not None):
        raise UsageError("--peer goes with a folder of people alone, without --pack, --without and --liveness.")
    if report is not None:
        ask_for("matplotlib")
    gate = home(state, config)
    if folder is None:
        if liveness is not None:
            evaluate_liveness(gate, pack, liveness, as_json=as_json)
        return
    seen = seen_by(gate, peer, pack, folder, fold, without)
    asked = Protocol(photos, frames, gallery, splits, seed)
    answer, threshold = _identify(seen, asked, folder)
    answer = {
        "folder": str(folder),
        "pack": seen.name,
        "second_look": seen.second,
        "calibration": seen.calibration.measured if seen.calibration else None,
        **counts_of(seen.listing, seen.faces),
        **answer,
        "without": list(without),
    }
    answer |= _verify(seen, seed, report)
    if seen.listing.groups:
        compared = Photos(seen.templates, seen.faces.person, seen.faces.enrols, seen.scoring, seen.margin)
        answer["groups"] = groups_of(seen.listing, seen.faces, compared, asked, threshold)
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def _identify(seen: Seen, asked: Protocol, folder: Path) -> tuple[dict[str, Any], float | None]:
    """What is found, and the score that lets 0.3 % of all strangers in; nothing where groups alone can be compared."""
    from evaluate.identification import attempt, confidence, fnir_at

    protocol = _feasible(seen, asked, folder)
    if protocol is None:
        return {}, None
    attempts = attempt(seen.templates, seen.faces.person, seen.faces.enrols, protocol, seen.scoring)
    found = fnir_at(attempts, margin=seen.margin)
    between = confidence(attempts, margin=seen.margin, seed=protocol.seed)
    wrong = ~attempts.right & (attempts.accepted(seen.margin) > found[ASKED_FPIR][1])
    answer = {
        "photos": protocol.photos,
        "frames": protocol.frames,
        "seed": protocol.seed,
        "splits": protocol.splits,
        "gallery": attempts.gallery,
        "mated": int(attempts.mated.sum()),
        "strangers": attempts.strangers,
        "fnir": {f"{fpir:g}": round(fnir, 5) for fpir, (fnir, _) in found.items()},
        "fnir_95": {f"{fpir:g}": [round(side, 5) for side in sides] for fpir, sides in between.items()},
        "thresholds": {f"{fpir:g}": round(threshold, 4) for fpir, (_, threshold) in found.items()},
        "taken_for_another": int(wrong[attempts.mated].sum()),
    }
    return answer, found[ASKED_FPIR][1]


def _feasible(seen: Seen, asked: Protocol, folder: Path) -> Protocol | None:
    """What is asked, with fewer photos a decision where nobody has as many.

    None where nobody has photos enough, and there are groups, whose people can be compared by one photo each. Raises
    UsageError where nothing is left.
    """
    from evaluate.identification import feasible

    protocol = feasible(seen.faces.person, seen.faces.enrols, asked)
    if protocol is None and seen.listing.groups:
        click.secho("Nobody has photos enough to be enrolled and to come: groups alone are compared.", fg="yellow",
                    err=True)  # fmt: skip
        return None
    if protocol is None:
        raise UsageError(
            "Nobody in {folder} has {photos} photos good enough to enrol, and another one to come with. Lower --photos,"
            " or add photos.",
            folder=folder,
            photos=asked.photos,
        )
    if protocol.frames < asked.frames:
        click.secho(
            f"Nobody has {asked.photos + asked.frames} photos; a decision rests on {protocol.frames} instead of"
            f" {asked.frames}.",
            fg="yellow",
            err=True,
        )
    return protocol


def _verify(seen: Seen, seed: int, report: Path | None) -> dict[str, Any]:
    from evaluate.verification import compare_all, det_curve, fnmr_at, worst

    faces = seen.faces
    pairs = compare_all(seen.templates, faces.person, seen.scoring, seed)
    strangers, residents = worst(pairs, _WORST)

    def named(found: list[tuple[int, int, float]]) -> list[dict[str, Any]]:
        return [
            {"photos": ["/".join(faces.files[n].parts[-2:]) for n in (one, other)], "score": round(score, 4)}
            for one, other, score in found
        ]

    answer: dict[str, Any] = {
        "fnmr": {f"{fmr:g}": round(fnmr, 5) for fmr, (fnmr, _) in fnmr_at(pairs).items()},
        "comparisons": {"mated": len(pairs.mated), "strangers": len(pairs.strangers)},
        "worst_strangers": named(strangers),
        "worst_residents": named(residents),
    }
    if report is not None and len(pairs.mated):
        from evaluate.report import draw_det, draw_pairs

        try:
            report.mkdir(parents=True, exist_ok=True)
            draw_det(report / "det.png", *det_curve(pairs), title=f"{len(faces.people)} people")
            for name, found in (("worst-strangers.png", strangers), ("worst-residents.png", residents)):
                draw_pairs(report / name, [(faces.files[one], faces.files[other], s) for one, other, s in found])
        except OSError as error:
            raise UsageError("{folder} cannot be written: {why}.", folder=report, why=error.strerror) from error
        answer["report"] = str(report)
    return answer


def _print(answer: dict[str, Any]) -> None:
    click.echo(
        f"{answer['people']} people on {answer['images']} photos ({answer['pack']}); calibration:"
        f" {answer['calibration'] or 'none'}"
    )
    for name, share in (("to enrol", "failure_to_enrol"), ("to acquire at the gate", "failure_to_acquire")):
        click.echo(f"failure {name}: {100 * answer[share]:.2f} %")
    if answer["refused"]:
        click.echo("  " + ", ".join(f"{number} {reason}" for reason, number in answer["refused"].items()))
    if "fnir" in answer:
        _print_identified(answer)
    rows: list[tuple[object, ...]] = [(fmr, f"{100 * fnmr:.2f} %") for fmr, fnmr in answer["fnmr"].items()]
    print_table(("false matches (FMR)", "false non-matches (FNMR)"), rows, "Too few photos for FMR and FNMR.")
    print_groups(answer.get("groups", {}))
    for title, key in (("two people most alike", "worst_strangers"), ("one person least alike", "worst_residents")):
        click.echo(f"{title}:")
        for pair in answer[key][:5]:
            click.echo(f"  {pair['score']:.3f}  {pair['photos'][0]}  {pair['photos'][1]}")
    if "report" in answer:
        click.echo(f"Pictures in {answer['report']}: det.png, worst-strangers.png, worst-residents.png")


def _print_identified(answer: dict[str, Any]) -> None:
    click.echo(
        f"{counted(answer['photos'], 'photo')} enrolled, {counted(answer['frames'], 'photo')} a decision;"
        f" {answer['splits']} drawings (seed {answer['seed']}) of {answer['gallery']} residents and"
        f" {answer['strangers']} strangers, {answer['mated']} visits of residents in all"
    )
    rows: list[tuple[object, ...]] = []
    for fpir, fnir in answer["fnir"].items():
        low, high = answer["fnir_95"][fpir]
        between = f"{100 * low:.2f} to {100 * high:.2f} %"
        rows.append((f"{100 * float(fpir):g} %", f"{100 * fnir:.2f} %", between, answer["thresholds"][fpir]))
    print_table(("strangers let in (FPIR)", "residents missed (FNIR)", "95 %", "score"), rows, "")
    click.echo(f"residents taken for another at 0.3 %: {answer['taken_for_another']}")
