"""The style sheet and the script: files of ours, so that no page has any of its own."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from starlette.responses import Response

from flows.desk.request import KINDS as REQUEST_KINDS
from flows.templates import TEMPLATES

TYPES = {"desk.css": "text/css; charset=utf-8", "desk.js": "text/javascript; charset=utf-8"}
KINDS: dict[str, Any] = {
    "content": {"text/css": {"schema": {"type": "string"}}, "text/javascript": {}}
}
# A kind's own fields stand open when it is ticked; a browser that cannot tell shows them all.
CLOSED = """
@supports selector(:has(*)) {{
  form:not(:has(#q-kinds-{kind}:checked)) #part-{kind},
  form:not(:has(#q-kinds-{kind}:checked)) .way [href="#part-{kind}"] {{ display: none; }}
}}
"""


def answer(name: str) -> Response:
    """Return one of the files."""
    text, digest = _read(name)
    headers = {"cache-control": "public, max-age=3600", "etag": f'"{digest}"'}
    return Response(text, media_type=TYPES[name], headers=headers)


def address(name: str) -> str:
    """Return where one of the files is, in the version that it has."""
    return f"/static/{name}?v={_read(name)[1]}"


@cache
def _read(name: str) -> tuple[str, str]:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        text += "".join(CLOSED.format(kind=kind) for kind in REQUEST_KINDS)
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]
