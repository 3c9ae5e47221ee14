"""Ways for a new version to take the place of an old one, one file each."""
