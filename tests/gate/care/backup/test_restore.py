"""What was revoked since a backup stays revoked when it comes back, whatever kind of way in it was."""

import hashlib
import json
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from dataclasses import dataclass

import pytest

from api.app import create_app
from api.auth import digest
from gate.care import backup
from gate.care.backup import restore as care
from gate.care.backup.restore import restore
from gate.store.compound import items, requests, role, succession
from gate.store.compound.entries import RegisterKind, Version
from gate.store.database import database_of, migrated_up_to, open_copy, open_database
from gate.store.people import consents, corrections, credentials, erasure, residents, templates
from gate.store.people.changes import Changes, change
from gate.store.people.consents import NO_PERSON, Consent, Way
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import accounts, areas, holidays, schedules, webhooks
from gate.store.site.accounts import Role
from gate.vocabulary import AuditEvent, Kind
from tests.console import CHEAP, PASSWORD, Browser, context_on
from tests.running import stays

AGREED = Consent("face-2", "en", "", Way.TOLD, "test")
HASHED = CHEAP.hash(PASSWORD)


@dataclass(frozen=True)
class World:
    """A gate with one of everything."""

    owner: accounts.User
    guard: accounts.User
    token: accounts.Token
    webhook: webhooks.Webhook
    wang: residents.Resident
    opening: str


@pytest.fixture
def world(store):
    return furnished(store)


def furnished(store):
    owner = accounts.add_owner(store, "owner", HASHED)
    guard = accounts.add_user(store, "guard", HASHED, Role.MANAGER, "test")
    accounts.begin_session(store, digest("session"), guard, 1e12)
    token = accounts.add_token(store, "lift", digest("token"), ("door",), owner, "test")
    webhook = webhooks.add(store, "https://10.0.0.9/", "whsec_x", ("granted",), "test")
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    for name, schedule in (("of all", None), ("of one", "day")):
        holidays.add(store, holidays.New(name, "2027-01-01", schedule=schedule), "test")
    wang = residents.enrol(store, "Wang Fang", "3-1204", [Template("m", "s", {}, b"\0\0\0\1")] * 2, AGREED)
    details = {"method": "face", "similarity": 0.5}
    opening = audit.append(store, AuditEvent(Kind.GRANTED, details, {"resident": wang.id}, wang.id))
    return World(owner, guard, token, webhook, wang, opening)


def template_ids(store, world):
    return [one.id for one in templates.of(store, world.wang.id)]


def passwords(store):
    return {one.name: one.password for one in accounts.users(store)}


def standing_templates(store):
    return store.execute("SELECT count(*) FROM templates").fetchone()[0]


def holidays_of(store):
    return sorted((one.name, one.schedule) for one in holidays.every(store))


def no_holiday(store):
    return [holidays.remove(store, one.id, "test") for one in holidays.every(store)]


