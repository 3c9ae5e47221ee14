"""All that the command line writes: results to standard output, the rest to standard error."""

import sys

_COMMANDS = ("::", "##[", "##vso[", "##teamcity[")
"""What commands to GitHub's, Azure's and TeamCity's runners begin with."""


def result(text: str) -> None:
    """Write what was asked for."""
    print(text, flush=True)


def raw(text: str) -> None:
    """Write what was asked for to the last byte; a terminal gets an end of line besides."""
    sys.stdout.write(text)
    if sys.stdout.isatty() and not text.endswith("\n"):
        sys.stdout.write("\n")
    sys.stdout.flush()


def notice(text: str) -> None:
    """Write what the user should know, beside the result."""
    print(text, file=sys.stderr, flush=True)


def raw_notice(text: str) -> None:
    """Write a piece of text that another process had to say, as it is."""
    print(text, file=sys.stderr, end="", flush=True)


def failure(diagnostics: str) -> None:
    """Write what went wrong, why, and what to do next."""
    first, *rest = diagnostics.splitlines() or ["unknown error"]
    notice("\n".join([f"error: {first}", *(f"  {_harmless(line)}" for line in rest)]))


def _harmless(line: str) -> str:
    """Return a line that no CI takes for a command to itself: what a container wrote is in it."""
    return f"| {line}" if line.lstrip().startswith(_COMMANDS) else line
