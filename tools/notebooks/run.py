"""Runs a notebook and prints what its last cell prints; a cell that fails ends it with its error.

python tools/notebooks/run.py NOTEBOOK
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Run the notebook that the command line names, in its folder's place but with this environment."""
    notebook = nbformat.read(Path(sys.argv[1]), as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    *_, last = (cell for cell in notebook.cells if cell.cell_type == "code")
    print("".join(output.get("text", "") for output in last.outputs), end="")


if __name__ == "__main__":
    main()