# What happened since the backup, and what must be so once it is back.
SINCE = {
    "a user was removed": (
        lambda store, world: accounts.remove_user(store, world.guard, "test"),
        lambda store, world: [one.name for one in accounts.users(store)] == ["owner"],
    ),
    "a user was removed and another of that name added": (
        lambda store, world: (
            accounts.remove_user(store, world.guard, "test"),
            accounts.add_user(store, "guard", "new hash", Role.GUARD, "test"),
        ),
        lambda store, world: [one.name for one in accounts.users(store)] == ["owner"],
    ),
    "a password was changed": (
        lambda store, world: accounts.change_password(store, world.guard, "new hash", "test"),
        lambda store, world: passwords(store)["guard"] == "new hash",
    ),
    "a user was demoted": (
        lambda store, world: accounts.change_role(store, world.guard, Role.GUARD, "test"),
        lambda store, world: accounts.user(store, world.guard.id).role is Role.GUARD,
    ),
    "a session was ended": (
        lambda store, world: accounts.end_session(store, digest("session")),
        lambda store, world: accounts.session(store, digest("session")) is None,
    ),
    "nothing at all: sessions and tokens end": (
        lambda store, world: None,
        lambda store, world: accounts.session(store, digest("session")) is None and accounts.tokens(store) == [],
    ),
    "a token was revoked": (
        lambda store, world: accounts.revoke_token(store, world.token.id, "test"),
        lambda store, world: accounts.tokens(store) == [],
    ),
    "a webhook was removed": (
        lambda store, world: webhooks.remove(store, world.webhook, "test"),
        lambda store, world: webhooks.every(store) == [],
    ),
    "a consent was withdrawn": (
        lambda store, world: erasure.withdraw(store, world.wang, by="test"),
        lambda store, world: standing_templates(store) == 0 and not consents.standing(store, world.wang.id),
    ),
    "a consent was withdrawn and another given": (
        lambda store, world: (
            erasure.withdraw(store, world.wang, by="test"),
            residents.add_templates(store, world.wang, [Template("m", "n", {}, b"\0\0\2\3")], AGREED),
        ),
        lambda store, world: standing_templates(store) == 0,
    ),
    "a resident was erased": (
        lambda store, world: erasure.remove(store, world.wang, by="test"),
        lambda store, world: residents.every(store) == [],
    ),
    "a single template was forgotten": (
        lambda store, world: erasure.remove_template(store, world.wang, template_ids(store, world)[0], by="test"),
        lambda store, world: standing_templates(store) == 1,
    ),
    "an opening was somebody else": (
        lambda store, world: corrections.correct(store, world.wang, world.opening, by="test"),
        lambda store, world: [one.event for one in corrections.of(store, world.wang.id)] == [world.opening],
    ),
    "somebody moved out": (
        lambda store, world: change(store, world.wang, Changes(valid_until="2026-01-31"), by="test"),
        lambda store, world: residents.get(store, world.wang.id).valid_until == "2026-01-31",
    ),
    "somebody got hours": (
        lambda store, world: change(store, world.wang, Changes(schedule="day"), by="test"),
        lambda store, world: residents.get(store, world.wang.id).windows == "daily 07:00-19:00",
    ),
    "somebody was limited to an area, and that to another gate": (
        lambda store, world: (
            areas.put(store, "Tower A", {"n": "North", "s": "South"}, "test"),
            change(store, world.wang, Changes(area="Tower A"), by="test"),
            areas.put(store, "Tower A", {"s": "South"}, "test"),
        ),
        lambda store, world: residents.get(store, world.wang.id).gates == ("s",),
    ),
    "nothing at all: the gate stays shut on its holidays": (
        lambda store, world: None,
        lambda store, world: holidays_of(store) == [("of all", None), ("of one", "day")],
    ),
    "a holiday was added": (
        lambda store, world: holidays.add(store, holidays.New("later", "2027-05-01", schedule="day"), "test"),
        lambda store, world: holidays_of(store) == [("later", "day"), ("of all", None), ("of one", "day")],
    ),
    "the holidays were removed": (
        lambda store, world: no_holiday(store),
        lambda store, world: holidays_of(store) == [],
    ),
    "hours were cut": (
        lambda store, world: (
            change(store, world.wang, Changes(schedule="day"), by="test"),
            schedules.put(store, "day", "daily 09:00-10:00", "test"),
        ),
        lambda store, world: residents.get(store, world.wang.id).windows == "daily 09:00-10:00",
    ),
}


@pytest.mark.parametrize("event", SINCE)
def test_what_happened_since_stays_so(state, store, world, tmp_path, event):
    """Also when the same backup comes back a second time: what came back first is the present then."""
    happen, holds = SINCE[event]
    made = backup.make(state, tmp_path / "b", None)
    happen(store, world)
    store.close()
    for _ in range(2):
        restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert holds(restored, world), event
        assert audit.verify(restored) is None
        assert restored.execute("PRAGMA foreign_key_check").fetchall() == []
        assert list(audit.lines(restored))[-1].kind == "restored"


@pytest.mark.parametrize(
    "event", ["a consent was withdrawn", "a single template was forgotten", "a resident was erased"]
)
def test_tombstones_outlast_the_restore_of_an_older_backup(state, store, tmp_path, event):
    """A comes back, which is older than her enrolment and knows nothing of her; then B, which has her as she was."""
    happen, holds = SINCE[event]
    before_her = backup.make(state, tmp_path / "a", None)
    world = furnished(store)
    with_her = backup.make(state, tmp_path / "b", None)
    happen(store, world)
    store.close()
    for made in (before_her, with_her):
        restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert holds(restored, world)


def test_whoever_came_since_is_gone_and_the_last_owner_is_made_anew_by_the_code(state, store, world, tmp_path):
    made = backup.make(state, tmp_path / "b", None)
    accounts.add_user(store, "second owner", HASHED, Role.OWNER, "test")
    accounts.remove_user(store, world.owner, "test")
    store.close()
    assert not restore(made.path, state).has_owner
    with closing(open_database(state)) as restored:
        assert [one.name for one in accounts.users(restored)] == ["guard"]
    assert_owner_is_made_by_code(state, "second owner")


