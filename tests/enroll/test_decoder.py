"""The decoder's child: what it may not do, and that however it ends there is one sentence and another child."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from enroll.decode import decode_photo
from enroll.decoder import parent
from enroll.decoder.parent import Decoder
from gate.errors import UsageError
from tests.conftest import REPOSITORY
from tests.running import wait_for

# What a decoder that was taken over might try; each line is one thing.
TRIES = (
    "open('/etc/passwd')",
    "open('/tmp/left', 'w')",
    "os.open('/proc/self/mem', os.O_RDONLY)",
    "os.mkdir('/tmp/made')",
    "os.unlink('/tmp/none')",
    "os.chmod('/tmp', 0o777)",
    "os.listdir('/')",
    "os.fork()",
    "os.execv('/bin/true', ['true'])",
    "os.pipe()",
    "os.memfd_create('x')",
    "os.kill(os.getppid(), 0)",
    "os.setuid(0)",
    "os.setpriority(os.PRIO_PROCESS, 0, 19)",
    "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
    "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "called('ptrace', 16, os.getppid(), 0, 0)",
    "called('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0)",
    "called('unshare', 0x10000000)",
)
_TRIED = """
import ctypes, os, resource, socket, sys
from enroll.decoder.sandbox import shut_in
libc = ctypes.CDLL(None, use_errno=True)
def called(name, *values):
    if getattr(libc, name)(*values) == -1:
        raise OSError(ctypes.get_errno(), name)
shut_in()
for line in sys.argv[1:]:
    try:
        eval(line)
    except (OSError, ValueError):
        print("refused", flush=True)
    else:
        print("DONE", line, flush=True)
try:
    bytes(200 << 20)
except MemoryError:
    print("no memory", flush=True)
"""


def children():
    """The decoders' children of this process, as pids."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        # Threads and children end at any time.
        with suppress(FileNotFoundError, ProcessLookupError):
            for pid in (task / "children").read_text("ascii").split():
                if b"enroll.decoder.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
    return found


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), (255, 0, 0)).save(path)
    return path


@pytest.fixture
def decoder():
    """A decoder of the test's own, with less patience."""
    with Decoder(wall_s=3.0) as made:
        yield made


@pytest.fixture
def child(decoder, photo):
    """The pid of its child, which has decoded a photo already."""
    before = children()
    decode_photo(photo, decoder)
    (pid,) = set(children()) - set(before)
    return pid


