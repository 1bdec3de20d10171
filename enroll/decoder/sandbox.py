"""How a child that opens strangers' files gives its rights away: limits, another user, a filter of system calls.

After `shut_in` the process opens no file, speaks to nobody but whom it holds a socket to, and starts no process; the
kernel ends it where it takes more memory or time than it may. So whatever it needs must be imported before. Standard
library alone. On a machine that is neither x86-64 nor aarch64 there is no filter; the limits hold there too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct

# What a photo may take, and the interpreter with its decoders beside it.
MEMORY = 144 << 20
_ADDRESSES = MEMORY + (256 << 20)
# The socket, what a photo comes in, and copies of that which libraries make.
_DESCRIPTORS = 12
_NOBODY = 65534

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 4, 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_CLONE_THREAD = 0x10000
# What decoding needs of the kernel: memory, the descriptors it holds, the time, and an end. No file is opened, nobody
# is spoken to, no process is started. By the kernel's numbers, x86-64 first, then aarch64.
_CALLS = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62), "mmap": (9, 222),
    "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "pread64": (17, 67), "readv": (19, 65),
    "writev": (20, 66), "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23),
    "getpid": (39, 172), "sendto": (44, 206), "recvfrom": (45, 207), "recvmsg": (47, 212), "exit": (60, 93),
    "getrusage": (98, 165), "gettid": (186, 178), "futex": (202, 98), "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128), "clock_gettime": (228, 113), "clock_nanosleep": (230, 115),
    "exit_group": (231, 94), "newfstatat": (262, 79), "set_robust_list": (273, 99), "getrandom": (318, 278),
    "rseq": (334, 293),
}  # fmt: skip
# libde265 has a thread of its own; limits may be lowered further, but nobody else's.
_CLONE, _CLONE3, _PRLIMIT = (56, 220), (435, 435), (302, 261)
# The machine's number in a filter (linux/audit.h), and which of the numbers above is its.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def shut_in() -> None:
    """Give the rights of this process away, for good.

    MEMORY bytes of its own, no file larger than nothing, few descriptors; nobody instead of root; and the system calls
    of _CALLS alone, others fail with EPERM. Raises OSError or ValueError where one cannot be given away: the caller
    must then decode nothing.
    """
    os.chdir("/")
    os.umask(0o777)
    # Where memory runs out nevertheless, this process ends and not the one that asked it.
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_AS, _ADDRESSES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        resource.setrlimit(what, (most, most))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    libc = ctypes.CDLL(None, use_errno=True)
    _control(libc, _PR_SET_DUMPABLE, 0)
    _control(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _filter_calls(libc)


def allow_seconds(seconds: int) -> None:
    """Allow so many seconds of the processor from now on; after them the kernel ends this process (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _filter_calls(libc: ctypes.CDLL) -> None:
    if platform.machine() not in _MACHINES:
        return  # The limits hold there all the same.
    machine, column = _MACHINES[platform.machine()]
    calls = sorted(numbers[column] for numbers in _CALLS.values())
    program = _program(machine, calls, _CLONE[column], _CLONE3[column], _PRLIMIT[column])
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where they are.
    given = struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
    _control(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(given, len(given)))


def _program(machine: int, calls: list[int], clone: int, clone3: int, prlimit: int) -> bytes:
    """The filter as the kernel takes it, instructions of 8 bytes each (linux/filter.h, seccomp(2)).

    `machine` is the architecture's number in linux/audit.h, the others are its numbers of system calls: `calls` are
    allowed, `clone` for threads alone, `prlimit` on this process alone, and `clone3` is said not to be there.
    """
    load, jump_if_equal, jump_if_set, answer = 0x20, 0x15, 0x45, 0x06
    deny = (answer, 0, 0, _ERRNO | errno.EPERM)
    allow = (answer, 0, 0, _ALLOW)
    # Offsets in struct seccomp_data: the call's number at 0, the machine's at 4, the first argument's low half at 16.
    program = [
        (load, 0, 0, 4), (jump_if_equal, 1, 0, machine), deny, (load, 0, 0, 0),
        # Whether a thread is asked for or a process cannot be seen here; libraries then ask by the older call.
        (jump_if_equal, 0, 1, clone3), (answer, 0, 0, _ERRNO | errno.ENOSYS),
        (jump_if_equal, 0, 4, clone), (load, 0, 0, 16), (jump_if_set, 0, 1, _CLONE_THREAD), allow, deny,
        (jump_if_equal, 0, 4, prlimit), (load, 0, 0, 16), (jump_if_equal, 0, 1, 0), allow, deny,
    ]  # fmt: skip
    program += [(jump_if_equal, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    return b"".join(struct.pack("=HBBI", *one) for one in (*program, deny, allow))


def _control(libc: ctypes.CDLL, what: int, *values: object) -> None:
    if libc.prctl(what, *values, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
