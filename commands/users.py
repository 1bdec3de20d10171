"""facegate users"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from commands.common import home, json_option, print_json, print_table, state_option
from gate.errors import Refusal
from gate.store.site import accounts, signed_in
from gate.store.site.accounts import Role

_keep_password = click.option(
    "--keep-password", is_flag=True, help="They chose it themselves: it need not be changed at the first sign-in."
)


@click.group()
def users() -> None:
    """Who may sign in to the console, from its own machine: the way back for whoever forgot a password."""


@users.command("list")
@state_option
@json_option
def list_users(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Everyone who may sign in."""
    with home(state, config).store() as connection:
        found = accounts.users(connection)
    if as_json:
        print_json({"users": [{"id": one.id, "name": one.name, "role": one.role} for one in found]})
        return
    rows = [(one.name, one.role, one.created_at[:10]) for one in found]
    print_table(("name", "role", "since"), rows, "Nobody. The console's first start makes the owner.")


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="manager", show_default=True)
@click.password_option(help="Asked for where it is not given, which is better.")
@_keep_password
@state_option
def add(name: str, role: str, password: str, keep_password: bool, state: Path | None, config: Path | None) -> None:
    """Let NAME sign in, with a password that they change first."""
    from api.passwords import Passwords
    from api.v1.accounts import clean_user_name

    name = clean_user_name(name)
    hashed = Passwords().hashed(password, name)
    gate = home(state, config)
    with gate.store() as connection:
        accounts.add_user(connection, name, hashed, Role(role), gate.by, provisional=not keep_password)
    click.echo(f"{name} can sign in now, as {role}.")


@users.command()
@click.argument("name")
@click.password_option(help="Asked for where it is not given, which is better.")
@_keep_password
@state_option
def password(name: str, password: str, keep_password: bool, state: Path | None, config: Path | None) -> None:
    """Give NAME a new password, which they change first; all their sessions and tokens end."""
    from api.passwords import Passwords

    hashed = Passwords().hashed(password, name)
    gate = home(state, config)
    with gate.store() as connection:
        user = _named(connection, name)
        accounts.change_password(connection, user, hashed, gate.by, provisional=not keep_password)
    click.echo(f"{name} has a new password and must sign in again.")


@users.command()
@click.argument("name")
@state_option
def remove(name: str, state: Path | None, config: Path | None) -> None:
    """Take NAME's way in away, with all their tokens."""
    gate = home(state, config)
    with gate.store() as connection:
        accounts.remove_user(connection, _named(connection, name), gate.by)
    click.echo(f"{name} can no longer sign in.")


@users.command()
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@state_option
def role(name: str, role: str, state: Path | None, config: Path | None) -> None:
    """Make NAME something else; all their sessions and tokens end."""
    gate = home(state, config)
    with gate.store() as connection:
        accounts.change_role(connection, _named(connection, name), Role(role), gate.by)
    click.echo(f"{name} is {role} now and must sign in again.")


@users.command("sign-ins")
@click.argument("name")
@click.option("--end", is_flag=True, help="End all of them.")
@state_option
@json_option
def sign_ins(name: str, end: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """What NAME is signed in by: sessions and tokens, and where each was used last."""
    gate = home(state, config)
    with gate.store() as connection:
        user = _named(connection, name)
        found = signed_in.of(connection, user.id)
        if end:
            signed_in.end_all_of(connection, user.id, gate.by)
    if as_json:
        print_json({"sign_ins": [asdict(one) for one in found], "ended": end})
        return
    rows = [(one.id, one.name or "a browser", _when(one.used_at), one.address) for one in found]
    print_table(("id", "what", "last used", "from"), rows, f"{name} is signed in nowhere.")
    if end and found:
        click.echo("All of these have ended.")


def _when(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(" ", "minutes")


def _named(connection: sqlite3.Connection, name: str) -> accounts.User:
    found = accounts.user_named(connection, name)
    if found is None:
        raise Refusal(f"There is no user {name!r}. List them with: facegate users list")
    return found
