"""Root file systems: from extracted packages to an image archive, the same bytes every time."""
