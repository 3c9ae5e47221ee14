"""An image rebuilt in front of the user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from keelway._cli import output
from keelway._cli.copying import refuse_untrusted
from keelway._cli.env import environment, terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._registries import own_keyring
from keelway.config import load_config
from keelway.config.naming import image_named, images_in
from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.rebuilding import RebuildOrder, rebuild
from keelway.report.terminal import open_terminal
from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.model.engine_choice import EngineChoice
    from keelway.model.progress_form import ProgressForm


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildWords:
    """What the command line says of it."""

    image: str
    commit: str | None
    branch: str | None


def show_rebuild(
    words: RebuildWords, config: Path | None, engine: EngineChoice, progress: ProgressForm
) -> None:
    """Rebuild an image and print where it is.

    Raises:
        StageError: It came out as another image.
        KeelwayError: What stopped the work.
    """
    loaded = load_config(Path.cwd(), config)
    environ = environment()
    refuse_untrusted(environ)
    order = plan_rebuild(words, loaded.config)
    with open_terminal(Console(stderr=True), terminal_form(progress), ci=None) as observer:
        done = run_until_stopped(
            partial(
                rebuild,
                order,
                root=loaded.root,
                file=loaded.file.name,
                environ=environ,
                find_login=own_keyring(loaded.config, loaded.root, environ).find,
                engine=engine,
                observer=observer,
            )
        )
    output.result(
        f"{done.repository}@{done.digest}\n"
        f"  commit    {done.commit}\n"
        f"  tags      {', '.join(done.tags)}\n"
        "  the same digest as before"
    )


def plan_rebuild(words: RebuildWords, config: Config) -> RebuildOrder:
    """Return which image of the configuration is rebuilt.

    Raises:
        PlanError: The reference is none, or of no image and registry of the configuration.
    """
    try:
        parsed = parse_reference(words.image)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    for registry in config.registries:
        prefix = f"{registry.url.rstrip('/')}/"
        if parsed.repository.startswith(prefix):
            name = image_named(config, parsed.repository.removeprefix(prefix), parsed.tag)
            if name is not None:
                return RebuildOrder(
                    name=name,
                    repository=parsed.repository,
                    digest=None if parsed.digest is None else Digest(parsed.digest),
                    tag=parsed.tag,
                    commit=words.commit,
                    branch=words.branch,
                    registry=registry.url,
                )
            several = images_in(config, parsed.repository.removeprefix(prefix))
            if several:
                raise PlanError(
                    f"{words.image} could be any of {', '.join(several)}, which share a repository",
                    next_step=f"name it by its tag as well: {parsed.repository}:TAG@DIGEST",
                )
    raise PlanError(
        f"{parsed.repository} is no image that is published from here",
        next_step="name it as it is published: the registry's url, and the image's name",
    )
