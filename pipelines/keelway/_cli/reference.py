"""The reference under `docs/reference`: all of it is made from the program itself.

python -m keelway._cli.reference docs/reference           write it
python -m keelway._cli.reference docs/reference --check   fail when it is not what it would write
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from keelway import errors
from keelway._cli import output
from keelway._cli.api_page import api_page
from keelway._cli.app import COMMANDS, GROUPS, program
from keelway.compose.page import keys_page
from keelway.config.root import Config
from keelway.config.schema import json_schema, schema_text
from keelway.model.described import field_docs
from keelway.report.document import json_schema as report_schema
from keelway.tags.expressions import GLOBAL
from keelway.tags.rules import (
    ATTRIBUTES,
    CHOICES,
    DEFAULT_PRIORITY,
    GENERAL_ATTRIBUTES,
    Kind,
)
from keelway.tags.versions import EXPRESSIONS as VERSION_EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXAMPLE = """\
[project]
name = "shop"
source = "https://example.com/shop"
licenses = "Apache-2.0"

[images.orders]
context = "services/orders"
target = "runtime"
build_args = { APP_VERSION = "1.4.0" }
bases = { PYTHON_BASE = "python" }

[[images.orders.secrets]]
id = "pip-token"
source = "env://PIP_TOKEN"

[images.worker]
context = "services/worker"
platforms = ["linux/amd64"]

[tags]
rules = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=ref,event=branch",
  "type=sha",
]

[[registries]]
url = "registry.example.com/shop"
username = "ci"
password = "env://REGISTRY_PASSWORD"

[gate]
severity = "critical"

[sign]
enabled = true
key = "env://COSIGN_KEY"
password = "env://COSIGN_PASSWORD"

[base.python]
suite = "bookworm"
packages = ["python3", "ca-certificates"]
repository = "registry.example.com/shop/base-python"
"""

_HELP_COLUMNS = "80"
_REPEATED = {"images": "images.NAME", "base": "base.NAME", "deploy": "deploy.NAME"}
_USAGE = "usage: python -m keelway._cli.reference DIRECTORY [--check]"


@functools.cache
def pages() -> dict[str, str]:
    """Return every file of the reference by name."""
    return {
        "README.md": _index(),
        "config.md": _config(),
        "api.md": api_page(),
        "cli.md": _cli(),
        "compose.md": keys_page(),
        "exit-codes.md": _exit_codes(),
        "keelway.schema.json": schema_text(),
        "report.schema.json": json.dumps(report_schema(), indent=2, sort_keys=True) + "\n",
    }


def main(arguments: Sequence[str]) -> int:
    """Write the reference, or check it, and return the exit code."""
    words = [word for word in arguments if word != "--check"]
    if len(words) != 1:
        output.notice(_USAGE)
        return 2
    directory = Path(words[0])
    stale = [name for name, text in pages().items() if _kept(directory / name) != text]
    if "--check" in arguments:
        for name in stale:
            output.notice(f"{directory / name} is not what keelway itself says: run `make docs`")
        return 1 if stale else 0
    directory.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (directory / name).write_text(pages()[name], encoding="utf-8")
        output.notice(f"wrote {directory / name}")
    return 0


def _kept(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _index() -> str:
    return """\
# Reference

Made by `make docs` from the program itself; a test fails when a page is stale.

- [Configuration](config.md), and its [JSON schema](keelway.schema.json)
- [Command line](cli.md)
- [Python API](api.md): every public name, and what is stable
- [Compose files](compose.md): every key, and what keelway makes of it
- [Exit codes](exit-codes.md)
- [JSON schema of `report.json`](report.schema.json)
"""


def _config() -> str:
    return "\n".join(_config_lines(json_schema())) + "\n"


def _config_lines(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "# Configuration"
    yield ""
    yield "`keelway.toml`, or the same tables under `[tool.keelway]` of `pyproject.toml`."
    yield "Unknown keys and values of the wrong kind are errors; they are named with file, line and"
    yield "key. Paths are relative to the file. `keelway schema` prints the JSON schema, by which"
    yield "editors complete and check the file."
    yield from ("", "```toml", EXAMPLE.rstrip("\n"), "```")
    for name in field_docs(Config):
        yield from _table_lines(name, schema["properties"][name], schema, ())
        if name == "tags":
            yield from _rule_lines()


def _table_lines(
    key: str, node: Mapping[str, Any], schema: Mapping[str, Any], outer: tuple[str, ...]
) -> Iterator[str]:
    """Yield one table with its keys, and the tables inside it after it."""
    is_array = node.get("type") == "array"
    path = (*outer, _REPEATED.get(key, key) if not outer else key)
    title = f"[[{'.'.join(path)}]]" if is_array else f"[{'.'.join(path)}]"
    kinds = _kinds(node, schema)
    for kind, section in kinds.items():
        yield from (
            "",
            f"## `{title}` with `kind = {json.dumps(kind)}`",
            "",
            section["description"],
        )
        yield from _section_lines(section, schema, path)
    if not kinds:
        yield from ("", f"## `{title}`", "", f"{node['description']}")
        yield from _section_lines(_definition(node, schema), schema, path)


def _section_lines(
    section: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[str]:
    # A table whose keys are free has none of its own.
    known: Mapping[str, Any] = section.get("properties", {})
    inner = {name: field for name, field in known.items() if _is_table(field, schema)}
    keys = [name for name in known if name not in inner]
    if keys:
        yield from ("", "| key | value | default | |", "| --- | --- | --- | --- |")
    required = section.get("required", ())
    for name in keys:
        yield _key_row(name, known[name], is_required=name in required)
    for name, field in inner.items():
        yield from _table_lines(name, field, schema, path)


def _kinds(node: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what tables of one place may be, where their key `kind` tells; else nothing."""
    mapping = _inner(node).get("discriminator", {}).get("mapping", {})
    return {kind: _referenced(reference, schema) for kind, reference in mapping.items()}


