"""A form as it comes in, piece by piece; what was read is kept when the rest is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from flows.web.guard import TooMuch
from flows.web.office import Refused
from flows.web.typed import tree_of

FIELDS_AT_MOST = 8000  # several hundred columns
TEXT_AT_MOST = 300_000  # characters in all of them
# In bytes: a character has four at most.
AT_MOST: Any = {"max_fields": FIELDS_AT_MOST, "max_part_size": TEXT_AT_MOST * 4}
FILES_AT_ONCE = 5
OURS = (
    *("csrf", "number", "version", "theirs", "action"),
    *("upload_sample_of", "upload_personal_data"),
)


@dataclass
class Incoming:
    """What came: the fields of the request, the files, and what the form says of itself.

    Args:
        own: the token, the version that was read, and the button that was pressed.
        too_much: True when the last file was cut off.
    """

    tree: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    files: list[UploadFile] = field(default_factory=list)
    too_much: bool = False

    @property
    def action(self) -> str:
        """The button that was pressed; a file that was cut off took its button with it."""
        return self.own.get("action", "save")


async def read_form(request: Request, files: int = FILES_AT_ONCE) -> Incoming:
    """Read a form.

    Args:
        request: what comes in.
        files: how many are read.

    Raises:
        Refused: when it is no form, or more than anybody types.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    items: list[tuple[str, str | UploadFile]] = []
    too_much = False
    try:
        if kind == "multipart/form-data":
            items, too_much = await _parts(request, files)
        elif kind == "application/x-www-form-urlencoded":
            form = FormParser(request.headers, request.stream(), **AT_MOST)
            items = (await form.parse()).multi_items()
    except MultiPartException as error:
        if error.message.startswith(("Too many", "Field exceeded", "Part exceeded")):
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG) from None
        raise Refused(HTTPStatus.BAD_REQUEST, "What came is no form: open the page anew.") from None
    except TooMuch:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG) from None
    return _sorted(items, too_much)


TOO_LONG = "That is more text than a request may have. Send long lists as a file."


async def _parts(request: Request, files: int) -> tuple[list[tuple[str, str | UploadFile]], bool]:
    parser = MultiPartParser(request.headers, request.stream(), max_files=files, **AT_MOST)
    try:
        await parser.parse()
    except TooMuch:
        # Files come last in the form: all that was typed is here already.
        return [(name, each) for name, each in parser.items if isinstance(each, str)], True
    return parser.items, False


def _sorted(items: list[tuple[str, str | UploadFile]], too_much: bool) -> Incoming:
    texts = [(name, each) for name, each in items if isinstance(each, str)]
    if len(texts) > FIELDS_AT_MOST or sum(len(text) for _, text in texts) > TEXT_AT_MOST:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG)
    own: dict[str, str] = {}
    for name, text in texts:
        if name in OURS:
            own.setdefault(name, text)
    tree = tree_of((name, text) for name, text in texts if name not in OURS)
    files = [each for _, each in items if isinstance(each, UploadFile) and each.filename]
    return Incoming(tree, own, files, too_much)
