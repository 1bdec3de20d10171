"""facegate models"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.caller_files import lent
from commands.common import Home, fetch_beside, fetch_progress, home, json_option, print_json, print_table, state_option
from commands.drop_root import as_owner, owner_of
from gate.state_folder import state_directory

if TYPE_CHECKING:
    from models.installed import Installed
_TOLD = {"pack", "files", "terms_accepted_at"}


@click.group()
def models() -> None:
    """The model packs."""


@models.command("list")
@state_option
@json_option
def list_packs(state: Path | None, config: Path | None, as_json: bool) -> None:
    """The packs that ship with Facegate and those installed here."""
    from models.errors import PackError
    from models.installed import INSTALLED, read_installed
    from models.manifest import built_in_packs

    gate = home(state, config)
    installed = {}
    for path in sorted(gate.models_dir.glob(f"*/{INSTALLED}")):
        try:
            found = read_installed(gate.models_dir, path.parent.name)
            installed[found.pack] = found.title
        except PackError as error:
            click.secho(str(error), fg="red", err=True)
    titles = {manifest.name: manifest.title for manifest in built_in_packs()} | installed
    used = gate.settings.models.pack
    packs = [
        {"pack": name, "title": title, "installed": name in installed, "in_use": name == used}
        for name, title in titles.items()
    ]
    if as_json:
        print_json({"packs": packs})
        return
    rows = [
        (
            pack["pack"],
            "in use" if pack["in_use"] else "installed" if pack["installed"] else "",
            pack["title"],
        )
        for pack in packs
    ]
    print_table(("pack", "", "what it is"), rows, "No packs.")


@models.command()
@click.argument("pack")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A local folder to look in first.")
@click.option("--accept-terms", is_flag=True, help="Accept the pack's own terms; the acceptance is recorded.")
@state_option
@json_option
def install(
    pack: str, source: Path | None, accept_terms: bool, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Fetch PACK, check every file's sha256, convert what needs it. PACK is a name or the path of a manifest."""
    from models.install import install as install_pack
    from models.installed import Installed

    named = [path for path in (Path(pack) if pack.endswith(".toml") else None, source) if path is not None]
    # Before this becomes the database's owner, who could not take away what was lent to the owner of the models.
    with lent(named, state, part="models") as copies:
        given = list(copies)
        pack = str(given.pop(0)) if pack.endswith(".toml") else pack
        source = given.pop() if given else None

        def fetched() -> dict[str, Any]:
            gate = home(state, config, part="models")
            with fetch_progress() as progress:
                done = install_pack(
                    pack, gate.models_dir, source=source, terms_accepted=accept_terms, progress=progress
                )
                beside = fetch_beside(done, gate.models_dir, source, progress)
            packs = {"pack": done, "second": beside.second, "liveness": beside.liveness}
            return {which: one and one.model_dump(mode="json") for which, one in packs.items()}

        made = as_owner(owner_of(state_directory(state), "models"), fetched)
    gate = home(state, config)
    packs = {which: one and Installed.model_validate(one) for which, one in made.items()}
    there = [one for one in packs.values() if one is not None]
    for installed in there:
        _record(gate, installed)
    if as_json:
        told: dict[str, Any] = {
            which: one and one.model_dump(mode="json", include=_TOLD) for which, one in packs.items()
        }
        print_json({**told.pop("pack"), **told})
        return
    rows = [(one.pack, file.name, file.role, file.licence, file.source) for one in there for file in one.files]
    print_table(("pack", "file", "role", "licence", "from"), rows, "")


def _record(gate: Home, installed: Installed) -> None:
    from gate.store.record import audit
    from gate.vocabulary import AuditEvent, Kind

    details: dict[str, object] = {
        "pack": installed.pack,
        "files": {file.name: file.sha256 for file in installed.files},
        "terms_accepted": installed.terms_accepted_at is not None,
    }
    with gate.store() as connection:
        audit.append(connection, AuditEvent(Kind.MODELS_INSTALLED, details))


@models.command()
@click.argument("pack", required=False)
@state_option
@json_option
def verify(pack: str | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Check the hashes of PACK (the one in use, unless named), and that its built-in face gives its embedding."""
    from models.pack import verify as verify_pack

    gate = home(state, config)
    installed = verify_pack(gate.models_dir, pack or gate.settings.models.pack)
    if as_json:
        print_json(
            {"pack": installed.pack, "files": {file.name: file.sha256 for file in installed.files}, "sound": True}
        )
        return
    click.echo(f"{installed.pack} is sound: {len(installed.files)} files have their sha256.")
