"""Images brought to where they are missing: copied to a mirror, restored from one, rebuilt."""
