"""Packs from a server on loopback, from folders and package clients; nothing is trusted unchecked."""

import hashlib
import io
import json
import shutil
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from models import pack as packs
from models.errors import PackError, SourceFailed
from models.install import install
from models.installed import CALIBRATION, INSTALLED, pack_folder, read_installed
from models.manifest import Source, built_in_packs, load_manifest, shipped_calibration
from models.pack import open_models, verify
from models.packages import archive_of


def quiet(*_):
    pass


class Server:
    """Files over HTTP, with ranges; `cut` breaks the first answer for a path off after so many bytes."""

    def __init__(self):
        server = self
        self.files, self.cut, self.asked = {}, {}, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                content = server.files.get(self.path)
                start = int(self.headers.get("Range", "bytes=0-")[6:-1])
                server.asked.append((self.path, start))
                if content is None or (start and start >= len(content)):
                    self.send_error(404 if content is None else 416)
                    return
                self.send_response(206 if start else 200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end = server.cut.pop(self.path, len(content))
                self.wfile.write(content[start:end])

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture
def photo_pack(tmp_path):
    """Writes a manifest of one file that any bytes will do for."""

    def write(content: bytes, *sources: str) -> str:
        text = 'name = "test"\ntitle = "t"\n[[file]]\nname = "f.bin"\nrole = "photo"\nlicence = "MIT"\n'
        text += f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        for source in sources:
            text += f"[[file.source]]\n{source}\n"
        (tmp_path / "test.toml").write_text(text)
        return str(tmp_path / "test.toml")

    return write


def test_sources_are_tried_in_order_until_one_gives_the_true_file(server, photo_pack, tmp_path):
    server.files = {"/wrong": b"something else", "/true": b"content"}
    urls = [f'https = "{server.url}/{name}"' for name in ("absent", "wrong", "true")]
    installed = install(photo_pack(b"content", *urls), tmp_path / "models", progress=quiet)
    assert installed.files[0].source == f"{server.url}/true"
    assert (tmp_path / "models" / "test" / "f.bin").read_bytes() == b"content"
    assert [path for path, _ in server.asked] == ["/absent", "/wrong", "/true"]


def test_a_broken_transfer_is_resumed_where_it_broke_off(server, photo_pack, tmp_path):
    content = bytes(range(256)) * 1000
    server.files, server.cut = {"/f": content}, {"/f": 100_000}
    manifest = photo_pack(content, f'https = "{server.url}/f"')
    with pytest.raises(PackError, match="could not be fetched"):
        install(manifest, tmp_path / "models", progress=quiet)
    assert not (tmp_path / "models" / "test").exists()
    seen = []
    install(manifest, tmp_path / "models", progress=lambda *state: seen.append(state))
    assert server.asked[-1][1] > 0
    assert seen[-1] == ("f.bin", len(content), len(content))
    assert (tmp_path / "models" / "test" / "f.bin").read_bytes() == content


def test_when_every_source_fails_each_is_named_and_nothing_is_left(server, photo_pack, tmp_path):
    server.files = {"/wrong": b"something else"}
    manifest = photo_pack(b"content", f'https = "{server.url}/wrong"', f'https = "{server.url}/absent"')
    with pytest.raises(PackError, match=r"sha256 differs.*404.*--from"):
        install(manifest, tmp_path / "models", progress=quiet)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".downloads"]


def test_a_member_of_a_zip_over_http(server, photo_pack, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/mbf.onnx", b"model")
        archive.writestr("../evil", b"evil")
    server.files = {"/a.zip": packed.getvalue()}
    place = f'https = "{server.url}/a.zip"\narchive = "{hashlib.sha256(packed.getvalue()).hexdigest()}"\n'
    install(photo_pack(b"model", f'{place}member = "inner/mbf.onnx"'), tmp_path / "models", progress=quiet)
    assert (tmp_path / "models" / "test" / "f.bin").read_bytes() == b"model"
    assert not list(tmp_path.rglob("evil"))
    with pytest.raises(PackError, match="holds no none"):
        install(photo_pack(b"x", f'{place}member = "none"'), tmp_path / "models", progress=quiet)
    unsaid = f'https = "{server.url}/a.zip"\nmember = "inner/mbf.onnx"'
    with pytest.raises(PackError, match="does not say the archive's sha256"):
        install(photo_pack(b"model", unsaid), tmp_path / "models", progress=quiet)


def test_the_hailo_pack_is_a_member_of_a_zip_over_https():
    (embedder,) = (file for file in load_manifest("hailo-mobilefacenet").file if file.role == "embedder")
    assert embedder.source[0].member == "mbf.onnx"
    assert embedder.source[0].https.scheme == "https"


def test_a_local_folder_is_looked_into_first(photo_pack, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "renamed.bin").write_bytes(b"content")
    manifest = photo_pack(b"content", 'https = "http://127.0.0.1:1/none"')
    installed = install(manifest, tmp_path / "models", source=tmp_path / "folder", progress=quiet)
    assert installed.files[0].source == f"folder {tmp_path / 'folder'}"
    (tmp_path / "folder" / "f.bin").write_bytes(b"another")
    with pytest.raises(PackError, match="sha256 differs"):
        install(manifest, tmp_path / "models", source=tmp_path / "folder", progress=quiet)
    with pytest.raises(PackError, match="no folder"):
        install(manifest, tmp_path / "models", source=tmp_path / "absent", progress=quiet)


def test_a_package_client_that_is_missing_or_fails_is_one_source_less(tmp_path, monkeypatch):
    with pytest.raises(SourceFailed):
        archive_of(Source(pip="facegate-no-such-package==9.9.9", archive="0" * 64), tmp_path, quiet)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceFailed, match="npm is not installed"):
        archive_of(Source(npm="anything@1.0.0", archive="0" * 64), tmp_path, quiet)


