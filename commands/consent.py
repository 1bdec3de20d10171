"""facegate consent"""

from __future__ import annotations

import click

from enroll.consent import LANGUAGES, text


@click.command()
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="In which language.")
def consent(language: str) -> None:
    """Print the text that people agree to before they are enrolled."""
    click.echo(text(language))
