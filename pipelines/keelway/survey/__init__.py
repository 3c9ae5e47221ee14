"""A repository looked at, and the `keelway.toml` that follows from what was found.

`look.survey` looks, `decide.decide` draws conclusions, `render.render` writes them down: only the
first touches the disk.
"""
