"""The YAML beside a model, and the doc blocks: entries put in where they belong, as text.

Read and written whole, a file would lose how a person laid it out.
"""

from __future__ import annotations

import re
from typing import Any

from flows.desk.written import written

ENTRY = "      - name: "
_BLOCK = re.compile(r"^\{% docs (\w+) %\}$", re.MULTILINE)


def with_column(text: str, entry: str, after: str) -> str:
    """Return the YAML of a model with a column more, after another one.

    Raises:
        ValueError: when it has no such column.
    """
    lines = text.splitlines(keepends=True)
    start = lines.index(f"{ENTRY}{after}\n")
    end = start + 1
    while end < len(lines) and lines[end].startswith(" " * 7):
        end += 1
    return "".join([*lines[:end], entry, *lines[end:]])


def columns_of(text: str) -> list[str]:
    """Return the columns that the YAML of a model names."""
    return re.findall(rf"^{ENTRY}(\w+)$", text, re.MULTILINE)


def column(name: str, data_type: str = "", personal: bool = False, says: str = "") -> str:
    """Return the entry of a column, by its doc block unless it says something of its own."""
    lines = [f"{ENTRY}{name}"]
    lines += [f"        data_type: {data_type}"] if data_type else []
    lines += ["        config: {meta: {personal: true}}"] if personal else []
    told = f"\"{{{{ doc('{name}') }}}}\"" if not says else _quoted(says)
    return "\n".join([*lines, f"        description: {told}"]) + "\n"


def with_block(text: str, name: str, says: str) -> str:
    """Return a page of doc blocks with one more, in the order of their names."""
    block = f"{{% docs {name} %}}\n{says.strip()}\n{{% enddocs %}}\n"
    following = next((found for found in _BLOCK.finditer(text) if found.group(1) > name), None)
    if following is None:
        return f"{text.rstrip()}\n\n{block}"
    return f"{text[: following.start()]}{block}\n{text[following.start() :]}"


def indented(content: Any, spaces: int) -> str:
    """Return a value as YAML, moved to the right."""
    lines = written(content).splitlines()
    return "\n".join(f"{' ' * spaces}{line}" if line else "" for line in lines) + "\n"


def _quoted(says: str) -> str:
    return '"' + says.replace("\\", "\\\\").replace('"', '\\"') + '"'
