"""What a door and vision say of themselves while all is well, and a socket on which anything is said."""

from contextlib import closing, contextmanager
from threading import Event, Thread

from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.server import Server
from gate.processes.status import DoorStatus, VisionStatus


@contextmanager
def answering(state, process, said):
    """The socket of a process, on which every question is answered by `said`, as it then is."""
    over = Event()
    runtime_directory(state, process)
    with closing(Server(socket_of(state, process), lambda *_: said, lambda *_: None)) as server:

        def serve():
            while not over.is_set():
                server.turn(0.02)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def door_says(**changes):
    well = {
        "mode": "normal", "leaf": "shut", "standing": (), "faults": (), "signal": "ready", "relay": False,
        "hold_relay": False, "inputs": {"rex": False}, "exit_pressed": False, "lock": "pulse", "pid": 1,
        "clock_trusted": True, "unwritten_events": 0, "lost_events": 0, "last_write_age_s": None, "store_fault": None,
    }  # fmt: skip
    return DoorStatus(**well | changes)


def vision_says(**changes):
    well = {
        "camera_fault": None, "last_frame_mono": 1.0, "last_inference_mono": None, "recording_ended": False,
        "residents": 3, "embedded": 0,
    }  # fmt: skip
    return VisionStatus(**well | changes)
