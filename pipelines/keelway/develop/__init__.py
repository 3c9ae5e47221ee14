"""A compose project at work for those who develop it: `keelway up`, `logs`, `ps` and `down`."""
