"""Says which of the given TOML, YAML and JSON files do not parse; exit code 1 if any."""

import json
import sys
import tomllib
from pathlib import Path

import yaml

PARSERS = {
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


def main(names: list[str]) -> int:
    bad = 0
    for name in names:
        path = Path(name)
        try:
            PARSERS[path.suffix](path.read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            bad += 1
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
