"""What every part of `report.json` is, closed to unknown keys and frozen; and what several hold."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ToolPart(Part):
    """An external tool as it was when it ran."""

    name: str
    version: str
    source: str
    """`host`, or the image's reference."""
