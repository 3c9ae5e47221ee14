"""[report]: where results are kept."""

from keelway.config.section import Section, Text


class ReportConfig(Section):
    """Where results are kept."""

    directory: Text = ".keelway"
    """Directory for `report.json`, scan reports and SBOMs, relative to the configuration file."""
    summary: bool = True
    """Whether the Markdown of a run is shown beside its job where the CI can do that: it is added
    to the file that `GITHUB_STEP_SUMMARY` names.
    """
