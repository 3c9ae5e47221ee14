"""The commands of `keelway` and nothing else.

Commands that talk to an engine import Dagger's SDK when they run, so that the others start at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from keelway._cli.assemble import assemble
from keelway._cli.base import base
from keelway._cli.build import build
from keelway._cli.cache import cache_app
from keelway._cli.call import CallCommand, call
from keelway._cli.clean import clean
from keelway._cli.compose import compose
from keelway._cli.deploy import deploy
from keelway._cli.dev import dev, prod
from keelway._cli.doctor import doctor
from keelway._cli.down import down
from keelway._cli.engine import engine
from keelway._cli.exceptions import exceptions
from keelway._cli.failing import exit_codes
from keelway._cli.faults import faults
from keelway._cli.functions import functions
from keelway._cli.health import health
from keelway._cli.history import history
from keelway._cli.init import init_app
from keelway._cli.load import load
from keelway._cli.logs import logs
from keelway._cli.mirror import mirror
from keelway._cli.monitoring import monitoring
from keelway._cli.notify import notify
from keelway._cli.plan import plan
from keelway._cli.promote import promote
from keelway._cli.promotions import promotions
from keelway._cli.prove import prove
from keelway._cli.ps import ps
from keelway._cli.rebuild import rebuild
from keelway._cli.release import release
from keelway._cli.report import report
from keelway._cli.restore import restore
from keelway._cli.retention import retention_app
from keelway._cli.rollback import rollback
from keelway._cli.run import run
from keelway._cli.sbom import sbom
from keelway._cli.scan import scan
from keelway._cli.schema import schema
from keelway._cli.tags import tags
from keelway._cli.test import test
from keelway._cli.unlock import unlock
from keelway._cli.up import up
from keelway._cli.verify import verify
from keelway._cli.version import version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMANDS: Mapping[str, Callable[..., None]] = {
    "plan": plan,
    "tags": tags,
    "release": release,
    "build": build,
    "scan": scan,
    "sbom": sbom,
    "test": test,
    "load": load,
    "prove": prove,
    "assemble": assemble,
    "up": up,
    "dev": dev,
    "prod": prod,
    "monitoring": monitoring,
    "logs": logs,
    "ps": ps,
    "health": health,
    "down": down,
    "clean": clean,
    "base": base,
    "verify": verify,
    "promote": promote,
    "promotions": promotions,
    "deploy": deploy,
    "rollback": rollback,
    "history": history,
    "faults": faults,
    "unlock": unlock,
    "mirror": mirror,
    "restore": restore,
    "notify": notify,
    "rebuild": rebuild,
    "report": report,
    "exceptions": exceptions,
    "functions": functions,
    "schema": schema,
    "doctor": doctor,
    "version": version,
}
"""In the order of the help."""

GROUPS: Mapping[str, typer.Typer] = {
    "init": init_app,
    "compose": compose,
    "retention": retention_app,
    "cache": cache_app,
}
"""Commands that have commands of their own."""

_HELP = "Release container images with proof: built, judged, and published as they were judged."


class Program(TyperGroup):
    """The group of all commands: whatever one raises becomes diagnostics and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with exit_codes():
            return super().invoke(ctx)


def program() -> typer.Typer:
    """Return the program with its commands."""
    # Plain help: the same text on every terminal, so that it can be compared with the docs.
    app = typer.Typer(
        name="keelway",
        help=_HELP,
        cls=Program,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS.items():
        app.command(name)(command)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    # What follows the name of a program are that program's arguments, whatever they look like.
    app.command(context_settings={"allow_interspersed_args": False})(run)
    # Functions have arguments of their own, and a help that tells of them.
    app.command(
        cls=CallCommand,
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )(call)
    # What follows belongs to the engine's program, which has its own help.
    app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})(engine)
    return app
