"""HTML to Markdown, by selectolax: headings, paragraphs, lists, tables and code of the page's main part."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "footer",
        "aside",
        "form",
        "button",
        "select",
        "svg",
        "iframe",
        "canvas",
        "head",
        "dialog",
    ]
)
BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "li",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "blockquote",
        "figure",
        "figcaption",
        "address",
        "details",
        "summary",
        "td",
        "th",
        "body",
        "html",
        "table",
        "tbody",
        "thead",
        "tr",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "br",
    ]
)
DEPTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Text:
    """What a reader found: Markdown, and what the document says of itself."""

    text: str
    title: str = ""
    language: str = ""


def read(path: Path) -> Text:
    """Raises `OSError`, or what the parser raises."""
    from selectolax.lexbor import LexborHTMLParser

    tree: Any = LexborHTMLParser(path.read_bytes())
    root = tree.css_first("main") or tree.css_first("article") or tree.body
    blocks = list(_blocks(root, 0)) if root is not None else []
    heading, title = tree.css_first("h1"), tree.css_first("title")
    named = heading if heading is not None else title
    whole = tree.css_first("html")
    language = str((whole.attributes.get("lang") if whole is not None else "") or "").split("-")[0].lower()
    return Text("\n\n".join(blocks) + "\n", _line(named.text(deep=True)) if named is not None else "", language)


def _blocks(node: Any, depth: int) -> Iterator[str]:
    """Blocks of Markdown below a node, in order."""
    if depth > DEPTH_MAX:
        return
    inline: list[str] = []
    for child in node.iter(include_text=True):
        tag: str = child.tag
        if tag in SKIPPED or tag == "-comment":
            continue
        if tag not in BLOCKS and not _holds_blocks(child):
            inline.append(child.text(deep=True) if tag != "-text" else child.text(deep=False))
            continue
        if tag == "br":
            inline.append(" ")
            continue
        if said := _line("".join(inline)):
            yield said
        inline = []
        yield from _block(child, tag, depth)
    if said := _line("".join(inline)):
        yield said


def _block(node: Any, tag: str, depth: int) -> Iterator[str]:
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        if said := _line(node.text(deep=True)):
            yield f"{'#' * int(tag[1])} {said}"
    elif tag == "pre":
        code = node.text(deep=True).strip("\n").replace("```", "'''")
        if code.strip():
            yield f"```\n{code}\n```"
    elif tag in ("ul", "ol"):
        items = [_line(" ".join(_blocks(item, depth + 1))) for item in node.iter() if item.tag == "li"]
        if said := "\n".join(f"{'-' if tag == 'ul' else f'{n}.'} {item}" for n, item in enumerate(items, 1) if item):
            yield said
    elif tag == "table":
        yield from _table(node)
    else:
        yield from _blocks(node, depth + 1)


def _table(node: Any) -> Iterator[str]:
    rows = [[_line(cell.text(deep=True)).replace("|", "/") for cell in row.css("td, th")] for row in node.css("tr")]
    rows = [row for row in rows if any(row)]
    if rows:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        yield "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _holds_blocks(node: Any) -> bool:
    return any(each.tag in BLOCKS and each.tag != "br" for each in node.traverse() if each.mem_id != node.mem_id)


def _line(text: str) -> str:
    return " ".join(text.split())
