"""Scanners: one interface, one file each; and what is added to their findings."""
