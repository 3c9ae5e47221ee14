"""k6 on a host, against what was deployed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway._tools.k6 import ENVIRONMENT, MARKED_AS_FAILED, RESULTS, reason, run_argv
from keelway._tools.k6_summary import parse_summary
from keelway.deploy.host import HostError
from keelway.deploy.verdicts import Verdict
from keelway.errors import ToolOutputError, tail
from keelway.loadtest.scripts import TARGET_VARIABLE, ProbeSpec, entry_script, probe_script
from keelway.model.load import measure_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway._tools.k6_summary import Summary
    from keelway.config.deploy_analysis import AnalysisLoadConfig
    from keelway.deploy.host import Host, Ran

_ENDED = 124


async def put_under_load(
    config: AnalysisLoadConfig, host: Host, url: str, *, root: Path
) -> tuple[Verdict, str]:
    """Return what k6 says of a service, and its figures in a few words; nothing is raised.

    Args:
        config: What is run.
        host: Where k6 runs.
        url: The service, as that host reaches it.
        root: Where the path of the script begins.
    """
    try:
        made = await host.run(("mktemp", "-d"))
        if made.code:
            return Verdict.INCONCLUSIVE, f"no place for its files: {made.complaint}"
        try:
            return await _run(config, host, url, root=root, folder=made.text)
        finally:
            with anyio.CancelScope(shield=True):
                await host.run(("rm", "-rf", made.text))
    except (HostError, OSError, ToolOutputError) as error:
        return Verdict.INCONCLUSIVE, f"it did not take place: {error}"


async def _run(
    config: AnalysisLoadConfig, host: Host, url: str, *, root: Path, folder: str
) -> tuple[Verdict, str]:
    entry, summary = f"{folder}/entry.js", f"{folder}/summary.json"
    if config.script is not None:
        name = await _put(config.files, root / config.script, host, folder)
        text = entry_script(f"{folder}/{name}", config.thresholds)
    else:
        text = probe_script(_probe(config), config.thresholds)
    await host.write(entry, text.encode())
    environment = {**config.environment, TARGET_VARIABLE: url, **ENVIRONMENT}
    argv = run_argv(
        entry,
        summary,
        vus=config.vus,
        duration_s=config.duration_s,
        iterations=config.iterations,
    )
    words = ("env", *(f"{name}={value}" for name, value in environment.items()))
    ran = await host.run((*words, config.program, *argv), timeout_s=config.timeout_s)
    data = await host.read(summary)
    if ran.code not in RESULTS or data is None:
        return Verdict.INCONCLUSIVE, _not_run(config, ran)
    return _judged(parse_summary(data.decode(errors="replace")), ran)


async def _put(patterns: Sequence[str], script: Path, host: Host, folder: str) -> str:
    """Bring a script to a host, with the files that it needs, and return its name there."""
    await host.write(f"{folder}/{script.name}", await anyio.Path(script).read_bytes())
    for pattern in patterns:
        async for file in anyio.Path(script.parent).glob(pattern):
            if await file.is_file():
                place = file.relative_to(script.parent).as_posix()
                await host.write(f"{folder}/{place}", await file.read_bytes())
    return script.name


def _judged(summary: Summary, ran: Ran) -> tuple[Verdict, str]:
    if summary.measure is None:
        return Verdict.INCONCLUSIVE, "it made no request"
    figures = measure_text(summary.measure)
    crossed: Sequence[str] = [one.text for one in summary.thresholds if one.crossed]
    if crossed:
        return Verdict.FAILED, f"crossed {', '.join(crossed)}: {figures}"
    if ran.code == MARKED_AS_FAILED:
        return Verdict.FAILED, f"the script called it failed: {figures}"
    return Verdict.SUCCESSFUL, figures


def _not_run(config: AnalysisLoadConfig, ran: Ran) -> str:
    if ran.code == _ENDED:
        return f"it did not end in {config.timeout_s} s"
    return f"{reason(ran.code)}: {tail(ran.complaint, 5)}"


def _probe(config: AnalysisLoadConfig) -> ProbeSpec:
    probe = config.probe
    if probe is None:
        return ProbeSpec()
    return ProbeSpec(
        paths=probe.paths,
        requests=probe.requests,
        concurrency=probe.concurrency,
        statuses=probe.statuses,
        request_timeout_s=probe.request_timeout_s,
    )
