"""`report.html`: one page that needs nothing beside it, and no script to be read."""
