r"""Dockerfiles as typed values: parsed, checked, with stages, variables and ignore files.

>>> from keelway.dockerfile import parse
>>> parse("FROM alpine AS base\nFROM base\nUSER app\n").target("base").name
'base'
"""

from keelway.dockerfile.errors import DockerfileError, Location, Source, SyntaxProblem
from keelway.dockerfile.expand import Expander
from keelway.dockerfile.ignore import IgnoreFile
from keelway.dockerfile.parse import parse, parse_trigger
from keelway.dockerfile.stages import Dockerfile, Stage

__all__ = [
    "Dockerfile",
    "DockerfileError",
    "Expander",
    "IgnoreFile",
    "Location",
    "Source",
    "Stage",
    "SyntaxProblem",
    "parse",
    "parse_trigger",
]
