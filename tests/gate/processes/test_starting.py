"""What the processes share."""

import socket

import pytest

from gate.processes.starting import Watchdog, credential


@pytest.mark.parametrize(("content", "found"), [("secret\n", "secret"), ("\n", None), (None, None)])
def test_a_credential_is_read_from_the_starters_folder(tmp_path, monkeypatch, content, found):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if content is not None:
        (tmp_path / "camera-password").write_text(content)
    assert credential("camera-password") == found


def test_without_a_folder_there_is_no_credential(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert credential("camera-password") is None


def test_a_starter_that_lives_hears_its_process_where_the_way_to_it_was_closed(tmp_path, monkeypatch):
    there = tmp_path / "run"
    there.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as starter:
        starter.bind(str(there / "notify.sock"))
        starter.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(there / "notify.sock"))
        monkeypatch.setenv("WATCHDOG_USEC", "4")
        watchdog = Watchdog()
        there.rename(tmp_path / "gone")
        # What lies below a plain file cannot be reached, as below a folder that is another's.
        there.write_text("")
        watchdog.feed(True)
        assert starter.recv(512).startswith(b"WATCHDOG=1")
    with pytest.raises(OSError, match="refused"):
        watchdog.feed(True)
