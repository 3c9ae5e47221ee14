"""All that the command line writes: results to standard output, the rest to standard error."""

import sys


def result(text: str) -> None:
    """Write what was asked for."""
    print(text, flush=True)


def notice(text: str) -> None:
    """Write what the user should know, beside the result."""
    print(text, file=sys.stderr, flush=True)


def failure(diagnostics: str) -> None:
    """Write what went wrong, why, and what to do next."""
    first, *rest = diagnostics.splitlines() or ["unknown error"]
    notice("\n".join([f"error: {first}", *(f"  {line}" for line in rest)]))
