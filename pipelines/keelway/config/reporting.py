"""[report]: where results are kept."""

from keelway.config.section import Section, Text


class ReportConfig(Section):
    """Where results are kept."""

    directory: Text = ".keelway"
    """Directory for `report.json`, scan reports and SBOMs, relative to the configuration file."""
