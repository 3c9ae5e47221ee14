"""Digests written into the files of a repository that a cluster follows."""
