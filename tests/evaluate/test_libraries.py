"""Other libraries run in an environment of their own, and one that cannot says why."""

import numpy as np
import pytest

from evaluate.libraries import LIBRARIES, Library, milliseconds, run
from gate.errors import FacegateError

pytestmark = pytest.mark.whole

PICTURES = [np.full((20, 30 + number, 3), number, np.uint8) for number in range(4)]


def test_a_peer_is_timed_on_the_pictures_and_its_templates_are_kept(tmp_path):
    program = """
def templates(picture):
    assert picture.shape[2] == 3
    time.sleep(0.01)
    return [] if picture.mean() == 2 else [np.array([picture.shape[1], float(packs.name == "packs")])]
"""
    numpy = f"numpy=={np.__version__}"
    outcome = run(Library((numpy,), program), tmp_path / "v", PICTURES, tmp_path / "packs")
    assert milliseconds(outcome) >= 10
    assert [None if one is None else one.tolist() for one in outcome.templates] == [[30, 1], [31, 1], None, [33, 1]]
    assert not (tmp_path / "v" / "pictures.npz").exists(), "faces were left behind"
    with pytest.raises(FacegateError, match="^no weights here$"):
        run(Library((), "raise SystemExit('no weights here')"), tmp_path / "v", PICTURES, tmp_path)
    with pytest.raises(FacegateError):
        run(Library(("no such thing",), ""), tmp_path / "v", PICTURES, tmp_path)


def test_an_installation_that_was_broken_off_is_made_anew(tmp_path):
    program = """
def templates(picture):
    import half
    return [np.array([1.0])]
"""
    numpy = Library((f"numpy=={np.__version__}",), program)
    with pytest.raises(FacegateError, match="half"):
        run(numpy, tmp_path / "v", PICTURES, tmp_path)
    (packages,) = (tmp_path / "v" / "lib").glob("python*/site-packages")
    (packages / "half.py").touch()
    assert run(numpy, tmp_path / "v", PICTURES, tmp_path).templates[0] is not None
    (tmp_path / "v" / "installed").unlink()
    with pytest.raises(FacegateError, match="half"):
        run(numpy, tmp_path / "v", PICTURES, tmp_path)


def test_every_peer_is_a_program():
    for library in LIBRARIES.values():
        compile(library.script, "library", "exec")
        assert "def templates(picture):" in library.script
