"""`keelway schema`."""

from __future__ import annotations

from keelway._cli import output


def schema() -> None:
    """Print the JSON schema of keelway.toml."""
    from keelway.config.schema import schema_text  # noqa: PLC0415 -- help starts at once

    output.result(schema_text().rstrip("\n"))
