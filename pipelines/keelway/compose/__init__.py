"""Compose files: read, merged and resolved into a typed project."""
