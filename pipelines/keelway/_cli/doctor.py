"""`keelway doctor`."""

import typer

from keelway._cli.options import AsJson, ConfigFile


def doctor(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Tell what this machine can do, and what mends what it lacks.

    Engines, tools, platforms, registries and the machine itself are looked at, by trying where that
    changes nothing. Ends with 0 when what the configuration here needs is there; else with the code
    of the first lack: 4 no engine works, 3 a tool or a secret is missing, 2 the configuration is
    wrong.
    """
    from keelway._cli.diagnosis_view import show_diagnosis  # noqa: PLC0415 -- help starts at once

    code = show_diagnosis(config, as_json=as_json)
    if code:
        raise typer.Exit(code)
