"""Executes the notebook of the documentation in place: ``python -m data.notebook``."""

from __future__ import annotations

import nbclient
import nbformat

from data.figures import DOCS
from plate_ocr.files import write_whole

NOTEBOOK = DOCS / "pixels-to-text.ipynb"


def execute_notebook() -> nbformat.NotebookNode:
    """The notebook with the outputs of its cells, without times and versions.

    Raises:
        CellExecutionError: if a cell fails.
    """
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    metadata = dict(notebook.metadata)
    nbclient.NotebookClient(notebook, record_timing=False, resources={"metadata": {"path": DOCS}}).execute()
    notebook.metadata = nbformat.from_dict(metadata)
    for cell in notebook.cells:
        _join_streams(cell.get("outputs", []))
    return notebook


def _join_streams(outputs: list[nbformat.NotebookNode]) -> None:
    """Text that arrived in pieces, as chance had it, is one output."""
    for i in range(len(outputs) - 1, 0, -1):
        before, after = outputs[i - 1], outputs[i]
        if before.output_type == after.output_type == "stream" and before.name == after.name:
            before.text += after.text
            del outputs[i]


def main() -> None:
    """Write the file."""
    write_whole(NOTEBOOK, (nbformat.writes(execute_notebook()) + "\n").encode())


if __name__ == "__main__":
    main()
