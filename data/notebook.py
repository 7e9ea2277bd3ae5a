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
    return notebook


def main() -> None:
    """Write the file."""
    write_whole(NOTEBOOK, (nbformat.writes(execute_notebook()) + "\n").encode())


if __name__ == "__main__":
    main()
