"""Files that root names, where a service could have turned the way to them; and the terminal root types at."""

import os
import pty
import subprocess
from contextlib import suppress

import pytest

from tests.conftest import REPOSITORY
from tests.faults.test_neighbours import secret_of, service_state, shared_state  # noqa: F401 - fixtures
from tests.neighbours import API, STORE, as_root, need_other_users, run_as, running_as

pytestmark = pytest.mark.whole

# Copies of what root handed over, as the api can read them while they are there.
WATCH = """
import glob, os, time
print("there", flush=True)
while True:
    for path in glob.glob("/tmp/facegate-given-*/**", recursive=True):
        try:
            print(open(path).read(), flush=True)
        except OSError:
            pass
    time.sleep(0.001)
"""

# A command on a stick of 8 kB, and what is there afterwards.
ON_A_STICK = 'mount -t tmpfs -o size=8k none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'


@pytest.fixture
def turned(service_state):  # noqa: F811 - a fixture
    """A state in whose backups the api has put links: `old` leads to a folder of its own, `sub` to one of root's."""
    secret, _ = secret_of(service_state)
    mine, roots = service_state.parent / "mine", service_state.parent / "roots"
    for folder, uid in ((mine, API), (roots, 0)):
        folder.mkdir()
        os.chown(folder, uid, uid)
    links = {
        service_state / "backups/old": mine,
        service_state / "backups/sub": roots,
        mine / "x.backup.tar.gz": secret,
        mine / "sub": roots,
    }
    program = f"import os\nfor link, to in {[(str(a), str(b)) for a, b in links.items()]!r}: os.symlink(to, link)"
    assert run_as(API, program, STORE).returncode == 0
    return service_state


@pytest.mark.parametrize("where", ["state/backups/old", "mine"])
def test_root_hands_over_nothing_that_a_link_of_the_apis_leads_to(turned, where):
    with running_as(API, WATCH, STORE) as watcher:
        done = as_root(turned, "restore", "--yes", turned.parent / where / "x.backup.tar.gz")
        watcher.kill()
        assert "SECRET" not in watcher.stdout.read()
    assert (done.returncode, "Permission denied" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("where", ["state/backups/sub", "mine/sub"])
@pytest.mark.parametrize("command", [("audit", "export", "{}/r.csv"), ("export", "{}/p.csv"), ("backup", "{}")])
def test_root_writes_nothing_where_a_link_of_the_apis_leads_to(turned, where, command):
    done = as_root(turned, *(part.format(turned.parent / where) for part in command))
    assert (done.returncode, "Permission denied" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert list((turned.parent / "roots").iterdir()) == []


def test_roots_own_links_are_followed(service_state):  # noqa: F811 - a fixture
    out, link = service_state.parent / "out", service_state.parent / "link"
    out.mkdir(mode=0o700)
    link.symlink_to("out")
    assert as_root(service_state, "audit", "export", link / "record.csv").returncode == 0
    assert (out / "record.csv").stat().st_uid == 0


@pytest.mark.parametrize(
    ("pipe", "command"),
    [
        ("db/audit-anchor.json", ("audit", "verify")), ("db/audit-anchor.json", ("audit", "export", "{}/r.csv")),
        ("db/backup.key", ("backup", "{}")), ("backups/x.backup.tar.gz", ("audit", "verify")),
    ],
)  # fmt: skip
def test_root_waits_at_no_pipe_of_the_apis(service_state, pipe, command):  # noqa: F811 - a fixture
    assert run_as(API, f"import os; os.mkfifo({str(service_state / pipe)!r})", STORE).returncode == 0
    out = service_state.parent / "out"
    out.mkdir(mode=0o700)
    done = as_root(service_state, *(part.format(out) for part in command))
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode, "no plain file" in done.stderr) in ((0, False), (2, True)), done.stderr


TYPIST = """
import fcntl, subprocess, sys, termios
from commands.drop_root import Owner, become
become(Owner({uid}, {uid}))
types = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b'x')"
try:
    exec(types)
    print("typed")
except OSError:
    print("refused")
print("child", subprocess.run([sys.executable, "-c", types], stderr=subprocess.DEVNULL).returncode, flush=True)
print("heard", input())
"""


def all_said(terminal, child):
    """What a child says on its terminal until it ends: a terminal hands a line over in pieces."""
    said = b""
    # Once the last program has let the terminal go, reading it fails.
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as end:
        while part := end.read(4096):
            said += part
    os.waitpid(child, 0)
    return said.decode()


def test_nobody_whom_root_becomes_types_at_roots_terminal():
    need_other_users()
    child, end = pty.fork()
    if child == 0:
        # As a shell does: its commands lead no session.
        command = ["/usr/bin/python3", "-c", TYPIST.format(uid=API)]
        os._exit(subprocess.run(command, cwd="/", env={"PYTHONPATH": str(REPOSITORY)}, check=False).returncode)
    os.write(end, b"hello\n")
    lines = all_said(end, child).split()
    assert lines[-2:] == ["heard", "hello"]
    assert "refused" in lines, "it can still read, and cannot type"
    assert lines[lines.index("child") + 1] == "1"


INSTALLER = """
import sys
sys.path.insert(0, {path!r})
from deploy.programs import run
looks = "import os; print(os.getuid(), os.isatty(0), os.getsid(0) == os.getpid())"
print("seen", run("/usr/bin/python3", "-c", looks, user={uid}).stdout)
"""


def test_what_the_installer_runs_as_another_has_no_terminal():
    need_other_users()
    child, end = pty.fork()
    if child == 0:
        program = INSTALLER.format(path=str(REPOSITORY / "systemd"), uid=API)
        os._exit(subprocess.run(["/usr/bin/python3", "-B", "-c", program], check=False).returncode)
    assert all_said(end, child).split()[-3:] == [str(API), "False", "True"]


def test_a_backup_to_a_stick_that_is_full_says_so_and_leaves_nothing_there(service_state):  # noqa: F811 - a fixture
    stick = service_state.parent / "stick"
    stick.mkdir()
    done = as_root(service_state, "backup", stick, before=("unshare", "--mount", "sh", "-c", ON_A_STICK, stick))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert ("No space left" in done.stderr, "Traceback" in done.stderr) == (True, False)
