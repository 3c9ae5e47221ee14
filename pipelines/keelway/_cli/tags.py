"""`keelway tags`."""

from keelway._cli.options import AsJson, ConfigFile


def tags(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the tags of this commit: which rule gave each, and why the others gave none.

    Nothing is run and no engine is needed; registries are not asked.
    """
    from keelway._cli.tags_view import show_tags  # noqa: PLC0415 -- help starts at once

    show_tags(config, as_json=as_json)
