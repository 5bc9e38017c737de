"""Cells of a workbook that hold an error, such as #DIV/0!: calamine gives them as empty.

An error is a value that the client could not work out, and not the absence of one.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree  # expat refuses a text whose entities grow

_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"


def errors_in(book: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Return the errors of a sheet by row and column, both from 0.

    Raises:
        BadZipFile, KeyError, ParseError: when the file is no workbook, or has no such sheet.
    """
    with zipfile.ZipFile(book) as packed:
        content = packed.read(_path_of(packed, sheet))
    # Nearly every sheet has none: then it is not parsed.
    return _errors(content) if re.search(rb"""\st=["']e["']""", content) else {}


def _path_of(packed: zipfile.ZipFile, sheet: str) -> str:
    named = {}
    for element in _parsed(packed, _BOOK).iter():
        if _tag(element) == "sheet":
            relation = [value for key, value in element.items() if key.endswith("}id")]
            named[element.get("name")] = relation[0]
    targets = {
        element.get("Id"): element.get("Target", "") for element in _parsed(packed, _RELATIONS)
    }
    return posixpath.normpath(posixpath.join("/xl", targets[named[sheet]])).lstrip("/")


def _parsed(packed: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(packed.read(name))  # noqa: S314


def _errors(content: bytes) -> dict[tuple[int, int], str]:
    found = {}
    row, column = -1, -1
    told = ElementTree.iterparse(io.BytesIO(content), ("start", "end"))  # noqa: S314
    for event, element in told:
        match event, _tag(element):
            case "start", "row":
                row, column = int(element.get("r", row + 2)) - 1, -1
            case "start", "c":
                column = _column(element.get("r"), column + 1)
            case "end", "c":
                if element.get("t") == "e":
                    value = next((e.text for e in element if _tag(e) == "v"), None)
                    found[row, column] = value or "#ERROR"
                element.clear()
    return found


def _column(reference: str | None, following: int) -> int:
    # A cell that does not say where it stands follows the one before it.
    letters = (reference or "").rstrip("0123456789")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1 if letters else following


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
