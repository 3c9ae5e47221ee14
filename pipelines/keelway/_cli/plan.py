"""`keelway plan`."""

from keelway._cli.options import AsJson, ChangedSince, ConfigFile


def plan(
    *, config: ConfigFile = None, changed_since: ChangedSince = None, as_json: AsJson = False
) -> None:
    """Show what a release would do, what is left out, and why.

    Nothing is run and no engine is needed.
    """
    from keelway._cli.plan_view import show_plan  # noqa: PLC0415 -- help starts at once

    show_plan(config, changed_since=changed_since, as_json=as_json)
