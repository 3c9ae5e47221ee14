"""The portal's pages, as HTML. Whatever people wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from portal.tasks import Task

STYLE = """\
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
textarea{width:100%;min-height:8rem}td,th{text-align:left;padding:.2rem .8rem .2rem 0}
.waiting{color:#7a5a00}.done{color:#05602b}.failed{color:#a1001a}"""


def front_page(tasks: Sequence[Task]) -> str:
    """Return the page that takes texts and shows the newest ones."""
    rows = "".join(
        f'<tr><td><a href="/tasks/{task.id}">{escape(_beginning(task.text))}</a></td>'
        f'<td class="{task.state}">{task.state}</td></tr>'
        for task in tasks
    )
    return _page(
        "Portal",
        '<form method="post" action="/tasks"><label for="text">What is in your text?</label>'
        '<textarea id="text" name="text" required></textarea><button>Hand it in</button></form>'
        f"<h2>Newest</h2><table>{rows or '<tr><td>nothing yet</td></tr>'}</table>",
    )


def task_page(task: Task) -> str:
    """Return the page of one text; it looks again by itself as long as it waits."""
    told = f'<p>This text is <b class="{task.state}">{task.state}</b>.</p>'
    if task.result is not None:
        lines = {
            "words": str(task.result["words"]),
            "sentences": str(task.result["sentences"]),
            "seconds to read": str(task.result["reading_seconds"]),
            "most frequent": ", ".join(f"{word} ({n})" for word, n in task.result["frequent"]),
        }
        rows = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in lines.items())
        told += f"<table>{rows}</table>"
    if task.error is not None:
        told += f"<p>{escape(task.error)}</p>"
    refresh = '<meta http-equiv="refresh" content="1">' if task.state == "waiting" else ""
    quoted = f"<blockquote>{escape(_beginning(task.text, 400))}</blockquote>"
    return _page("A text", f'{told}{quoted}<p><a href="/">All texts</a></p>', refresh)


def _page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}<title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )


def _beginning(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
