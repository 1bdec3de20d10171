"""NamedPhotos are found by the names in a table, whatever system wrote either."""

import unicodedata

import pytest

from enroll.named_photos import NamedPhotos
from gate.errors import UsageError


@pytest.fixture
def put(tmp_path):
    """Puts empty files into the folder of photos."""
    folder = tmp_path / "photos"

    def place(*names):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return folder

    return place


@pytest.mark.parametrize(
    ("there", "typed"),
    [
        ("IMG_1.JPG", "img_1.jpg"),
        (unicodedata.normalize("NFD", "Jörg Müller.jpg"), "Jörg Müller.JPG"),
        ("Jörg.jpg", unicodedata.normalize("NFD", "Jörg.jpg")),
        ("my photo (1).jpeg", "my photo (1).jpeg"),
        ("NamedPhotos/IMG_1.HEIC", "IMG_1.heic"),
        ("NamedPhotos/a.jpg", "NamedPhotos/a.jpg"),
    ],
)
def test_one_photo_is_found_by_its_name(put, there, typed):
    folder = put(there)
    assert NamedPhotos(folder).called(typed).samefile(folder / there)


def test_a_photo_is_found_that_is_called_in_gbk(put):
    """As one is that came out of an archive of Windows in China, by a program that left its bytes as they were."""
    there = "王芳.JPG".encode("gbk").decode(errors="surrogateescape")
    folder = put(there)
    assert NamedPhotos(folder).called("王芳.jpg").samefile(folder / there)
    with pytest.raises(UsageError, match="There is no photo"):
        NamedPhotos(folder).called("王.jpg")


def test_where_a_name_may_be_two_photos_none_is_taken(put):
    folder = put("A.jpg", "a.JPG", "one/b.jpg", "b.JPG")
    assert NamedPhotos(folder).called("A.jpg").name == "A.jpg"
    for typed in ("a.jpg", "B.jpg"):
        with pytest.raises(UsageError, match="no photo"):
            NamedPhotos(folder).called(typed)


def test_several_folders_are_not_searched_and_no_name_leads_out(put, tmp_path):
    folder = put("one/a.jpg", "two/b.jpg")
    (tmp_path / "secret.jpg").touch()
    (folder / "link.JPG").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(UsageError, match="no photo a.jpg"):
        NamedPhotos(folder).called("a.jpg")
    for typed in ("../secret.jpg", "link.JPG", "link.jpg"):
        with pytest.raises(UsageError, match="outside the folder"):
            NamedPhotos(folder).called(typed)
    for typed in ("x" * 400 + ".jpg", "a\0.jpg"):
        with pytest.raises(UsageError, match="no photo"):
            NamedPhotos(folder).called(typed)
