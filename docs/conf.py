"""The documentation site: Sphinx over the CommonMark pages of this folder."""

import re
from pathlib import Path
from typing import Any

project = "Kith"
author = "The Kith contributors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "requirements.txt", "constraints.txt"]

# Headings get GitHub's anchors, so that links work on the site and in the repository.
myst_heading_anchors = 4
nitpicky = True
# Pygments' Cypher lexer does not know parameters and arithmetic; a test runs every query against a real Neo4j instead.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "Kith"
html_copy_source = False
html_show_sphinx = False

DOCS = Path(__file__).parent.resolve()
LINK = re.compile(r"\]\((\.\./[^)#\s]+)\)")
FOLDERS = ("guides", "connectors", "destinations", "access", "reference", "operations", "internals", "decisions")


def _navigation(folder: str) -> str:
    """The table of contents of one folder; its pages in the order of their names, or as `order` lists them."""
    order = {
        "guides": [
            "sending-data", "sources-and-claims", "from-spreadsheets", "looking-up-customers", "search", "families",
            "match-rules", "overrides-and-undo", "changing-rules", "revoking-a-source", "segments", "analysis",
            "consent", "subscriptions", "clients", "federation", "graph-in-neo4j",
        ],
        "access": [
            "index", "storefront", "till", "desk", "partner", "marketer", "steward", "privacy-officer", "services",
            "administrator", "masked-values", "budgets", "threat-model",
        ],
        "operations": [
            "deployment", "keys", "audit", "monitoring", "backfill", "backup", "verify", "upgrade", "incidents",
            "sizing", "performance", "limits",
        ],
        "internals": [
            "architecture", "resolution-rule", "incremental-resolution", "reach", "stores", "adding-a-field",
            "compiled-execution", "scheduling",
        ],
    }.get(folder, [])  # fmt: skip
    pages = sorted(path.stem for path in (DOCS / folder).glob("*.md"))
    pages.sort(key=lambda page: order.index(page) if page in order else len(order))
    lines = "\n".join(f"{folder}/{page}" for page in pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {folder.capitalize()}\n\n{lines}\n```\n"


def _add_navigation(_: Any, page: str, source: list[str]) -> None:
    """Add the site's navigation to the index page, which stays plain Markdown in the repository."""
    if page == root_doc:
        start = "\n```{toctree}\n:hidden:\n\ngetting-started\nconcepts\n```\n"
        source[0] += start + "".join(_navigation(folder) for folder in FOLDERS)


def _link_files(_: Any, page: str, source: list[str]) -> None:
    """Turn links to files of the repository beside this folder into downloads; the build fails if one is missing."""
    folder = (DOCS / page).parent

    def link(match: re.Match[str]) -> str:
        outside = DOCS not in (folder / match[1]).resolve().parents
        return f"](path:{match[1]})" if outside else match[0]

    source[0] = LINK.sub(link, source[0])


def setup(app: Any) -> dict[str, bool]:
    """Register what happens to a page before it is parsed."""
    app.connect("source-read", _add_navigation)
    app.connect("source-read", _link_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
