"""A request on paper, set by Typst: the same questions as on the form, in the same order.

What people typed goes in as JSON and is never read as markup, so nothing in it can be an
instruction to the typesetter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flows.desk.filled import filled_in
from flows.settings import PROJECT

TEMPLATE = PROJECT / "docs" / "pages" / "request.typ"


def pdf_of(content: Mapping[str, Any] | None) -> bytes:
    """Return a request as a PDF, or the empty form when there is none. A4, tagged."""
    import typst

    told = json.dumps(filled_in(content), default=str)
    made = typst.compile(TEMPLATE, format="pdf", sys_inputs={"told": told})
    assert isinstance(made, bytes)
    return made
