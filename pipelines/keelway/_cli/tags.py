"""`keelway tags`."""

from keelway._cli.options import AsJson, ConfigFile


def tags(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the tags of this commit, and the rule behind each.

    Rules that give none are shown with the reason. No engine is needed, and no registry is asked.
    """
    from keelway._cli.tags_view import show_tags  # noqa: PLC0415 -- help starts at once

    show_tags(config, as_json=as_json)
