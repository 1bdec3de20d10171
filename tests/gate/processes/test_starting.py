"""What the processes share."""

import pytest

from gate.processes.starting import credential


@pytest.mark.parametrize(("content", "found"), [("secret\n", "secret"), ("\n", None), (None, None)])
def test_a_credential_is_read_from_the_starters_folder(tmp_path, monkeypatch, content, found):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if content is not None:
        (tmp_path / "camera-password").write_text(content)
    assert credential("camera-password") == found


def test_without_a_folder_there_is_no_credential(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert credential("camera-password") is None
