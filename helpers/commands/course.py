"""Write the way through the course into notebooks: ``python -m helpers.commands.course 07 15``.

Each notebook gets two cells of text, below its title and at its end, with links to its neighbours
(``data/course.yaml``). Nothing is executed, and outputs stay as they are. Without a name: all.
"""

import argparse
import sys
from collections.abc import Sequence

import nbformat

from helpers import UserError
from helpers.base.files import write_atomically
from helpers.runs.course import with_links
from helpers.runs.notebooks import all_notebooks, find_notebook


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the links; return the exit code. A UserError is one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.course")
    parser.add_argument("notebooks", nargs="*", help="names or their beginnings; none: all")
    chosen = parser.parse_args(arguments)
    try:
        paths = [find_notebook(name) for name in chosen.notebooks] or all_notebooks()
        for path in paths:
            linked = with_links(nbformat.read(path, as_version=4), path.stem)
            write_atomically(path, nbformat.writes(linked) + "\n")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(paths)} notebooks linked.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
