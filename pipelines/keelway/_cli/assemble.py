"""`keelway assemble`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keelway._cli.options import AsJson, ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part

_REASON = "`keelway assemble` takes it from the proofs"


def assemble(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Where the report directories of the other machines are, at any depth."
        ),
    ],
    *,
    proofs: Annotated[
        list[str],
        typer.Option(
            "--proof",
            metavar="DIGEST",
            help="The digest that `keelway prove` told; once for each of its machines.",
        ),
    ],
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Publish what other machines built and judged.

    The proofs of `keelway prove` are held against their digests, commit and configuration; the gate
    judges all of them together; and exactly the images that they are of are published, signed and
    attested. Nothing is built.
    """
    from functools import partial  # noqa: PLC0415 -- help starts at once

    from keelway._cli.carry_out import carry_out_prepared  # noqa: PLC0415 -- likewise
    from keelway._cli.prepare import prepare  # noqa: PLC0415 -- likewise
    from keelway.proof.assembling import AssembleSpec  # noqa: PLC0415 -- likewise
    from keelway.proof.assembling import assemble as work  # noqa: PLC0415 -- likewise
    from keelway.proof.source import source_of  # noqa: PLC0415 -- likewise

    without: dict[Part, str] = {
        "policy": _REASON,
        "scan": _REASON,
        "sbom": _REASON,
        "integration": _REASON,
        "load": _REASON,
    }
    prepared = prepare(config, without)
    spec = AssembleSpec(
        folder=folder.absolute(),
        digests=tuple(proofs),
        source=source_of(prepared.written, prepared.facts),
        directory=str(prepared.report_directory),
    )
    carry_out_prepared(prepared, engine, progress, work=partial(work, spec=spec), as_json=as_json)
