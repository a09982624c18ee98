"""Puts results into docs/performance.md: blocks between markers, and the pictures beside it. all.sh ends with it.

python -m tests.bench.publish DIR          DIR has runc/ and crun/, each with bench.sh's results
"""

import re
import shutil
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
BLOCKS = {"runc": "runc/table.txt", "crun": "crun/table.txt", "waterfall": "runc/waterfall.txt"}
PICTURES = {"performance.svg": "runc/plot.svg", "performance-waterfall.svg": "runc/waterfall.svg"}


def main(directory: Path) -> None:
    """Replace every block and picture."""
    replace(PAGE, {name: shown((directory / file).read_text()) for name, file in BLOCKS.items()})
    for name, file in PICTURES.items():
        shutil.copyfile(directory / file, PAGE.parent / name)


def shown(text: str) -> str:
    """A table.txt as Markdown: what was measured becomes a list, each item a line of the page."""
    lines = text.splitlines()
    return "\n".join(f"- {line}" if line and not line.startswith("|") else line for line in lines) + "\n"


def replace(page: Path, blocks: dict[str, str]) -> None:
    """Write the blocks' new content. Raises ValueError for a block that the page does not have."""
    text = page.read_text()
    for name, content in blocks.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->\n)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{page} has no block {name}")
        text = pattern.sub(lambda found, content=content: found[1] + content + found[2], text)
    page.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