@pytest.fixture
def copied(models_dir, tmp_path):
    """A copy of the installed pack `open` that a test may spoil."""
    shutil.copytree(pack_folder(models_dir, "open"), tmp_path / "models" / "open")
    return tmp_path / "models"


@pytest.mark.parametrize("role", ["detector", "embedder"])
def test_one_flipped_byte_stops_the_start_with_the_file_and_the_command(copied, role):
    path = copied / "open" / read_installed(copied, "open").file(role).name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackError, match=rf"{path.name} is damaged.*facegate models install open"):
        open_models(copied, "open")


def test_a_missing_file_and_a_damaged_list_of_them_stop_it_too(copied):
    (copied / "open" / "MobileFaceNet.onnx").unlink()
    with pytest.raises(PackError, match="cannot be read"):
        verify(copied, "open")
    for damaged in ("{", "[]", "5"):
        (copied / "open" / INSTALLED).write_text(damaged)
        with pytest.raises(PackError, match="installed.json is damaged"):
            verify(copied, "open")
    with pytest.raises(PackError, match="is not installed. Run: facegate models install absent"):
        verify(copied, "absent")


def test_a_pack_is_fed_and_calibrated_as_shipped_without_installing_again(copied):
    path = copied / "open" / INSTALLED
    installed = json.loads(path.read_text())
    installed["embedder"]["calibration"] = {"threshold": 0.1}
    path.write_text(json.dumps(installed))
    assert open_models(copied, "open").spec == load_manifest("open").embedder
    assert open_models(copied, "open").calibration == shipped_calibration("open")
    for file in installed["files"]:
        file["fetched_sha256"] = "0" * 64
    path.write_text(json.dumps(installed))
    with pytest.raises(PackError, match="open has no calibration.* facegate calibrate FOLDER --pack open"):
        open_models(copied, "open").calibration.floor  # noqa: B018 - reading it is what is tried


def test_a_calibration_made_here_counts_before_the_shipped_one_and_only_for_its_embedder(copied):
    path = copied / "open" / CALIBRATION
    mine = shipped_calibration("open").model_copy(update={"floor": 0.123})
    path.write_text(mine.model_dump_json())
    assert open_models(copied, "open").calibration.floor == 0.123
    path.write_text(mine.model_copy(update={"embedder": "0" * 64}).model_dump_json())
    with pytest.raises(PackError, match="fitted on another embedder than that of open. Run: facegate calibrate"):
        open_models(copied, "open")
    path.write_text("{}")
    with pytest.raises(PackError, match=r"calibration\.json is damaged"):
        open_models(copied, "open")
    # Or else facegate calibrate could not mend it.
    assert open_models(copied, "open", calibrated=False).measured is None


def test_installing_again_keeps_what_was_measured_here(tmp_path, photo_pack, server):
    server.files = {"/true": b"content"}
    manifest = photo_pack(b"content", f'https = "{server.url}/true"')
    install(manifest, tmp_path / "models", progress=quiet)
    mine = pack_folder(tmp_path / "models", "test") / CALIBRATION
    mine.write_text("measured here")
    install(manifest, tmp_path / "models", progress=quiet)
    assert mine.read_text() == "measured here"


def test_a_canary_that_does_not_agree_stops_the_start(copied):
    path = copied / "open" / INSTALLED
    installed = json.loads(path.read_text())
    installed["canary"] = "AACAPw" + "A" * 1018
    path.write_text(json.dumps(installed))
    with pytest.raises(PackError, match="computes wrongly"):
        open_models(copied, "open")


