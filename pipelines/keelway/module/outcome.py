"""What a function that judges or delivers comes to: its report, in text and in files."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio.to_thread
import dagger
from dagger import Doc, dag

from keelway.calling.listening import listener
from keelway.errors import GateError
from keelway.module.registering import field, object_type, remembered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keelway._stage import Run
    from keelway.module.workplace import Workplace
    from keelway.planning import Plan

Enforce = Annotated[
    bool,
    Doc(
        "Fail with exit code 6 when the gate says no. Else `passed` tells, and the report can be "
        "read whatever it says."
    ),
]

_ENFORCED = "the report files: call the function with --enforce=false, and export `files`"


@object_type
class Outcome:
    """What became of a call: whether the gate let it pass, and the report."""

    passed: Annotated[bool, Doc("Whether the gate had nothing against it.")] = field()
    exit_code: Annotated[int, Doc("What the command would have ended with: 0 or 6.")] = field()
    summary: Annotated[str, Doc("The report for people.")] = field()
    files: Annotated[
        dagger.Directory,
        Doc("All report files: report.json, SARIF, JUnit, Markdown, SBOMs, logs."),
    ] = field()

    @remembered
    async def report(self) -> dagger.File:
        """Return report.json: everything, for programs."""
        from keelway.report.writing import REPORT_FILE  # noqa: PLC0415 - registering is quick

        return self.files.file(REPORT_FILE)


async def carry_out(
    place: "Workplace", work: "Callable[[Run, Plan], Awaitable[object]]", *, enforce: bool = True
) -> Outcome:
    """Return what came of the work.

    Args:
        place: Where it is done.
        work: What is done with a run and the plan.
        enforce: Whether a gate that says no is an error.

    Raises:
        GateError: The gate says no.
        KeelwayError: Something broke.
    """
    from keelway.report.document import ReportDocument  # noqa: PLC0415 - registering is quick
    from keelway.report.summary import summary  # noqa: PLC0415 - likewise
    from keelway.report.writing import REPORT_FILE  # noqa: PLC0415 - likewise
    from keelway.running import run_reported  # noqa: PLC0415 - likewise

    refused: GateError | None = None
    with listener() as observer:
        carried = partial(
            run_reported,
            work,
            place.plan,
            plan=place.plan,
            directory=str(place.reports),
            observer=observer,
            open_run=place.open_run,
            facts=place.facts,
        )
        try:
            await carried()
        except GateError as error:
            if enforce:
                error.add_note(_ENFORCED)
                raise
            refused = error
    document = ReportDocument.model_validate_json((place.reports / REPORT_FILE).read_bytes())
    return Outcome(
        passed=refused is None,
        exit_code=0 if refused is None else refused.exit_code,
        summary=summary(document),
        files=await _directory(place.reports),
    )


async def _directory(folder: Path) -> dagger.Directory:
    """Return the text files of a folder; of what tests left, other files stay behind.

    A module has no way to hand over a folder of its own as it is that works on every engine.
    """
    found = dag.directory()
    for name, text in await anyio.to_thread.run_sync(_texts, folder):
        found = await found.with_new_file(name, text).sync()
    return found


def _texts(folder: Path) -> list[tuple[str, str]]:
    """Return the text files of a folder, by their path in it."""
    found: list[tuple[str, str]] = []
    for file in sorted(folder.rglob("*")):
        if file.name == ".gitignore" or not file.is_file():
            continue
        with suppress(UnicodeDecodeError):
            text = file.read_text(encoding="utf-8")
            found.append((file.relative_to(folder).as_posix(), text))
    return found
