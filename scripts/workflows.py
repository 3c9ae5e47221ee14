"""This project's own workflows, out of the parts that `keelway init ci` writes others from.

.venv/bin/python scripts/workflows.py           write them
.venv/bin/python scripts/workflows.py --check   fail when they are not what this would write
"""

import sys
from importlib import metadata
from pathlib import Path

from keelway.ci_templates import pins
from keelway.ci_templates.repository import State, propose, write
from keelway.ci_templates.seal import seal
from keelway.ci_templates.yaml_text import to_yaml
from keelway.errors import ConfigError

ROOT = Path(__file__).parents[1]
MACHINE = "ubuntu-24.04"
TIMEOUT_MINUTES = 60
CHECKOUT = {"uses": pins.CHECKOUT.pinned, "with": {"persist-credentials": False}}
CHECK = {
    "# The same targets that a person runs: .ci/run calls `make check` and `make test`.": None,
    "name": "check",
    "on": {"push": {"branches": ["main"]}, "pull_request": None},
    "permissions": {"contents": "read"},
    "concurrency": {"group": "check-${{ github.ref }}", "cancel-in-progress": True},
    "jobs": {
        "check": {
            "name": "Python ${{ matrix.python }}",
            "runs-on": MACHINE,
            "timeout-minutes": TIMEOUT_MINUTES,
            "strategy": {
                "fail-fast": False,
                "matrix": {"python": ["3.11", "3.12", "3.13"]},
            },
            "steps": [
                CHECKOUT,
                {
                    "uses": pins.SETUP_PYTHON.pinned,
                    "id": "python",
                    "with": {"python-version": "${{ matrix.python }}"},
                },
                {
                    "# As root: the local engine mounts and makes namespaces.": None,
                    "run": 'sudo --preserve-env=GITHUB_ACTIONS env "PYTHON=$PYTHON" .ci/run',
                    "env": {"PYTHON": "${{ steps.python.outputs.python-path }}"},
                },
            ],
        }
    },
}
DEMO = {
    "# The demo on a machine that has nothing of it, weekly: what it needs comes from": None,
    "# elsewhere and moves.": None,
    "name": "demo",
    "on": {"schedule": [{"cron": "17 3 * * 1"}], "workflow_dispatch": None},
    "permissions": {"contents": "read"},
    "concurrency": {"group": "demo-${{ github.ref }}", "cancel-in-progress": False},
    "jobs": {
        "demo": {
            "name": "The demo, twice",
            "runs-on": MACHINE,
            "timeout-minutes": TIMEOUT_MINUTES,
            "steps": [
                CHECKOUT,
                {"run": "sudo make demo"},
                {
                    "name": "Again, nearly all cached",
                    "run": "sudo make demo | tee /dev/stderr |\n"
                    "  grep -q 'all but the pushes was cached or reused'\n",
                },
            ],
        }
    },
}
FILES = {".github/workflows/check.yml": CHECK, ".github/workflows/demo.yml": DEMO}


def main() -> int:
    """Write the workflows, or look at them, and return the exit code."""
    version = metadata.version("keelway")
    texts = {
        path: seal(path, to_yaml(one), version=version, by="scripts/workflows.py")
        for path, one in FILES.items()
    }
    proposals = propose(ROOT, texts)
    if "--check" in sys.argv[1:]:
        stale = [one for one in proposals if one.state is not State.CURRENT]
        for one in stale:
            print(f"{one.path}: {one.state.value}: run scripts/workflows.py")
        return 1 if stale else 0
    try:
        for one in write(ROOT, proposals, force="--force" in sys.argv[1:]):
            print(f"wrote {one.path}")
    except ConfigError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
