"""A command written as one text, split into words as a shell would; no shell ever sees it.

Example:
    >>> split_words("sh -c 'echo $HOME'")
    (('sh', '-c', 'echo $HOME'), '')
    >>> split_words("migrate && serve")
    (('migrate',), '&& serve')
"""

from __future__ import annotations

from dataclasses import dataclass, field

_SPACES = frozenset(" \t\r\n")
_OPERATORS = frozenset(";&|<>")


class WordsError(ValueError):
    """A text that cannot be split; says why."""


@dataclass(slots=True)
class _Splitter:
    text: str
    words: list[str] = field(default_factory=list[str])
    word: str = ""
    is_open: bool = False
    """Whether a word has begun: an empty one in quotes is a word too."""
    quote: str = ""
    """What ends the quoted part: a quote, a back-tick, or the parenthesis of `$(`."""

    def run(self) -> str:
        """Split, and return what is left over at an operator of the shell."""
        at = 0
        while at < len(self.text):
            character = self.text[at]
            if character == "\\" and self.quote != "'":
                if at + 1 == len(self.text):
                    raise WordsError("the command ends in a backslash")
                at += 1
                self.add(self.text[at])
            elif not self.quote and character in _OPERATORS:
                self.close(at)
                return self.text[at:]
            else:
                self.step(character)
            at += 1
        if self.quote:
            raise WordsError(f"the command has a {self.opening()} that is not closed")
        self.close(at)
        return ""

    def step(self, character: str) -> None:
        """Take one character that is neither escaped nor an operator."""
        if self.quote:
            self.quoted(character)
        elif character in _SPACES:
            self.close(None)
        elif character in "\"'":
            self.quote, self.is_open = character, True
        elif character == "`":
            self.quote = character
            self.add(character)
        elif character == "(":
            if not self.word.endswith("$"):
                raise WordsError("the command has a ( that no shell will see: put it in quotes")
            self.quote = ")"
            self.add(character)
        elif character == ")":
            raise WordsError("the command has a ) that no shell will see: put it in quotes")
        else:
            self.add(character)

    def quoted(self, character: str) -> None:
        """Take one character inside quotes."""
        if character != self.quote:
            self.add(character)
            return
        self.quote = ""
        if character not in "\"'":
            self.add(character)

    def opening(self) -> str:
        return "$(" if self.quote == ")" else self.quote

    def add(self, character: str) -> None:
        self.word += character
        self.is_open = True

    def close(self, operator_at: int | None) -> None:
        """End the word; the number before a `>` is no word."""
        is_redirect = operator_at is not None and self.text[operator_at : operator_at + 1] == ">"
        if self.is_open and not (is_redirect and self.word[:1].isdigit()):
            self.words.append(self.word)
        self.word, self.is_open = "", False


def split_words(text: str) -> tuple[tuple[str, ...], str]:
    """Return the words, and what follows the first operator of a shell (`&&`, `|`, `>`, …).

    Raises:
        WordsError: When a quote is not closed.
    """
    splitter = _Splitter(text)
    rest = splitter.run()
    return tuple(splitter.words), rest