def unreadable(state):
    absent(state)
    database_of(state).write_bytes(b"no database at all" * 100)


def absent(state):
    for path in state.rglob("facegate.db*"):
        path.unlink()


def another_gates(state):
    absent(state)
    open_database(state).close()


@pytest.mark.parametrize("spoil", [unreadable, absent, another_gates])
def test_where_nothing_vouches_for_accounts_all_are_locked(state, store, world, tmp_path, spoil):
    made = backup.make(state, tmp_path / "b", None)
    store.close()
    spoil(state)
    done = restore(made.path, state)
    assert (done.vouched, done.has_owner, done.dropped.locked, done.dropped.webhooks) == (False, False, 2, 1)
    with closing(open_database(state)) as restored:
        assert passwords(restored) == {"owner": "", "guard": ""}
        assert residents.find(restored, "Wang Fang").templates == 2
    for name in ("owner", "guard"):
        assert Browser(create_app(context_on(state))).sign_in(name).status_code == 401
    assert_owner_is_made_by_code(state, "Owner")


def assert_owner_is_made_by_code(state, name):
    context = context_on(state)
    browser = Browser(create_app(context))
    assert browser.get("/sign-in").headers["location"] == "/owner"
    form = {"code": context.owner_code.code, "name": name, "password": "a fresh long secret"}
    assert browser.post("/owner", data=form).headers["location"] == "/"
    assert browser.get("/settings").status_code == 200
    assert Browser(create_app(context_on(state))).get("/owner").headers["location"] == "/sign-in"
    with closing(open_database(state)) as store:
        (owner,) = [one for one in accounts.users(store) if one.role is Role.OWNER]
        assert accounts.folded(owner.name) == accounts.folded(name)


def test_the_command_says_what_it_dropped_in_words_in_json_and_on_record(facegate, state, store, world, tmp_path):
    card = credentials.add_card(store, world.wang, None, b"c" * 32, by="test")
    made = backup.make(state, tmp_path / "b", None)
    credentials.suspend_card(store, world.wang, card, by="test")
    accounts.remove_user(store, world.guard, "test")
    erasure.withdraw(store, world.wang, by="test")
    store.close()
    said = facegate("restore", made.path, "--yes")
    assert said.code == 0
    for line in (
        "1 user removed since: not brought back.",
        "1 resident whose consent ended since: without a face again.",
        "1 credential removed or reported lost since: so again.",
        "1 token ended: make new ones.",
        "1 session ended: everybody signs in again.",
    ):
        assert line in said.out
    dropped = facegate("restore", made.path, "--yes", "--json").answer["dropped"]
    assert (dropped["users"], dropped["withdrawn"], dropped["tokens"], dropped["webhooks"]) == (1, 1, 1, 0)
    with closing(open_database(state)) as restored:
        assert list(audit.lines(restored))[-1].details["dropped"] == dropped


