"""ZIP archives from outside: nothing leads out of the folder, and nothing grows without end."""

import io
import stat
import struct
import tracemalloc
import zipfile

import pytest

from enroll import zip_archive
from enroll.zip_archive import sane_archive, unpack
from gate.errors import UsageError


def zipped(*members, **kinds):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **kinds) as out:
        for name, content in members:
            out.writestr(name, content)
    return made


def under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_come_out_as_they_went_in(tmp_path):
    unpack(
        zipped(("people.csv", "name\n"), ("photos/王芳.jpg", b"x"), ("__MACOSX/._people.csv", b"y")), "a.zip", tmp_path
    )
    assert under(tmp_path) == ["people.csv", "photos/王芳.jpg"]
    assert (tmp_path / "photos" / "王芳.jpg").read_bytes() == b"x"


# The second byte of the last one is that of a backslash.
@pytest.mark.parametrize("name", ["王芳", "李璡"])
def test_names_from_windows_in_china_are_read(tmp_path, name):
    made = zipped(("WWWW.jpg", b"x")).getvalue().replace(b"WWWW", name.encode("gbk"))
    unpack(io.BytesIO(made), "a.zip", tmp_path)
    assert under(tmp_path) == [f"{name}.jpg"]


# Among them one that GBK takes for other signs without a word, and one whose accent is a letter of its own.
@pytest.mark.parametrize("name", ["王芳", "陆", "Jose\u0301", "Zoë"])
def test_names_from_a_mac_are_read(tmp_path, name):
    """Its Finder, and `zip`, write UTF-8 and no mark that says so."""
    written = name.encode()
    made = zipped(("W" * len(written) + ".jpg", b"x")).getvalue().replace(b"W" * len(written), written)
    unpack(io.BytesIO(made), "a.zip", tmp_path)
    assert under(tmp_path) == [f"{name}.jpg"]


@pytest.mark.parametrize("name", ["王芳", "陆", "联通", "毛陆"])
def test_names_from_windows_are_read_that_could_be_utf_8_too(tmp_path, name):
    written = name.encode("gbk")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        member = zipfile.ZipInfo("W" * len(written) + ".jpg")
        member.create_system = 0
        out.writestr(member, b"x")
    unpack(io.BytesIO(made.getvalue().replace(b"W" * len(written), written)), "a.zip", tmp_path)
    assert under(tmp_path) == [f"{name}.jpg"]


@pytest.mark.parametrize("name", ["../out.jpg", "a/../../out.jpg", "/etc/passwd", "a\\..\\o.jpg", "C:out.jpg"])
def test_a_name_that_leads_out_is_refused_before_anything_is_written(tmp_path, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    made = zipped(("good.jpg", b"x"), ("PLACEHOLDER", b"x"))
    if "\\" in name:
        made = io.BytesIO(made.getvalue().replace(b"PLACEHOLDER", name.encode().ljust(11, b"x")))
    else:
        made = zipped(("good.jpg", b"x"), (name, b"x"))
    with pytest.raises(UsageError, match="outside its folder"):
        unpack(made, "a.zip", inside)
    assert under(tmp_path) == []


def test_a_link_is_refused(tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        link = zipfile.ZipInfo("photo.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match="outside its folder"):
        unpack(made, "a.zip", tmp_path)


def test_a_bomb_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_archive, "MAX_UNPACKED", 5 << 20)
    bomb = zipped(*((f"{n}.jpg", bytes(2 << 20)) for n in range(10)), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(UsageError, match="too large once unpacked"):
        unpack(bomb, "a.zip", tmp_path)


def test_one_that_lies_about_its_size_is_cut_off(tmp_path):
    honest = zipped(("photo.jpg", bytes(96 << 20)), compression=zipfile.ZIP_DEFLATED).getvalue()
    with pytest.raises(UsageError, match="96 MB; 80 MB is the most"):
        unpack(io.BytesIO(honest), "a.zip", tmp_path)
    lying = honest.replace(struct.pack("<I", 96 << 20), struct.pack("<I", 1000))
    with pytest.raises(UsageError):
        unpack(io.BytesIO(lying), "a.zip", tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1000


def test_too_many_files_and_what_is_none_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_archive, "MAX_MEMBERS", 3)
    with pytest.raises(UsageError, match="more than 3 files"):
        unpack(zipped(*((f"{n}", b"") for n in range(4))), "a.zip", tmp_path)
    for content in (b"", b"PK\x03\x04 nonsense", zipped(("a", b"x" * 100)).getvalue()[:60]):
        with pytest.raises(UsageError, match="cannot be read as a ZIP"):
            unpack(io.BytesIO(content), "a.zip", tmp_path)


def directory_alone(members, said=None):
    """A ZIP of a directory and no files; its end says that it holds `said` members."""
    directory = (struct.pack("<4s24x3H12x", b"PK\1\2", 1, 0, 0) + b"a") * members
    count = min(members if said is None else said, 0xFFFF)
    return directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), 0, 0)


@pytest.mark.parametrize(("members", "said"), [(1_000_000, None), (1_000_000, 5), (400_000, 5)])
def test_a_million_members_are_refused_before_they_are_read(tmp_path, members, said):
    made = io.BytesIO(directory_alone(members, said))
    tracemalloc.start()
    with pytest.raises(UsageError, match="more than 50000 files"):
        unpack(made, "a.zip", tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 << 20


def test_an_archive_of_64_bits_is_judged_by_its_own_end(tmp_path):
    made = bytearray(zipped(("a.jpg", b"x")).getvalue())
    end = made.rindex(b"PK\5\6")
    _, _, _, _, _, length, at, _ = struct.unpack("<4s4H2LH", made[end:])
    for members, stated, why in ((1, end, None), (10**9, end, "more than 50000"), (1, 7, "end cannot be read")):
        larger = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, length, at)
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, stated, 1)
        whole = io.BytesIO(bytes(made[:end]) + larger + locator + made[end:])
        if why is None:
            unpack(whole, "a.zip", tmp_path)
            assert under(tmp_path) == ["a.jpg"]
        else:
            with pytest.raises(UsageError, match=why):
                unpack(whole, "a.zip", tmp_path)


