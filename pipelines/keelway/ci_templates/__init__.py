"""Pipelines for CIs, generated: one typed description, one renderer a CI.

`description` says what a pipeline does, `shell` what its steps type; each renderer puts both into
one CI's words. `catalog` has the list, and `repository` writes without destroying.
"""
