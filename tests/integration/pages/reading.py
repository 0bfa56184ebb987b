"""Reads a page as strictly as no browser does: what is written by mistake fails here."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SILENT = {"script", "style", "title", "desc"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """What stands on a page."""

    title: str = ""
    text: str = ""
    """All that is read aloud or seen, one line per cell, item and paragraph."""
    headings: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    """Address and text."""
    forms: list[Form] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    """What pictures say to those who do not see them."""
    titles: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def row(self, first: str) -> list[str]:
        """Return the cells of the one row with a cell that begins so."""
        (found,) = [row for row in self.rows if any(cell.startswith(first) for cell in row)]
        return found

    def link(self, text: str) -> str:
        """Return where the one link of this text leads."""
        (found,) = {address for address, said in self.links if said == text}
        return found

    def with_class(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of the elements of a class."""
        return [attributes for _, attributes in self.elements if name in attributes.get("class", "").split()]


def read(text: str) -> Page:
    """Return what *text* says, which has to be well-formed and to hold nothing that the policy forbids."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [], f"never closed: {reader.open}"
    page = reader.page
    page.text = re.sub(r"[ \t]+", " ", "".join(reader.said))
    _check(page)
    return page


def _check(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), f"twice: {[each for each in ids if ids.count(each) > 1]}"
    for tag, attributes in page.elements:
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert not attributes.get("href", "").startswith(("http:", "https:", "//", "javascript:")), attributes
        assert tag != "style"
        assert tag != "script" or "src" in attributes
    assert [tag for tag, _ in page.headings].count("h1") == 1, page.headings
    labelled = {name for _, attributes in page.elements for name in attributes.get("aria-labelledby", "").split()}
    assert labelled <= set(ids)
    assert {"main", "header", "nav", "footer"} <= {tag for tag, _ in page.elements}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page, self.open, self.said = Page(), [], list[str]()
        self._parts: list[tuple[str, dict[str, str], list[str]]] = []

    open: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.page.elements.append((tag, attributes))
        if "aria-label" in attributes and tag == "svg":
            self.page.labels.append(attributes["aria-label"])
        if tag == "form":
            self.page.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        if tag in {"input", "select", "textarea"} and "name" in attributes:
            self.page.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        if tag == "tr":
            self.page.rows.append([])
        if tag in {"p", "li", "tr", "h1", "h2", "dt", "section", "div"}:
            self.said.append("\n")
        if tag not in VOID:
            self.open.append(tag)
            self._parts.append((tag, attributes, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID, f"</{tag}>"
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}, line {self.getpos()[0]}"
        self.open.pop()
        tag, attributes, parts = self._parts.pop()
        said = " ".join("".join(parts).split())
        if tag in {"td", "th"}:
            self.page.rows[-1].append(said)
        if tag == "a":
            self.page.links.append((attributes.get("href", ""), said))
        if tag in {"h1", "h2", "h3"}:
            self.page.headings.append((tag, said))
        if tag == "title":
            (self.page.titles.append if "svg" in self.open else self._title)(said)

    def handle_data(self, data: str) -> None:
        for _, _, parts in self._parts:
            parts.append(data if not (SILENT & set(self.open[-1:])) or self._parts[-1][2] is parts else "")
        if not SILENT & set(self.open):
            self.said.append(data)

    def _title(self, said: str) -> None:
        self.page.title = said