def test_members_that_share_their_bytes_are_refused(tmp_path):
    made = zipped(("a.jpg", b"x" * 1000)).getvalue()
    start, end = made.index(b"PK\1\2"), made.rindex(b"PK\5\6")
    directory = made[start:end] * 2
    closing = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), start, 0)
    with pytest.raises(UsageError, match="files in it overlap"):
        unpack(io.BytesIO(made[:start] + directory + closing), "a.zip", tmp_path)
    assert under(tmp_path) == []


def test_what_an_archive_unpacks_to_is_measured_not_believed():
    made = zipped(("xl/sheet1.xml", bytes(5 << 20)), compression=zipfile.ZIP_DEFLATED)
    sane_archive(made, "t.xlsx", most_members=1, most_bytes=5 << 20)
    with pytest.raises(UsageError, match="too large once unpacked"):
        sane_archive(made, "t.xlsx", most_members=1, most_bytes=(5 << 20) - 1)
    with pytest.raises(UsageError, match="more than 0 files"):
        sane_archive(made, "t.xlsx", most_members=0, most_bytes=5 << 20)
    with pytest.raises(UsageError, match="cannot be read as a ZIP"):
        sane_archive(io.BytesIO(b"name,unit"), "t.xlsx", most_members=1, most_bytes=1)


def test_a_locked_one_is_refused(tmp_path):
    made = bytearray(zipped(("a.jpg", b"x")).getvalue())
    made[6] |= 1
    central = made.index(b"PK\x01\x02")
    made[central + 8] |= 1
    with pytest.raises(UsageError, match="password"):
        unpack(io.BytesIO(bytes(made)), "a.zip", tmp_path)


def test_a_damaged_member_is_told(tmp_path):
    made = bytearray(zipped(("a.jpg", b"x" * 1000)).getvalue())
    made[100] ^= 1
    with pytest.raises(UsageError, match="cannot be read as a ZIP"):
        unpack(io.BytesIO(bytes(made)), "a.zip", tmp_path)


def test_what_computers_add_to_an_archive_stays_in_it(tmp_path):
    added = ("__MACOSX/._people.csv", "homes/__MACOSX/x.csv", "homes/._people.csv", "homes/~$people.xlsx", ".DS_Store",
             "homes/Thumbs.db", "homes/desktop.ini")  # fmt: skip
    unpack(zipped(*((name, b"x") for name in (*added, "homes/people.csv"))), "a.zip", tmp_path)
    assert under(tmp_path) == ["homes/people.csv"]
