"""A package index that means harm, on loopback, asked by the real pip and the real npm."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from models.errors import PackError
from models.install import install
from tests.models.test_pack import Server, quiet

CONTENT = b"a photo"


def packed(names):
    """A .tar.gz of these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A simple index whose source archive writes a file when it is built, and how pip is told of it."""
    server = Server()
    marker = tmp_path / "executed"
    script = f"open({str(marker)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='photos', version='1.0')\n"
    source = packed({"photos-1.0/setup.py": script.encode(), "photos-1.0/f.jpg": CONTENT,
                     "photos-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: photos\nVersion: 1.0\n"})  # fmt: skip
    server.files = {
        "/simple/photos/": b'<a href="/photos-1.0.tar.gz">photos-1.0.tar.gz</a>',
        "/photos-1.0.tar.gz": source,
    }
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    server.marker, server.source = marker, source
    yield server
    server.http.shutdown()


def manifest(tmp_path, source, content=CONTENT):
    path = tmp_path / "test.toml"
    path.write_text(
        'name = "test"\ntitle = "t"\n[[file]]\nname = "f.jpg"\nrole = "photo"\nlicence = "MIT"\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n[[file.source]]\n{source}\n'
    )
    return str(path)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_source_archive_is_fetched_and_nothing_of_it_runs(index, tmp_path):
    source = f'pip = "photos==1.0"\nsdist = true\nmember = "photos-1.0/f.jpg"\narchive = "{sha256(index.source)}"'
    install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)
    assert (tmp_path / "models/test/f.jpg").read_bytes() == CONTENT
    assert not index.marker.exists()


@pytest.mark.parametrize("sdist", ["sdist = true\n", ""])
@pytest.mark.parametrize("archive", [f'archive = "{"0" * 64}"', ""])
def test_another_source_archive_is_not_opened_and_nothing_of_it_runs(index, tmp_path, sdist, archive):
    source = f'pip = "photos==1.0"\n{sdist}member = "photos-1.0/f.jpg"\n{archive}'
    with pytest.raises(PackError, match="could not be fetched"):
        install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)
    assert not index.marker.exists()
    assert not (tmp_path / "models/test").exists()


def test_the_same_index_does_harm_to_whoever_gives_the_archive_to_pip(index, tmp_path):
    """So that the other tests show something."""
    command = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--dest",
        str(tmp_path),
        "photos==1.0",
    ]
    subprocess.run([shutil.which("python3") or "python3", *command], capture_output=True, check=False)
    if not index.marker.exists():
        pytest.skip("pip could not build here: setuptools is missing")


def test_a_wheel_of_another_hash_is_refused(index, tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        wheel.writestr("photos/f.jpg", CONTENT)
        wheel.writestr("photos-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: photos\nVersion: 1.0\n")
        wheel.writestr("photos-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("photos-1.0.dist-info/RECORD", "")
    name = "photos-1.0-py3-none-any.whl"
    index.files |= {"/simple/photos/": f'<a href="/{name}">{name}</a>'.encode(), f"/{name}": made.getvalue()}
    for archive, good in (("0" * 64, False), (sha256(made.getvalue()), True)):
        source = f'pip = "photos==1.0"\nmember = "photos/f.jpg"\narchive = "{archive}"'
        if good:
            install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)
            assert (tmp_path / "models/test/f.jpg").read_bytes() == CONTENT
        else:
            with pytest.raises(PackError, match="could not be fetched"):
                install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)


def test_a_tarball_of_npms_is_data_whatever_scripts_it_names(index, tmp_path, monkeypatch):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepack", "prepare"), f"touch {index.marker}")
    said = {"name": "photos", "version": "1.0.0", "scripts": scripts}
    tarball = packed({"package/package.json": json.dumps(said).encode(), "package/f.jpg": CONTENT})
    dist = {"tarball": f"{index.url}/photos-1.0.0.tgz", "shasum": hashlib.sha1(tarball).hexdigest()}  # noqa: S324 - npm's
    about = {"name": "photos", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": said | {"dist": dist}}}
    index.files |= {"/photos": json.dumps(about).encode(), "/photos-1.0.0.tgz": tarball}
    monkeypatch.setenv("npm_config_registry", index.url)
    source = f'npm = "photos@1.0.0"\nmember = "package/f.jpg"\narchive = "{sha256(tarball)}"'
    install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)
    assert (tmp_path / "models/test/f.jpg").read_bytes() == CONTENT
    assert not index.marker.exists()
    again = source.replace(sha256(tarball), "0" * 64)
    with pytest.raises(PackError, match="not the archive the manifest describes"):
        install(manifest(tmp_path, again), tmp_path / "models", progress=quiet)


def test_an_archive_without_end_fills_no_disk(index, tmp_path, monkeypatch):
    monkeypatch.setattr("models.packages._LARGEST", 100_000)
    monkeypatch.setattr("models.fetch._LARGEST", 100_000)
    index.files["/photos-1.0.tar.gz"] = b"x" * 5_000_000
    source = f'pip = "photos==1.0"\nsdist = true\nmember = "photos-1.0/f.jpg"\narchive = "{"0" * 64}"'
    with pytest.raises(PackError, match="larger than any model"):
        install(manifest(tmp_path, source), tmp_path / "models", progress=quiet)
