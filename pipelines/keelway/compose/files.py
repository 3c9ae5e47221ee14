"""Compose files read and put together: several files, `include`, `extends`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.compose.dotenv import DotenvError, parse_dotenv
from keelway.compose.extends import extended
from keelway.compose.include import Inclusion, conflicts, inclusions
from keelway.compose.merge import merged_files
from keelway.compose.parse import parse_yaml
from keelway.compose.problems import Problems, file_error
from keelway.compose.template import TemplateError, Variables, substitute
from keelway.compose.tree import Map, Node, Origin, Scalar, Seq, child, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.compose.tree import KeyPath


@dataclass(slots=True)
class Files:
    """Reads files, each once for each set of variables, and keeps what is wrong with them."""

    top: Path
    """Absolute; files below it are shown by their path from here."""
    problems: Problems = field(default_factory=Problems)

    def assembled(self, files: Sequence[Origin], included_by: tuple[Path, ...] = ()) -> Node | None:
        """Return what the files say together; nothing where they are empty.

        Args:
            files: In the order in which they are merged.
            included_by: The files that include one another down to these.

        Raises:
            ConfigError: When one cannot be read or is no YAML.
        """
        documents: list[Node] = []
        for origin in files:
            trail = (*included_by, origin.file)
            documents.extend(
                self.complete(document, origin, trail) for document in self.documents(origin)
            )
        return merged_files(documents, self.problems)

    def complete(self, document: Node, origin: Origin, trail: tuple[Path, ...]) -> Node:
        """Return a document with what it includes and what its services extend."""
        if not isinstance(document, Map):
            self.problems.add(document, (), "a compose file is a mapping of sections")
            self.problems.check()
            return document
        for inclusion in inclusions(document, self):
            document = self.with_included(document, inclusion, trail)
        return extended(document.without("include"), origin, self)

    def with_included(self, document: Map, inclusion: Inclusion, trail: tuple[Path, ...]) -> Map:
        """Return a document with what another compose project has."""
        if any(origin.file in trail for origin in inclusion.origins):
            files = [*trail, inclusion.origins[0].file]
            chain = " includes ".join(str(self.shown(file)) for file in files)
            self.problems.add(inclusion, inclusion.path, f"files include each other: {chain}")
            return document
        found = self.assembled(inclusion.origins, trail)
        if not isinstance(found, Map):
            return document
        return conflicts(document, found, self.problems)

    def documents(self, origin: Origin) -> list[Node]:
        """Return a file's documents with their variables filled in.

        Raises:
            ConfigError: When the file cannot be read or is no YAML.
        """
        found = parse_yaml(self.text(origin.file), origin, self.problems)
        variables = Variables(origin.environment)
        return [promoted(self.interpolated(document, (), variables)) for document in found]

    def interpolated(self, node: Node, path: KeyPath, variables: Variables) -> Node:
        """Return the node with all texts interpolated; keys are not."""
        match node:
            case Scalar():
                return self.substituted(node, path, variables)
            case Seq():
                items = enumerate(node.items)
                return node.with_items(
                    tuple(self.interpolated(v, (*path, i), variables) for i, v in items)
                )
            case Map():
                entries = node.entries.items()
                return node.with_entries(
                    {k: self.interpolated(v, (*path, k), variables) for k, v in entries}
                )

    def substituted(self, node: Scalar, path: KeyPath, variables: Variables) -> Scalar:
        """Return the scalar with its variables filled in."""
        if not isinstance(node.value, str) or "$" not in node.value:
            return node
        known = set(variables.missing)
        try:
            value = substitute(node.value, variables)
        except TemplateError as error:
            self.problems.add(node, path, str(error))
            return node
        for name in variables.missing:
            if name not in known:
                text = f"the variable {name} is not set: it counts as empty"
                self.problems.notice(node, path, text)
        made = text_at(node, value)
        return (
            made
            if node.directive is None
            else Scalar(value=value, place=node.place, origin=node.origin, directive=node.directive)
        )

    def origin(self, file: Path, folder: Path, environment: Mapping[str, str]) -> Origin:
        """Return a file as it is read with these variables."""
        return Origin(file=file, shown=self.shown(file), folder=folder, environment=environment)

    def shown(self, file: Path) -> Path:
        """Return the path by which people know the file."""
        return file.relative_to(self.top) if file.is_relative_to(self.top) else file

    def text(self, file: Path) -> str:
        """Return a file's content.

        Raises:
            ConfigError: When it cannot be read.
        """
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise file_error(self.shown(file), f"cannot be read: {reason}") from error

    def variables(self, files: Sequence[Path], environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment over the variables of `.env` files; a later file is stronger.

        Raises:
            ConfigError: When one cannot be read, or has a line that is wrong.
        """
        values: dict[str, str] = {}
        for file in files:
            try:
                values |= parse_dotenv(self.text(file), {**values, **environment})
            except DotenvError as error:
                raise file_error(self.shown(file), str(error), line=error.line) from error
        return {**values, **environment}


_PROMOTED = "x-develop"


def promoted(document: Node) -> Node:
    """Return the document with `x-develop`, the older name, as `develop`."""
    services = child(document, "services")
    if not isinstance(document, Map) or not isinstance(services, Map):
        return document
    entries: dict[str, Node] = {}
    for name, service in services.entries.items():
        old = child(service, _PROMOTED)
        entries[name] = service
        if isinstance(service, Map) and old is not None and "develop" not in service.entries:
            kept = {("develop" if k == _PROMOTED else k): v for k, v in service.entries.items()}
            entries[name] = service.with_entries(kept)
    return document.with_entries({**document.entries, "services": services.with_entries(entries)})
