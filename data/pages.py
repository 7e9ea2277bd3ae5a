"""Pages of the site that are not in ``docs``: a hook of MkDocs, see ``mkdocs.yml``."""

from __future__ import annotations

import base64
import html
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from plate_ocr.app.cli import command_line

ROOT = Path(__file__).parent.parent

NOTEBOOK = ROOT / "docs" / "pixels-to-text.ipynb"

PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "code-of-conduct.md": "CODE_OF_CONDUCT.md",
    "data.md": "data/README.md",
    **{f"models/{name}": f"models/{name}" for name in ("plates.md", "detector.md", "chars.md", "digits.md")},
}
"""Where pages outside ``docs`` stand in the site, and their files."""

FENCE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and what their pictures show."""
    made: dict[str, str | bytes] = {
        page: (ROOT / path).read_text(encoding="utf-8") for page, path in PAGES.items()
    }
    made |= {f"models/{path.name}": path.read_bytes() for path in (ROOT / "models").glob("*.png")}
    made["command-line.md"] = command_line_page()
    made |= notebook_page(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to pages, or where there is none into text."""
    own = page.file.src_uri
    folder = posixpath.dirname(PAGES.get(own, f"docs/{own}"))
    pages = {"docs/pixels-to-text.ipynb": "pixels-to-text.md"} | {path: name for name, path in PAGES.items()}

    def replace(link: re.Match[str]) -> str:
        mark, text, target, anchor = link[1], link[2], link[3], link[4] or ""
        path = posixpath.normpath(posixpath.join(folder, target))
        name = pages.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(name) is None:
            if not (ROOT / path).exists():
                return link[0]  # MkDocs tells where it is
            return text
        return f"{mark}[{text}]({posixpath.relpath(name, posixpath.dirname(own) or '.')}{anchor})"

    parts = FENCE.split(markdown)
    parts[::2] = [LINK.sub(replace, part) for part in parts[::2]]
    return "".join(parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the roles of docstrings, as of ``:class:`~plate_ocr.PlateReader```, into the names alone."""
    return re.sub(r":(?:attr|class|data|func|meth|mod):<code>~?([\w.]+)</code>", r"<code>\1</code>", html)


def command_line_page() -> str:
    """Markdown: each command, its arguments and options, from the commands themselves."""
    group = typer.main.get_command(command_line())
    lines = ["# Command line", "", "What `plate-ocr COMMAND --help` says, of each command."]
    for name, command in _commands(group, "plate-ocr"):
        context = command.make_context(name, [], resilient_parsing=True)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## {name}", "", f"```text\n{name} {usage}\n```", "", command.help or ""]
        lines += ["", "| argument or option | meaning |", "|---|---|"]
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record:
                names, text = (html.escape(part).replace("|", "&#124;") for part in record)
                lines.append(f"| <code>{names}</code> | {text.replace('[', '&#91;')} |")
    return "\n".join(lines) + "\n"


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for part, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {part}")
        else:
            yield f"{name} {part}", command


def notebook_page(notebook: dict[str, Any]) -> dict[str, str | bytes]:
    """A notebook as a page of Markdown, and the pictures that its cells drew."""
    text, pictures = [], dict[str, str | bytes]()
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        text.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                text.append(f"```text\n{''.join(output['text'])}```")
            elif "image/png" in output.get("data", {}):
                name = f"pixels-to-text-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(output["data"]["image/png"])
                text.append(f"![what the cell above draws]({name})")
            else:
                text.append(f"```text\n{''.join(output['data']['text/plain'])}\n```")
    return {"pixels-to-text.md": "\n\n".join(text) + "\n", **pictures}
