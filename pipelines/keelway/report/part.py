"""What every part of `report.json` is, closed to unknown keys and frozen; and what several hold."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the report."""

    # Of all parts only the document is ever built, once it is written.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ToolPart(Part):
    """An external tool as it was when it ran."""

    name: str
    version: str
    source: str
    """`host`, or the image's reference."""
