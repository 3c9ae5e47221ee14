"""Each provider's own way to log in, one file each, as its own documentation says."""
