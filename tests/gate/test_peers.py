"""Other libraries are measured in an environment of their own, and one that cannot be says why."""

import numpy as np

from gate.peers import PEERS, Peer, measure


def test_a_peer_is_timed_on_the_frames_or_says_why_not(tmp_path):
    frames = tmp_path / "frames.npy"
    np.save(frames, np.zeros((4, 20, 20, 3), np.uint8))
    numpy = f"numpy=={np.__version__}"
    slow = measure(Peer((numpy,), "", "assert frame.shape == (20, 20, 3); time.sleep(0.01)"), tmp_path / "v", frames)
    assert isinstance(slow, float)
    assert slow >= 10
    said = measure(Peer((), "raise RuntimeError('no weights')", "pass"), tmp_path / "v", frames)
    assert said == "RuntimeError: no weights"
    assert isinstance(measure(Peer(("no such thing",), "", "pass"), tmp_path / "v", frames), str)


def test_every_peer_is_a_program():
    for peer in PEERS.values():
        compile(peer.script, "peer", "exec")