def _rule_lines() -> Iterator[str]:
    yield from ("", "### Tag rules", "")
    yield "As docker/metadata-action writes them: `type=KIND` and attributes, separated by commas."
    yield from ("", "| kind | its attributes | priority |", "| --- | --- | --- |")
    for kind, names in ATTRIBUTES.items():
        words = ", ".join(_attribute(kind, name) for name in names)
        yield f"| `{kind}` | {words} | {DEFAULT_PRIORITY[kind]} |"
    general = ", ".join(f"`{name}`" for name in GENERAL_ATTRIBUTES)
    commit = ", ".join(f"`{{{{{name}}}}}`" for name in GLOBAL)
    version = ", ".join(f"`{{{{{name}}}}}`" for name in VERSION_EXPRESSIONS)
    yield ""
    yield f"Every rule takes {general} too. All texts but regular expressions may hold"
    yield f"{commit};"
    yield f"the `pattern` of a version may hold {version} too. Dates are"
    yield "written as moment.js writes them, `{{date 'YYYYMMDD-HHmm' tz='Europe/Vienna'}}`, of"
    yield "SOURCE_DATE_EPOCH or the commit, and never of the clock. `{{is_branch 'a' 'b-*'}}`,"
    yield "`{{is_tag 'v*'}}` and `{{is_pr}}` are for `enable`."
    yield "The rules `semver`, `pep440`, `match` and `ref` by tag look at the git tag,"
    yield "and give nothing when the working tree has changes; `sha` then says `-dirty`. Characters"
    yield "that no tag may have become `-`; what is longer than 128 is cut. `keelway tags` explains"
    yield "each tag of a commit."


def _attribute(kind: Kind, name: str) -> str:
    choices = CHOICES.get((kind, name))
    return f"`{name}`" + ("" if choices is None else f" ({' or '.join(choices)})")


def _is_table(field: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    return bool(_definition(field, schema).get("properties"))


def _definition(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section that a field holds: by itself, in an array, or under names."""
    inner = _inner(node)
    # One that may be left out.
    choices = [inner, *inner.get("anyOf", ())]
    reference = next((choice["$ref"] for choice in choices if "$ref" in choice), None)
    return {} if reference is None else _referenced(reference, schema)


def _inner(node: Mapping[str, Any]) -> Mapping[str, Any]:
    inner: Mapping[str, Any] = node
    if node.get("type") == "array":
        inner = node["items"]
    elif "patternProperties" in node:
        inner = next(iter(node["patternProperties"].values()))
    return inner


def _referenced(reference: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _key_row(name: str, field: Mapping[str, Any], *, is_required: bool) -> str:
    default = "required" if is_required else _code(field.get("default"))
    text = " ".join(str(field["description"]).split())
    return f"| `{name}` | {_kind(field)} | {default} | {text} |"


def _code(value: object) -> str:
    return "" if value in (None, {}, []) else f"`{json.dumps(value)}`"


def _kind(field: Mapping[str, Any]) -> str:
    """Return what a value looks like, in words."""
    if "anyOf" in field:
        return " or ".join(_kind(choice) for choice in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if field.get("type") == "array":
        return f"array of {_kind(field['items'])}"
    if field.get("type") == "object":
        more: object = field.get("additionalProperties")
        is_nested = isinstance(more, dict) and "additionalProperties" in more
        return f"table of {'tables' if is_nested else 'strings'}"
    return str(field["type"])


def _cli() -> str:
    runner = CliRunner(env={"COLUMNS": _HELP_COLUMNS, "TERMINAL_WIDTH": _HELP_COLUMNS})
    app = program()
    lines = ["# Command line", "", "Results go to standard output, progress and errors to standard"]
    lines += ["error. [Exit codes](exit-codes.md) are a promise."]
    groups = [
        words
        for name, group in GROUPS.items()
        for words in (
            *([[name]] if group.registered_callback is not None else []),
            *([name, str(command.name)] for command in group.registered_commands),
        )
    ]
    for words in ([], *([name] for name in (*COMMANDS, "run")), *groups):
        said = runner.invoke(app, [*words, "--help"], prog_name="keelway")
        title = " ".join(["keelway", *words])
        lines += ["", f"## `{title}`", "", "```text", said.output.strip(), "```"]
    return "\n".join(lines) + "\n"


def _exit_codes() -> str:
    classes: list[type[errors.KeelwayError]] = [errors.KeelwayError, *_below(errors.KeelwayError)]
    rows = [
        f"| {kind.exit_code} | `{kind.__name__}` | {(inspect.getdoc(kind) or '').splitlines()[0]} |"
        for kind in classes
    ]
    return "\n".join(
        [
            "# Exit codes",
            "",
            "Errors say what happened, why, and what to do next. `KEELWAY_DEBUG=1` adds where in",
            "the program it was.",
            "",
            "| code | error | |",
            "| --- | --- | --- |",
            "| 0 | | Everything that was asked for is done. |",
            *rows,
            "| 2 | | The command line itself is wrong. |",
            "| any | | What the program that `keelway run` ran ended with; 128 + n by signal n. |",
            f"| {errors.EXIT_INTERRUPTED} | | Ctrl-C. What was done until then is in the report. |",
            "| 143 | | The program was told to end (SIGTERM). |",
            "",
        ]
    )


def _below(kind: type[errors.KeelwayError]) -> Iterator[type[errors.KeelwayError]]:
    """Yield the errors below one in the tree, each followed by its own."""
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _below(child)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