def test_a_child_that_is_taken_over_can_do_nothing():
    done = subprocess.run(
        [sys.executable, "-c", _TRIED, *TRIES], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["refused"] * len(TRIES) + ["no memory"], done.stderr


def test_the_child_is_nobody_with_a_limit_on_everything(child):
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{child}/status").read_text("ascii").splitlines())
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    if os.geteuid() == 0:
        assert status["Uid"].split() == ["65534"] * 4
        assert status["Groups"].strip() == ""
    limits = Path(f"/proc/{child}/limits").read_text("ascii")
    for limit, most in (("data size", 144 << 20), ("file size", 0), ("core file size", 0), ("open files", 12)):
        assert re.search(rf"Max {limit} +{most} +{most} ", limits)
    assert Path(f"/proc/{child}/oom_score_adj").read_text("ascii").strip() == "1000"


@pytest.mark.parametrize(
    ("end", "for_memory", "sentence"),
    [
        (signal.SIGKILL, 1, "needs more memory"),
        (signal.SIGKILL, 0, "somebody stopped the program"),
        (signal.SIGSEGV, 0, "something in the file is wrong"),
        (signal.SIGXCPU, 0, "takes too long"),
        (None, 0, "takes too long"),
    ],
)
def test_however_it_ends_there_is_one_sentence_and_the_next_photo_is_opened(
    decoder, child, photo, monkeypatch, tmp_path, end, for_memory, sentence
):
    # What the kernel would count, whose own count other processes of this machine may raise meanwhile.
    (tmp_path / "vmstat").write_text(f"nr_free_pages 9\noom_kill {decoder._child._killed_before + for_memory}\n")
    monkeypatch.setattr(parent, "_VMSTAT", tmp_path / "vmstat")
    os.kill(child, signal.SIGSTOP)
    said, sent = [], threading.Event()
    send = socket.send_fds

    def send_and_tell(*given):
        send(*given)
        sent.set()

    monkeypatch.setattr(parent.socket, "send_fds", send_and_tell)

    def ask():
        with pytest.raises(UsageError) as error:
            decode_photo(photo, decoder)
        said.append(str(error.value))

    asking = threading.Thread(target=ask)
    asking.start()
    assert sent.wait(5)
    if end is not None:
        os.kill(child, end)
        os.kill(child, signal.SIGCONT)
    asking.join(60)
    assert sentence in said[0]
    assert "\n" not in said[0]
    assert decode_photo(photo, decoder).shape == (30, 40, 3)
    assert child not in children()


@pytest.mark.parametrize(
    "answer",
    [b"", b"x" * 5000, b"\xff\xff\xff\xffpicture", b"ready"],
)
def test_an_answer_that_is_none_is_not_believed(decoder, photo, monkeypatch, answer):
    honest = parent._START
    ready = "from enroll.decoder.wire import Header, Word; s.sendall(Header(Word.READY).pack()); s.recv(9)"
    monkeypatch.setattr(
        parent,
        "_START",
        f"import socket, sys; sys.path.insert(0, sys.argv[1]); s = socket.socket(fileno=0); {ready};"
        f" s.sendall({answer!r}.ljust(220, bytes(1)))",
    )
    with pytest.raises(UsageError, match="something in the file is wrong"):
        decode_photo(photo, decoder)
    monkeypatch.setattr(parent, "_START", honest)
    assert decode_photo(photo, decoder).shape == (30, 40, 3)


def test_without_its_limits_nothing_is_decoded(decoder, photo, monkeypatch):
    monkeypatch.setattr(
        parent,
        "_START",
        "import resource, sys; sys.path.insert(0, sys.argv[1]); resource.setrlimit = lambda *_: 1 / 0;"
        " from enroll.decoder.child import main; sys.exit(main())",
    )
    with pytest.raises(UsageError, match="cannot be shut in.*ZeroDivisionError"):
        decode_photo(photo, decoder)


def test_a_child_serves_many_photos_and_is_replaced_in_time(decoder, child, photo, monkeypatch):
    decode_photo(photo, decoder)
    assert child in children()
    monkeypatch.setattr(parent, "_PHOTOS_A_CHILD", 2)
    decode_photo(photo, decoder)
    assert child not in children()


def test_it_is_as_patient_as_whoever_asks(photo):
    found, others = [], children()

    def ask():
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))
        decode_photo(photo, decoder)
        found.extend(pid for pid in set(children()) - set(others) if os.sched_getscheduler(pid) == os.SCHED_IDLE)

    # With all its patience: beside the other tests, what is idle by nature waits long for its turn.
    with Decoder() as decoder:
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()
        (patient,) = found
        decode_photo(photo, decoder)
        assert patient not in children()


def test_it_ends_where_its_maker_says_so_and_another_starts_with_the_next_photo(decoder, child, photo):
    with decoder:
        assert child in children()
    assert child not in children()
    assert decode_photo(photo, decoder).shape == (30, 40, 3)


def test_it_ends_with_whoever_started_it(photo):
    code = (
        "import os, sys; from pathlib import Path; from enroll.decode import decode_photo;"
        "from enroll.decoder.parent import Decoder; decoder = Decoder(); decode_photo(Path(sys.argv[1]), decoder);"
        "print(Path(f'/proc/self/task/{os.getpid()}/children').read_text(), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(photo)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    (pid,) = done.stdout.split()
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text(), 5, "it lives")
