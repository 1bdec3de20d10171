"""What recognition stands on: the models, the promise for the residents of today, liveness, and their templates.

Each check raises PackError where a pack is missing, damaged or unmeasured, and StoreError or sqlite3.Error where the
store cannot be read; `examine` tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import Site
from gate.care.forecast import ENOUGH_PHOTOS, Forecast, forecast_of, second_of
from gate.care.likeness import Alike, Likeness, alike
from gate.errors import Sentence
from gate.store.database import open_read_only
from gate.store.record.strangers import a_day
from gate.store.site.inherited import inherited
from gate.vision.liveness_packs import FREE, liveness_packs
from gate.vision.liveness_proofs import Proof, proofs
from gate.vision.promise import looks_again
from gate.vision.stray_templates import damaged_residents, stray_residents
from gate.vocabulary import Level
from models.errors import PackError
from models.installed import Installed, has_own_calibration, pack_folder, read_calibration, read_installed
from models.pack import check_files

# So many residents are named; the others are counted.
_NAMED = 5
_HELPS_WITHOUT_SECOND = Sentence(
    "Enrol again, with new photos, whom the second look does not know (Residents shows who): it tells them apart"
    " better."
)
_HELPS_FIRST = Sentence(
    "Let the gate look a second time (docs/recognition.md), or calibrate on photos of people from here: facegate"
    " calibrate FOLDER"
)
_HELPS_SECOND = Sentence(
    "Calibrate the second look on photos of people from here: facegate calibrate FOLDER --pack {pack}"
)
_TURN_ON = (
    'Set vision.liveness = "standard", with a light, a buzzer or a screen at the gate that asks whoever raises a doubt'
    " to turn the head."
)


def models(site: Site) -> Seen:
    """Whether every file of the pack is what was installed, and its models open and answer as they did then."""
    pack = site.settings.models.pack
    try:
        if check_files(site.models_dir, pack).embedder is not None:
            with site.opened():
                pass
    except PackError as error:
        return to_mend(str(error), f"Run: facegate models install {pack}")
    looks = [one for one in _installed(site) if has_own_calibration(site.models_dir, one)]
    own = [(one.pack, read_calibration(site.models_dir, one)) for one in looks]
    told = [f"What the scores of {name} mean is not as shipped but of: {one.measured}." for name, one in own if one]
    return well(" ".join([f"The pack {pack} is whole.", *told]))


def _installed(site: Site) -> list[Installed]:
    """The pack in use, and the one that looks a second time."""
    first = read_installed(site.models_dir, site.settings.models.pack)
    second = second_of(site.models_dir, first, site.settings.vision)
    return [first] if second is None else [first, second]


def promise(site: Site) -> Seen:
    """What the promise asks of the residents of today."""
    with closing(open_read_only(site.state)) as connection:
        pack, vision = site.settings.models.pack, site.settings.vision
        return told_of_promise(forecast_of(connection, site.models_dir, pack, vision))


def told_of_promise(found: Forecast) -> Seen:
    """Whether it is kept, and at what price."""
    if not found.kept:
        seen = f"vision.threshold is set by hand: one wrong opening in about {found.years_kept:.2g} years."
        return worth_a_look(seen, "Remove it, or raise it.")
    years = f"{found.promise.years:g} year{'' if found.promise.years == 1 else 's'}"
    seen = (
        f"At most one wrong opening in {years}, with {found.promise.strangers_a_day:g} strangers"
        f" a day and {found.people} residents; about {100 * found.come_twice:.1f} in 100 come twice."
    )
    seen += _told_by_photos(found)
    if found.dear:
        return worth_a_look(seen, "Enrol more photos of each, or promise fewer years in vision.promise.")
    if found.once_only:
        seen += f" {found.once_only} of them were enrolled before there was a second look."
        return worth_a_look(seen, "Enrol them again, so that they are let in more surely (Residents shows who).")
    return well(f"{seen} Room for {found.more} more." if found.more is not None else seen)


def _told_by_photos(found: Forecast) -> str:
    """Who must come twice, by number of photos, and what more photos would bring."""
    if not found.more_photos_help:
        return ""
    counts = {one: f"{one.photos}{'+' if one.photos == ENOUGH_PHOTOS else ''}" for one in found.prices}
    told = [f"{100 * one.come_twice:.1f} in 100 of {one.people} with {count}" for one, count in counts.items()]
    return f" By photos: {', '.join(told)}; with {ENOUGH_PHOTOS} of each {100 * found.with_enough:.1f} in 100."


def strangers(site: Site) -> Seen:
    """Whether as many strangers come as the promise counts on."""
    with closing(open_read_only(site.state)) as connection:
        own, before = a_day(connection, datetime.now(UTC)), inherited(connection)
    asked = site.settings.vision.promise
    counted = site.settings.vision.as_before(before).promise.counted
    as_before = f", as before; new gates count on {asked.counted:g}" if counted != asked.counted else ""
    if own is None:
        return well(
            f"The promise counts on {counted:g} a day{as_before}; the record is too young to tell, or has none."
        )
    seen = f"About {own} a day by the record; the promise counts on {counted:g}{as_before}."
    if own > counted:
        return worth_a_look(seen, f"Set vision.promise.strangers_a_day to {own}.")
    return well(seen)


def second_look(site: Site) -> Seen:
    """Whether whoever the first model does not let in is looked at again."""
    settings = site.settings
    pack, wanted = read_installed(site.models_dir, settings.models.pack).second, looks_again(settings.vision)
    if pack is None:
        return well(f"The pack {settings.models.pack} has none.")
    if not wanted:
        return well("Off: residents whom the first model does not know at once come a second time.")
    if not pack_folder(site.models_dir, pack).exists():
        seen = f"Its pack {pack} is not installed: more residents come a second time."
        return worth_a_look(seen, f"Run: facegate models install {pack}")
    check_files(site.models_dir, pack)
    return well(f"By the pack {pack}.")


def likeness(site: Site) -> Seen:
    """Whether those who are enrolled here are more alike than the calibration knew."""
    settings = site.settings
    with closing(open_read_only(site.state)) as connection:
        return told_of_likeness(alike(connection, site.models_dir, settings.models.pack, settings.vision))


def told_of_likeness(found: Alike) -> Seen:
    """How much more alike, and what helps: a second look where there is one, else a calibration by people from here."""
    first, second = found.first, found.second
    if first.harder:
        return worth_a_look(_more_alike(first), _HELPS_FIRST if second is None else _HELPS_WITHOUT_SECOND)
    if second is not None and second.harder:
        return worth_a_look(_more_alike(second), Sentence(_HELPS_SECOND, pack=second.pack))
    told = [one for one in (first, second) if one is not None and one.told]
    if not told:
        return well(Sentence("Too few are enrolled to tell whether they look more alike than people of everywhere."))
    most = max(told, key=lambda one: one.people)
    return well(
        Sentence("They look alike not clearly more often than the promise counts on: {share}.", share=_share(most))
    )


def _more_alike(one: Likeness) -> Sentence:
    return Sentence(
        "The people enrolled here look alike to the gate about {times} times as often as the promise counts on"
        " ({share}), and so may strangers from here: for them it is not kept.",
        times=f"{one.times:.{int(one.times < 10)}f}",
        share=_share(one),
    )


def _share(one: Likeness) -> Sentence:
    return Sentence(
        "{found} of {pairs} pairs of {people} people, where {foretold} were to be expected",
        found=one.found,
        pairs=one.pairs,
        people=one.people,
        foretold=f"{one.foretold:.0f}",
    )


def liveness(site: Site) -> Seen:
    """What liveness proves, by packs whose files are what was installed."""
    settings = site.settings
    with closing(open_read_only(site.state)) as connection:
        vision = settings.vision.as_before(inherited(connection))
    if vision.level is Level.OFF:
        off = "a photo held up before the camera can open the gate. What can be asked: docs/liveness.md."
        if settings.vision.level is Level.OFF:
            return well(f"Off: {off}")
        return worth_a_look(f"Off, as before; at new gates it is standard: {off}", _TURN_ON)
    packs = liveness_packs(site.models_dir, vision, settings.models.liveness)
    for pack in packs:
        check_files(site.models_dir, pack)
    asked = proofs(site.models_dir, packs, vision.level, infrared=settings.infrared is not None)
    told = f"{vision.level}. {' '.join(_told(proof) for proof in asked)}"
    if not packs:
        return worth_a_look(told, f"Run: facegate models install {FREE}")
    if settings.door.amber_pin is None and settings.door.buzzer_pin is None:
        return well(f"{told} No light or buzzer says so to whoever is asked to turn the head: they need a screen.")
    return well(told)


def _told(proof: Proof) -> str:
    if proof.bpcer is None or proof.apcer is None:
        return f"{proof.name}: {proof.proves} ({proof.measured})."
    rates = f"BPCER {100 * proof.bpcer:.1f} %, APCER {100 * proof.apcer:.1f} %"
    return f"{proof.name}: {proof.proves} ({rates}, {proof.measured})."


def faces(site: Site) -> Seen:
    """Whether a template was made from what is no upright, plain face."""
    with site.opened() as models, closing(open_read_only(site.state)) as connection:
        return told_of_strays(stray_residents(connection, models))


def templates(site: Site) -> Seen:
    """Whether a template is damaged where it lies."""
    with site.opened() as models, closing(open_read_only(site.state)) as connection:
        return told_of_damaged(damaged_residents(connection, models))


def told_of_damaged(names: Sequence[str]) -> Seen:
    """Of whom there is such a template, the first of them by name."""
    if not names:
        return well("Every template can be read.")
    seen = f"Damaged, and passed over: templates of {_first_of(names)}. Everybody else is let in."
    do = "Erase these templates on the residents' pages and enrol them again; look whether the disk is failing."
    return to_mend(seen, do)


def told_of_strays(names: Sequence[str]) -> Seen:
    """Who has such a template, the first of them by name."""
    if not names:
        return well("No template tells of a turned, covered or negative picture.")
    seen = f"Not made from an upright, plain face, as it seems: {_first_of(names)}."
    do = "Erase these templates on the residents' pages and enrol them again: strangers' pictures may resemble them."
    return to_mend(seen, do)


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
