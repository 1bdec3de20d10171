"""`facegate`: the table of its commands, each imported only when it is used."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import Any

import click

# Name: where the command is, and its line in the help. Strings, so that `facegate --help` imports none of them.
COMMANDS = {
    "demo": ("commands.demo:demo", "The main job on real faces, start to finish, in a temporary state."),
    "run": ("commands.run:run", "The gate: vision, door and api."),
    "replay": ("commands.replay:replay", "The same pipeline over recorded footage, pins mocked."),
    "enroll": ("commands.enroll:enroll", "Enrol a resident from photos."),
    "import": ("commands.import_people:import_people", "Enrol everyone in a table, rehearsed first."),
    "export": ("commands.export_people:export_people", "Write everyone to a table that import reads again."),
    "consent": ("commands.consent:consent", "The text that people agree to."),
    "residents": (
        "commands.residents:residents",
        "The people, their PINs and cards: list, show, change, remove and more.",
    ),
    "links": ("commands.links:links", "Links for residents' own photos: list, draw, end."),
    "passes": ("commands.passes:passes", "Passes of visitors: list, new, revoke."),
    "users": ("commands.users:users", "Who may sign in to the console: list, add, password, remove."),
    "models": ("commands.models:models", "The model packs: list, install, verify."),
    "audit": ("commands.audit:audit", "The record: tail, verify, export."),
    "door": (
        "commands.door:door",
        "The door: status, open, lockdown, hold, release, relay-off.",
    ),
    "readers": ("commands.readers:readers", "Keypads and card readers: pair, new-key."),
    "centre": ("commands.centre:centre", "Many gates, one register: run, invite, gates, remove."),
    "join": ("commands.join:join", "Have this gate follow a centre."),
    "leave": ("commands.leave:leave", "Have this gate follow its centre no more."),
    "schedules": ("commands.schedules:schedules", "When residents may enter, and when the gate stands open."),
    "holidays": ("commands.holidays:holidays", "Days on which schedules keep other hours, or open never."),
    "groups": ("commands.groups:groups", "Groups of residents with a schedule of their own."),
    "tidy": ("commands.tidy:tidy", "Erase what was kept as long as the settings say; done each night by itself."),
    "backup": ("commands.backup:backup", "Back a running gate up, verified."),
    "restore": ("commands.restore:restore", "Put a backup in the place of a stopped gate's database."),
    "settings": ("commands.settings:settings", "The settings in effect, or what is wrong with them."),
    "doctor": ("commands.doctor:doctor", "What is wrong with this installation, and how to mend it."),
    "drill": (
        "commands.drill:drill",
        "Guided proof of wiring and safety rules, as a commissioning sheet.",
    ),
    "eval": ("commands.eval:evaluate", "How well people are told apart, on a folder of them."),
    "calibrate": ("commands.calibrate:calibrate", "What scores mean: fitted on a folder of people."),
    "bench": ("commands.bench:bench", "Latency by stage beside the bare models."),
}


class _Commands(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="facegate")
def facegate() -> None:
    """Facegate opens the gate of a residential compound for the people who live there.

    It needs no cloud. Start with: facegate demo
    """


def main() -> None:
    """Entry point. Exit 0: done; 1: the answer is no; 2: wrong use."""
    from gate.places import keep_to_oneself
    from gate.processes.terminal import Spelling

    keep_to_oneself()
    sys.stdout, sys.stderr = Spelling(sys.stdout), Spelling(sys.stderr)
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        _refuse_unreadable(arguments)
        result: Any = facegate.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except Exception as error:
        code, sentence = _exit_code(error), str(error)
        if code is None and isinstance(error, OSError) and error.strerror:
            code, sentence = 2, _of_the_machine(error)
        if code is None:
            raise
        if "--json" in arguments:
            import json

            # Standard output itself may be what is full.
            with suppress(OSError):
                click.echo(json.dumps({"error": sentence}, ensure_ascii=False))
        click.secho(sentence, fg="red", err=True)
        return code
    return result if isinstance(result, int) else 0


def _refuse_unreadable(arguments: list[str]) -> None:
    """Raises UsageError for bytes that are no text where this program runs: no name could be found or kept by them."""
    if all(map(_is_text, arguments)):
        return
    from gate.errors import UsageError

    raise UsageError(
        "What you typed is not text in UTF-8, as from a terminal that is set to GBK. Set the terminal to UTF-8 and type"
        " it again; nothing was done."
    )


def _is_text(argument: str) -> bool:
    # Python keeps each byte that it cannot read as a half of a surrogate pair.
    return not any("\ud800" <= one <= "\udfff" for one in argument)


def _of_the_machine(error: OSError) -> str:
    """What the machine did not let a command do, where the command itself has no words for it."""
    what = f"{error.filename} cannot be used" if error.filename else "This was not done to its end"
    return f"{what} ({error.strerror}). Look whether its disk has room, and whether you may write there."


def _exit_code(error: Exception) -> int | None:
    """The exit code of an error whose message is a sentence; None for a bug, which keeps its traceback."""
    from gate.errors import FacegateError, Refusal

    if isinstance(error, Refusal):
        return 1
    if isinstance(error, FacegateError) or type(error).__name__ == "PackError":
        return 2
    return None


if __name__ == "__main__":
    main()
