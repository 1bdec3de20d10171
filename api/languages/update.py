"""Brings the catalogues up to date with the sentences of the code: python -m api.languages.update"""

from __future__ import annotations

import tomllib
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

from models.manifest import built_in_packs

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parent.parent
# What holds a sentence, and which of its arguments that is.
_KEYWORDS = {
    "_": None, "Sentence": None, "Refusal": None, "ResidentRefusal": None, "UsageError": None, "LinkDown": None,
    "Impostor": None, "NotUnderstood": None, "language": None, "words": None,
    "HttpProblem": (2,), "Outdated": (2,), "clean_text": (2,), "clean_name": (2,), "many": (1, 2),
}  # fmt: skip
_FOLDERS = ("api", "enroll", "gate/drill", "gate/store")
_FILES = (
    "gate/errors.py",
    "gate/care/doctor/recognition.py",
    "gate/care/health.py",
    "gate/fleet/centre_status.py",
    "gate/fleet/errands.py",
    "gate/fleet/joining.py",
    "gate/fleet/pairing.py",
    "gate/fleet/reading.py",
    "centre/followers.py",
    "centre/pairing.py",
    "commands/errand.py",
    "commands/following.py",
    "commands/inviting.py",
    "gate/processes/addresses.py",
    "gate/processes/asking.py",
    "gate/processes/client.py",
    "gate/names.py",
    "gate/processes/camera_report.py",
    "gate/vision/liveness_proofs.py",
    "gate/care/retention.py",
    "gate/door/named_groups.py",
    "gate/door/settings.py",
    "gate/days.py",
    "gate/schedule.py",
    "gate/schedule_words.py",
)

_HEADING = """\
# Facegate in {language}. After a change of the code: make messages
msgid ""
msgstr ""
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def sentences() -> Catalog:
    """Every sentence that the console may show, in English."""
    mappings = tomllib.loads((_REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in mappings]
    found = Catalog()
    for folder in _FOLDERS:
        for _, _, message, _, _ in extract_from_dir(_REPOSITORY / folder, methods, keywords=_KEYWORDS):
            found.add(message)
    for file in _FILES:
        for _, message, _, _ in extract_from_file("python", _REPOSITORY / file, keywords=_KEYWORDS):
            found.add(message)
    for spec in (manifest.liveness for manifest in built_in_packs() if manifest.liveness is not None):
        found.add(spec.proves)
        found.add(spec.calibration.measured)
    return found


def main() -> None:
    """New sentences come without a translation, and those that are gone go."""
    template = sentences()
    for file in sorted(_HERE.glob("*.po")):
        catalogue = read_po(file.open("rb"), locale=file.stem.replace("-", "_"))
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.fuzzy = False
        with file.open("wb") as out:
            # Of the heading only what a reader of the catalogue needs.
            plurals = f"nplurals={catalogue.num_plurals}; plural={catalogue.plural_expr};"
            out.write(_HEADING.format(language=catalogue.locale.english_name, plurals=plurals).encode())
            write_po(out, catalogue, width=0, omit_header=True, ignore_obsolete=True, no_location=True)
        print(f"{file.name} is up to date; translate what has no translation.")


if __name__ == "__main__":
    main()
