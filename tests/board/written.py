"""A card that the image was written to, looked at from outside."""

import json
import re
import shutil
import subprocess
from contextlib import suppress
from hashlib import sha256

from tests.board.build import CACHE, vmlinux_in
from tests.conftest import REPOSITORY
from tests.parts import made, shipped
from tests.parts import run as _run

CARD_BYTES = 8 << 30
CODE = re.compile(r"Nobody administers this gate yet\. Open (\S+) .*give the code (\S+)")


def image(models_dir):
    """The image of a card, made where it is not there yet."""

    def fill(folder):
        debs = folder / "debs"
        _run(REPOSITORY / "systemd/package", "--models", models_dir, "--to", debs)
        _run(REPOSITORY / "systemd/image", "--packages", debs, "--to", folder)
        (packed,) = folder.glob("*.img.zst")
        _run("zstd", "--quiet", "--decompress", "--sparse", packed, "-o", folder / "card.img")
        shutil.rmtree(debs)

    return made(CACHE, "image", fill, shipped()) / "card.img"


class Card:
    """A card that the image was written to, larger than it."""

    def __init__(self, image, path):
        self.path = path
        subprocess.run(["cp", "--sparse=always", image, path], check=True)
        with path.open("r+b") as file:
            file.truncate(CARD_BYTES)

    def partition(self, name):
        """Where it begins and how long it is, bytes."""
        table = json.loads(_run("sfdisk", "--json", self.path))["partitiontable"]
        found = next(one for one in table["partitions"] if one.get("name") == name)
        return found["start"] * 512, found["size"] * 512

    def boots_from(self, folder):
        """Its kernel, its RAM disk and the kernel's line, as a PC's firmware finds them on its first partition.

        The kernel is unpacked already: an emulated processor takes half a minute for that.
        """
        first = f"{self.path}@@{self.partition('boot')[0]}"
        for name in ("vmlinuz", "initrd.img"):
            _run("mcopy", "-n", "-o", "-i", first, f"::{name}", folder / name)
        (folder / "vmlinux").write_bytes(vmlinux_in((folder / "vmlinuz").read_bytes()))
        entry = _run("mtype", "-i", first, "::loader/entries/facegate.conf")
        return folder / "vmlinux", folder / "initrd.img", re.search(r"^options (.*)$", entry, re.MULTILINE)[1].strip()

    def has_grown_from(self, size):
        """Whether its table, which may be half written just now, gives the state more than before."""
        with suppress(RuntimeError):
            return self.partition("state")[1] > size
        return False

    def tear_table(self):
        """The head of its first table holds nothing, as where the power went while it was written."""
        with self.path.open("r+b") as file:
            file.seek(512)
            file.write(bytes(512))

    def digest(self, name):
        """Of all that is in a partition."""
        begins, size = self.partition(name)
        digest = sha256()
        with self.path.open("rb") as file:
            file.seek(begins)
            while size:
                block = file.read(min(size, 1 << 22))
                digest.update(block)
                size -= len(block)
        return digest.hexdigest()

    def ask(self, partition, *requests, write=False):
        """What debugfs says of the file system there."""
        where = f"{self.path}?offset={self.partition(partition)[0]}"
        options = ("-w",) if write else ()
        return "".join(_run("debugfs", *options, "-R", request, where) for request in requests)

    def holds_no_secret(self):
        """Fails where somebody has a password, or two cards would have a key in common."""
        shadow = self.ask("root", "cat /etc/shadow").splitlines()
        assert shadow
        assert [line for line in shadow if line.split(":")[1] not in ("*", "!", "!*")] == []
        assert self.ask("root", "cat /etc/machine-id") == ""
        assert "ssh_host" not in self.ask("root", "ls -p /etc/ssh")
        assert "machine-id" not in self.ask("state", "ls -p /")
        assert "pem" not in self.ask("state", "ls -p /facegate/tls")