def test_every_built_in_manifest_states_licence_and_sources_of_each_file():
    names = [manifest.name for manifest in built_in_packs()]
    assert names == [
        "demo-photos", "hailo-mobilefacenet", "liveness-celeba", "liveness-minifas", "open", "opencv-zoo"
    ]  # fmt: skip
    for manifest in built_in_packs():
        for file in manifest.file:
            assert file.licence
            assert file.source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 1", "wrong at name"),
        ("name = ", "not valid TOML"),
        ('name = "x"\ntitle = "t"\nfile = []\n', "wrong at file"),
        ('name = "x"\ntitle = "t"\nunknown = 1\n', "wrong at"),
        (
            'name = "x"\ntitle = "t"\n[detector]\nkind = "yunet"\n[[file]]\nname = "f"\nrole = "photo"\n'
            f'sha256 = "{"0" * 64}"\nlicence = "MIT"\n',
            "one file of role detector",
        ),
        (
            'name = "x"\ntitle = "t"\n[[file]]\nname = "../f"\nrole = "photo"\n'
            f'sha256 = "{"0" * 64}"\nlicence = "MIT"\n',
            "name",
        ),
        (
            'name = "x"\ntitle = "t"\n[[file]]\nname = "f"\nrole = "photo"\n'
            f'sha256 = "{"0" * 64}"\nlicence = "MIT"\n[[file.source]]\n',
            "exactly one of pip",
        ),
    ],
)
def test_a_wrong_manifest_is_one_sentence(tmp_path, text, words):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(PackError, match=words):
        load_manifest(str(tmp_path / "x.toml"))


def test_an_unknown_pack_names_the_known_ones(tmp_path):
    with pytest.raises(PackError, match="open, opencv-zoo"):
        load_manifest("nothing")
    with pytest.raises(PackError, match="cannot be read"):
        load_manifest(str(tmp_path / "absent.toml"))


def test_any_arcface_file_is_a_manifest_alone(shared, models_dir, tmp_path, photos):
    embedder = shared / "models" / "mobilefacenet_128.onnx"
    text = (packs.Path(packs.__file__).parent / "packs" / "open.toml").read_text()
    head, _, _ = text.partition('[[file]]\nname = "MobileFaceNet')
    landmarks = next(line for line in text.splitlines() if line.startswith("landmarks"))
    (tmp_path / "mine.toml").write_text(
        head.replace('name = "open"', 'name = "mine"')
        + f'[[file]]\nname = "{embedder.name}"\nrole = "embedder"\nlicence = "mine"\n'
        + f'sha256 = "{hashlib.sha256(embedder.read_bytes()).hexdigest()}"\n'
        + f'[detector]\nkind = "yunet"\n[embedder]\nkind = "arcface"\nscale = 127.5\ndimension = 128\n{landmarks}\n'
    )
    install(str(tmp_path / "mine.toml"), tmp_path / "models", source=embedder.parent, progress=quiet)
    from tests.models.test_embedder import embed

    mine = open_models(tmp_path / "models", "mine")
    assert float(embed(mine, photos / "obama.jpg") @ embed(mine, photos / "obama2.jpg")) > 0.6


def test_a_pack_of_the_insightface_library_needs_its_terms_accepted_and_then_works(shared, tmp_path, photos):
    folder = tmp_path / "local"
    folder.mkdir()
    for name in ("scrfd_2.5g_bnkps.onnx", "mobilefacenet_128.onnx"):
        shutil.copy(shared / "models" / name, folder)
    directory = tmp_path / "models"
    with pytest.raises(PackError, match=r"non-commercial.*--accept-terms"):
        install("insightface:local", directory, source=folder, progress=quiet)
    installed = install("insightface:local", directory, source=folder, terms_accepted=True, progress=quiet)
    assert installed.terms_accepted_at is not None
    opened = open_models(directory, "insightface:local")
    image = cv2.imread(str(photos / "obama.jpg"))
    (face,) = opened.detector.detect(image)
    reference = open_models(pack_folder_parent(photos), "open").detector.detect(cv2.resize(image, (640, 800)))[0]
    assert np.abs(np.array(face.landmarks) / (910 / 640, 1137 / 800) - reference.landmarks).max() < 15
    (directory / "insightface-local" / "scrfd_2.5g_bnkps.onnx").write_bytes(b"spoilt")
    with pytest.raises(PackError, match="damaged"):
        open_models(directory, "insightface:local")


def pack_folder_parent(photos):
    return photos.parent


def test_an_insightface_pack_that_cannot_be_had_says_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackError, match="insightface"):
        install("insightface:x", tmp_path / "m", source=tmp_path / "empty", terms_accepted=True, progress=quiet)
    with pytest.raises(PackError, match="Name the insightface pack"):
        install("insightface:", tmp_path / "m", terms_accepted=True, progress=quiet)


def test_a_pack_of_photos_is_no_pack_to_recognise_with(models_dir):
    with pytest.raises(PackError, match="holds no detector and embedder"):
        open_models(models_dir, "demo-photos")
    assert verify(models_dir, "demo-photos").embedder is None


def test_a_download_that_no_longer_fits_begins_anew(server, photo_pack, tmp_path):
    manifest = photo_pack(b"content", f'https = "{server.url}/f"')
    server.files, server.cut = {"/f": b"x" * 200_000}, {"/f": 150_000}
    with pytest.raises(PackError, match="could not be fetched"):
        install(manifest, tmp_path / "models", progress=quiet)
    server.files = {"/f": b"content"}
    with pytest.raises(PackError, match="does not fit; try again"):
        install(manifest, tmp_path / "models", progress=quiet)
    install(manifest, tmp_path / "models", progress=quiet)
    assert (tmp_path / "models" / "test" / "f.bin").read_bytes() == b"content"
