"""`keelway init PATH` and `keelway init COMMAND` share a word, and are told apart."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- Typer reads the annotations
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from keelway._cli.init import InitGroup


def program() -> typer.Typer:
    """Return a group as `keelway init` is one, that says how it was called."""
    app = typer.Typer(cls=InitGroup)

    @app.callback(invoke_without_command=True)
    def init(
        ctx: typer.Context,
        folder: Annotated[Path | None, typer.Argument()] = None,
        *,
        force: bool = False,
    ) -> None:
        if ctx.invoked_subcommand is None:
            typer.echo(f"init {folder} {force}")

    @app.command("ci")
    def ci(names: list[str], *, check: bool = False) -> None:
        typer.echo(f"ci {names} {check}")

    return app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "init None False"),
        (["--force"], "init None True"),
        (["sub"], "init sub False"),
        (["sub", "--force"], "init sub True"),
        (["--force", "sub"], "init sub True"),
        (["./ci"], "init ci False"),
        (["ci", "github", "--check"], "ci ['github'] True"),
        (["ci", "github", "gitlab"], "ci ['github', 'gitlab'] False"),
    ],
)
def test_a_folder_or_a_command(words: list[str], said: str) -> None:
    done = CliRunner().invoke(program(), words)
    assert done.output.strip() == said


def test_two_folders_are_too_many() -> None:
    assert CliRunner().invoke(program(), ["one", "two"]).exit_code == 2
