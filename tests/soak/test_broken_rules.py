"""Each rule that never bends is broken once, in a copy of the house, and a test must fail."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.soak


@dataclass(frozen=True)
class Break:
    """A rule, the line that keeps it, what to put in its place, and the tests that should notice."""

    rule: str
    file: str
    keeps: str
    broken: str
    tests: str


BREAKS = (
    Break("1 de-energised at start", "gate/door/hardware.py",
          "active_high=settings.relay_active_high, initial_value=False",
          "active_high=settings.relay_active_high, initial_value=True",
          "tests/gate/door/test_hardware.py"),
    Break("1 de-energised at stop", "gate/door/relay.py", "            finally:\n                self._device.off()",
          "            finally:\n                pass", "tests/gate/door/test_hardware.py"),
    Break("1 de-energised at crash", "gate/supervise.py",
          '        if child.name == "door":\n            self._release_relay()\n', "",
          "tests/gate/test_supervise.py -k killed"),
    Break("1 de-energised at restart", "gate/supervise.py", "        self._release_relay()\n        stopping = False",
          "        stopping = False", "tests/gate/test_supervise.py -k left_on"),
    Break("1 no order of a centre that is over", "gate/store/compound/door_orders.py",
          "0 <= now.mono - mono <= AT_ONCE_S", "True", "tests/gate/store/compound/test_door_orders.py"),
    Break("1 nor one that it said long ago", "gate/store/compound/centre_orders.py",
          "taken_mono BETWEEN 0 AND ?", "taken_mono BETWEEN 0 AND 1e9 + ?",
          "tests/gate/store/compound/test_door_orders.py"),
    Break("1 no stale grant", "gate/door/rules.py", "<= case.freshness_s else", "<= 1e18 else",
          "tests/gate/door/test_rules.py tests/gate/door/test_controller.py"),
    Break("2 never longer than the maximum", "gate/door/relay.py", "self._wanted_s = min(seconds, self._longest_s)",
          "self._wanted_s = seconds",
          "tests/gate/door/test_hardware.py"),
    Break("2 nor while the door hangs", "gate/door/relay.py",
          "self._last_resort.arm(max(min(self._lives_s, seconds + _HANGS_S), seconds + SCHEDULING_SLACK_S))", "pass",
          "tests/gate/test_supervise.py -k hangs"),
    Break("3 REX is never refused", "gate/door/table.py",
          "**_rows(Event.REX, (Mode.NORMAL, *_BARRED), Mode.EGRESS, Answer.GRANTED, _SOON)",
          "**_rows(Event.REX, (Mode.NORMAL, *_BARRED), _SAME, Reason.BUSY, _SOON)", "tests/gate/door/test_table.py"),
    Break("4 no second pulse while one runs", "gate/door/table.py",
          "**_rows(ASKS, PULSES, _SAME, Reason.BUSY, _ANY)",
          "**_rows(ASKS, PULSES, Mode.PULSE, Answer.GRANTED, _ANY)", "tests/gate/door/test_table.py"),
    Break("4 nor while the gate moves", "gate/door/table.py",
          "**_rows(ASKS, (Mode.NORMAL,), _SAME, Reason.GATE_MOVES, Given.MOVING)",
          "**_rows(ASKS, (Mode.NORMAL,), Mode.PULSE, Answer.GRANTED, Given.MOVING)",
          "tests/gate/door/test_machine.py"),
    Break("3 fire outranks everything", "gate/door/table.py",
          "**_rows(Event.FIRE, tuple(mode for mode in Mode if mode not in FIRES), Mode.FIRE)",
          "**_rows(Event.FIRE, (Mode.NORMAL,), Mode.FIRE)", "tests/gate/door/test_table.py"),
    Break("3 lockdown outranks credentials", "gate/door/table.py",
          "**_rows(ASKS, (Mode.LOCKDOWN,), _SAME, Reason.LOCKDOWN, _ANY)",
          "**_rows(ASKS, (Mode.LOCKDOWN,), Mode.PULSE, Answer.GRANTED, _ANY)", "tests/gate/door/test_table.py"),
    Break("4 one claim, one grant", "gate/door/rules.py", "Reason.REPLAYED if case.earlier.same else None", "None",
          "tests/gate/door/test_rules.py tests/gate/door/test_controller.py"),
    Break("4 a use of a pass opens once", "gate/store/people/passes.py", "SELECT ?1, p.id, g.id, ?2, 0",
          "SELECT ?1, p.id, g.id, ?2, 1", "tests/gate/door/test_visits.py -k spent_twice"),
    Break("4 and was spent before", "gate/door/rules.py", "case.known.visit is None or case.known.spent else",
          "True else", "tests/gate/door/test_rules.py"),
    Break("4 a code on the phone opens once", "gate/door/rolling.py", "self.latest.get(identity, 0)", "0",
          "tests/gate/door/test_rolling.py"),
    Break("11 a pass stays taken back", "gate/store/people/passes.py",
          "AND uses_left > 0 AND revoked_at IS NULL RETURNING",
          "AND uses_left > 0 RETURNING", "tests/gate/store/people/test_passes.py -k taking_back"),
    Break("4 a gate gives back what it spent alone", "gate/store/people/uses.py",
          "if one.gate == gate and one.id not in others", "if True", "tests/gate/store/people/test_uses.py"),
    Break("11 a pass stays taken back at every gate", "gate/store/compound/taken.py",
          "    if items.version_of(connection, RegisterKind.REVOCATION, entry.id) is not None:\n"
          "        return Taken.REVOKED\n", "",
          "tests/gate/store/compound/test_passes.py -k for_ever"),
    Break("5 refusals are on record", "gate/door/controller.py",
          "        if judged.news:", "        if judged.news and verdict.granted:",
          "tests/gate/door/test_controller.py"),
    Break("7 a keypad that rests bars no card", "gate/door/credentials.py", "if shown.method is Method.CARD:",
          "if self._lockout.keypads:\n            return\n        if shown.method is Method.CARD:",
          "tests/gate/door/test_credentials.py -k rests"),
    Break("5 enrolments are on record", "gate/store/people/residents.py",
          "    audit.append(connection, replace(event, personal=personal, resident=now.id))\n", "",
          "tests/gate/store/people/test_residents.py"),
    Break("5 looks are on record", "api/pages/page.py", "        record_look(connection, actor, look)\n",
          "        pass\n", "tests/faults/test_shown.py"),
    Break("5 an altered line is detected", "gate/store/record/audit.py",
          "if not hmac.compare_digest(str(stated), _hash(row)):", "if False:", "tests/gate/store/record/test_audit.py"),
    Break("5 a missing line is detected", "gate/store/record/audit.py", 'if row["sequence"] != expected:', "if False:",
          "tests/gate/store/record/test_audit.py"),
    Break("5 a beginning that was cut off is detected", "gate/store/record/audit.py", "    if not vouched:",
          "    if False:", "tests/gate/care/test_retention.py"),
    Break("6 erasing erases the name", "gate/store/people/erasure.py", "audit.forget(connection, resident.id)", "0",
          "tests/gate/store/people/test_erasure.py"),
    Break("6 erasing leaves no bytes", "gate/store/people/erasure.py",
          'one, by) for one in people]\n    write_ahead_log.empty(connection)',
          'one, by) for one in people]', "tests/gate/store/people/test_erasure.py"),
    Break("6 withdrawal leaves no bytes", "gate/store/people/erasure.py",
          '_withdrawn(connection, resident, by)\n    write_ahead_log.empty(connection)',
          '_withdrawn(connection, resident, by)', "tests/gate/store/people/test_consents.py"),
    Break("6 what is written later names nobody who is gone", "gate/door/record_writer.py",
          "audit.append(connection, _as_agreed(connection, event), moment)", "audit.append(connection, event, moment)",
          "tests/gate/door/test_service.py -k names_them_no_more"),
    Break("6 no template without consent", "gate/store/people/residents.py",
          "elif made and not consents.standing(connection, resident.id):", "elif False:",
          "tests/gate/store/people/test_consents.py"),
    Break("6 no template without consent, whoever writes", "gate/store/migrations/0021_photo_links.sql",
          "WHEN NOT EXISTS (SELECT 1 FROM consents", "WHEN 0 AND NOT EXISTS (SELECT 1 FROM consents",
          "tests/gate/store/people/test_consents.py"),
    Break("6 the removed finds nothing", "gate/vision/gallery.py",
          "        if version != self._version:\n            self._follow()\n",
          "        if self._version < 0:\n            self._follow()\n", "tests/gate/vision/test_gallery.py"),
    Break("7 a person may open with no face enrolled", "gate/door/controller.py",
          'verdict, _, notes = self._ask(Event.COMMAND, grant, now)',
          "verdict, notes = Verdict(False, Reason.UNKNOWN), ()",
          "tests/gate/door/test_controller.py"),
    Break("8 an unknown key is an error", "gate/settings_section.py", 'model_config = ConfigDict(extra="forbid"',
          'model_config = ConfigDict(extra="ignore"', "tests/gate/test_config.py"),
    Break("8 the settings move the decision", "gate/vision/promise.py",
          "calibration.floor if settings.threshold is None else settings.threshold", "calibration.floor",
          "tests/gate/vision/test_recogniser.py -k threshold"),
    Break("9 size before decoding", "enroll/decoder/picture.py", "if _needed(opened, whole) > MOST:", "if False:",
          "tests/enroll/test_decode.py"),
    Break("9 limits before decoding", "enroll/decoder/child.py", "        shut_in()\n", "",
          "tests/enroll/test_decoder.py"),
    Break("9 an archive's end before its directory", "enroll/zip_archive.py",
          "            refuse_vast_directory(file, name, most)\n", "", "tests/enroll/test_zip_archive.py"),
    Break("9 messages are limited", "gate/processes/server.py", "if len(connection.received) > MAX_MESSAGE:",
          "if False:", "tests/gate/processes/test_wire.py"),
    Break("9 a message's fields are checked", "gate/processes/fields.py", "kind in (str, bool) and type(said) is kind:",
          "kind in (str, bool):", "tests/gate/processes/test_fields.py"),
    Break("9 peers are checked", "gate/door/rules.py",
          "None if case.known.from_its_user else Reason.WRONG_PEER", "None",
          "tests/gate/door/test_rules.py"),
    Break("9 files are trusted by their hash", "models/runtime.py", "if actual != expected:", "if False:",
          "tests/models/test_pack.py -k flipped"),
    Break("10 a failure is a sentence", "commands/cli.py", "    if isinstance(error, Refusal):\n        return 1\n", "",
          "tests/commands/test_cli.py -k answer_of_no"),
    Break("10 a mistake of ours is called one", "gate/care/doctor/__init__.py",
          'told = f"It could not be looked at, by a mistake in Facegate: {type(bug).__name__} in {_where(bug)}."',
          "told = str(bug)", "tests/gate/care/test_doctor.py -k mistake"),
    Break("11 what was revoked stays so by a restore", "gate/care/backup/stays_revoked.py",
          "users, changed, locked = _keep_users(connection, present)", "users, changed, locked = 0, 0, 0",
          "tests/gate/care/backup/test_restore.py"),
    Break("11 and by what was rehearsed before", "api/importer.py", "self.now = revoked.without(store, now)",
          "self.now = now", "tests/api/test_import_revoked.py -k revoked_a_rehearsal"),
    Break("11 also of whoever was new in it", "api/importer.py",
          "if now.lasts and revoked.may_be_among(store, now):", "if False:",
          "tests/api/test_import_revoked.py -k enrolled_and_erased"),
    Break("11 and by vision, which does not know yet", "gate/door/knowledge.py",
          "if entry is not None and not entry.resident.templates:", "if False:",
          "tests/gate/door/test_service.py -k kept_no_more"),
    Break("12 the door loads nothing that asks the network", "gate/door/service.py", "import logging\n",
          "import logging\nimport pydantic\n", "tests/gate/door/test_service.py -k imports_nothing"),
)  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    for package in ("gate", "centre", "models", "enroll", "api", "evaluate", "commands", "tests", "docs"):
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, folder)
    return folder


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.rule)
def test_a_broken_rule_is_noticed(copy, models_dir, broken):
    path = copy / broken.file
    whole = path.read_text("utf-8")
    assert whole.count(broken.keeps) == 1, f"{broken.file} has changed; say anew what keeps this rule"
    path.write_text(whole.replace(broken.keeps, broken.broken), "utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not soak", *broken.tests.split()],
            cwd=copy, env=os.environ | {"FACEGATE_MODELS__DIR": str(models_dir.resolve())},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    finally:
        path.write_text(whole, "utf-8")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    print(f"\n{broken.rule:45} {failed[0] if failed else 'NOTHING FAILED'}")
    assert done.returncode == 1, done.stdout[-2000:]