def as_an_earlier_facegate_wrote_it(folder, version=13):
    """A backup without a seal, of a database from before tombstones, in the form that tarfile gave it."""
    folder.mkdir()
    database = folder / "facegate.db"
    with closing(migrated_up_to(database, version)) as old:
        old.execute("INSERT INTO gate (only_row, id) VALUES (1, 'gate-1')")
        old.execute("INSERT INTO residents (id, name, created_at) VALUES ('r1', 'Wang Fang', '2026-01-01')")
        old.execute(
            "INSERT INTO consents (id, resident_id, text, language, text_sha256, way, recorded_by, given_at)"
            " VALUES ('c1', 'r1', 'face-1', 'en', '', 'told', 'test', '2026-01-01')"
        )
        for name in ("t1", "t2"):
            old.execute(
                "INSERT INTO templates VALUES (?, 'r1', 'm', 's', '{}', x'00000001', '2026-01-01', NULL)", (name,)
            )
        old.execute("INSERT INTO users VALUES ('u1', 'owner', 'old hash', 'owner', '2026-01-01')")
        audit.append(old, AuditEvent(Kind.DOOR_STARTED))
    manifest = {
        "format": 1, "facegate": "0.1.0", "made_at": "2026-01-02T00:00:00+00:00", "residents": 1, "events": 1,
        "sha256": {"facegate.db": sha256(database)},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    path = folder / "facegate-20260102T000000.000000Z.backup.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("manifest.json", "facegate.db"):
            archive.add(folder / name, name)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_backup_of_yesterday_comes_back_where_it_is_asked_for(facegate, state, tmp_path):
    path = as_an_earlier_facegate_wrote_it(tmp_path / "old")
    refused = facegate("restore", path, "--yes")
    assert (refused.code, "was not sealed by this gate" in refused.err) == (1, True)
    assert list(state.rglob("facegate.db*")) == []
    done = facegate("restore", path, "--yes", "--unsealed", "--json")
    assert (done.answer["residents"], done.answer["sealed"], done.answer["dropped"]["locked"]) == (1, False, 1)
    with closing(open_database(state)) as restored:
        assert residents.find(restored, "Wang Fang").templates == 2


def test_a_template_forgotten_before_tombstones_were_kept_stays_so(state, tmp_path):
    path = as_an_earlier_facegate_wrote_it(tmp_path / "old")
    state.mkdir()
    shutil.copy(tmp_path / "old" / "facegate.db", state / "facegate.db")
    with closing(sqlite3.connect(state / "facegate.db")) as then:
        then.execute("DELETE FROM templates WHERE id = 't1'")
        then.commit()
    restore(path, state, unsealed=True)
    with closing(open_database(state)) as restored:
        assert [one.id for one in templates.of(restored, "r1")] == ["t2"]


def test_numbers_of_people_who_are_gone_are_not_given_again(state, store, world, tmp_path):
    made = backup.make(state, tmp_path / "b", None)
    gone = residents.enrol(store, "Li Na", None, [], NO_PERSON)
    erasure.remove(store, gone, by="test")
    store.close()
    restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert residents.enrol(restored, "Zhao Min", None, [], NO_PERSON).number > gone.number


def test_what_was_revoked_since_and_the_centre_was_still_to_hear_it_hears_from_what_came_back(state, store, tmp_path):
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    made = backup.make(state, tmp_path / "b", None)
    li, zhao = (residents.enrol(store, name, None, [], NO_PERSON) for name in ("Li Na", "Zhao Min"))
    # As it is once the centre took them.
    for number, one in enumerate((li, zhao), 1):
        items.note(store, RegisterKind.RESIDENT, one.id, Version(1, number))
    card = credentials.add_card(store, zhao, None, b"c" * 32, by="test")
    erasure.remove(store, li, by="test")
    credentials.remove_card(store, zhao, card, by="test")
    asked = [one for _, one in requests.waiting(store)]
    assert {li.id, card} <= set(asked)
    store.close()
    restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert [one for _, one in requests.waiting(restored)] == asked


@pytest.mark.parametrize("promoted", [False, True])
def test_a_centre_that_comes_back_knows_as_before_whether_another_leads(state, store, tmp_path, promoted):
    role.become_centre(store)
    if promoted:
        succession.stand_down(store, 2_000_000)
    made = backup.make(state, tmp_path / "b", None)
    if promoted:
        succession.promote(store, by="test")
    else:
        succession.stand_down(store, 2_000_000)
    store.close()
    restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert succession.superseded(restored) == (None if promoted else 2_000_000)


def test_whoever_writes_while_a_backup_comes_back_waits_and_loses_nothing(state, tmp_path, monkeypatch):
    """An import, or an erasure, that begins in the middle: it went to the file that was put aside."""
    with closing(open_database(state)) as store:
        for name in ("Wang Fang", "Sun Yu"):
            residents.enrol(store, name, None, [])
        made = backup.make(state, tmp_path, None).path
    begun, done, looked_over = threading.Event(), threading.Event(), care._checked

    def write():
        begun.set()
        with closing(open_database(state)) as store:
            residents.enrol(store, "Li Na", None, [])
            erasure.remove(store, residents.find(store, "Sun Yu"), by="test")
        done.set()

    writer = threading.Thread(target=write)

    def meanwhile(*given):
        writer.start()
        begun.wait(10)
        stays(lambda: not done.is_set(), 0.3)
        return looked_over(*given)

    monkeypatch.setattr(care, "_checked", meanwhile)
    restore(made, state)
    writer.join(10)
    with closing(open_database(state)) as store:
        assert {one.name for one in residents.every(store)} == {"Wang Fang", "Li Na"}
        assert audit.verify(store) is None
    with closing(open_copy(database_of(state).with_name("facegate.db.before-restore"))) as before:
        assert [one.name for one in residents.every(before)] == ["Wang Fang"], "whoever is erased goes from it too"


def test_nothing_is_restored_over_a_database_that_somebody_has_open(state, tmp_path):
    with closing(open_database(state)) as store:
        residents.enrol(store, "Wang Fang", None, [])
        made = backup.make(state, tmp_path, None).path
        with pytest.raises(care.InUse, match="has the database open"):
            restore(made, state)
        assert len(residents.every(store)) == 1
