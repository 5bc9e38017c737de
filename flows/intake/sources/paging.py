"""How the pages of an API follow each other: what is asked first, and what an answer says is next.

Nothing here sends or writes anything, and nothing here knows a secret.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from flows.errors import FileBroken, SettingsWrong
from flows.intake.sources.declared import resolve
from flows.intake.sources.declared_apis import WORD, Api, ApiTable, Key
from flows.intake.sources.request import Request

# httpx's own reading of the header cuts an address at a semicolon, and would go to half of it.
_LINK = re.compile(r"""<([^>]*)>((?:[^,<"]|"[^"]*")*)""")
_IS_NEXT = re.compile(r"""\brel\s*=\s*["']?[^"';,]*\bnext\b""", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """What one whole answer says of itself.

    `next` is the number, cursor or address of the page after it; None: there is none. `digest` is
    the sha256 of its rows, whatever else the answer says; "" when it has none. `total` is how many
    rows the answer says that there are on all pages.
    """

    rows: int
    digest: str
    total: int | None
    next: str | None


@dataclass(frozen=True)
class Question:
    """One table as it is asked for, without key, token or password.

    `address` is the table's, its parameters included; `size` is how many rows a page shall have,
    where the API lets us say so; a `sample` is the first page only; `key_parameter` is cut out of
    the links that an answer gives.
    """

    address: httpx.URL
    table: ApiTable
    day: dt.date
    size: int | None
    sample: bool
    key_parameter: str | None

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of all that decides which rows come, on which page."""
        paging = self.table.paging.model_dump_json()
        where = [self.table.records, self.table.total]
        asked = [str(self.address), paging, *where, str(self.day), self.sample]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def url(self, following: Page | None) -> httpx.URL:
        """Return the address of the first page, or of the one after another.

        Raises:
            FileBroken: when what the page says is next cannot be put into an address.
        """
        paging = self.table.paging
        if following is None:
            first = {paging.parameter: str(paging.first)} if paging.kind == "page" else {}
            return self.address.copy_merge_params(first) if first else self.address
        try:
            if paging.kind == "link":
                return httpx.URL(following.next or "")
            return self.address.copy_merge_params({paging.parameter: following.next})
        except (httpx.InvalidURL, UnicodeError):
            raise FileBroken("names a next page that is no address.") from None


def pose(source: Api, request: Request) -> Question:
    """Return what is asked of an API for a request.

    Raises:
        SettingsWrong: when a variable is not set, or the address is not one of HTTP.
    """
    table = source.tables[request.table]
    base = resolve(source.url, request.instance, request.source).rstrip("/")
    path = resolve(_fill(table.path, request), request.instance, request.source)
    try:
        address = httpx.URL(f"{base}/{path.lstrip('/')}").copy_with(userinfo=b"", fragment=None)
        usable = address.scheme in ("http", "https") and address.host and not {"?", "#"} & set(base)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise SettingsWrong(
            f"The url of the source {request.source} is not one of an API: it must begin with "
            "https:// (or http://), name a host, and have no query. Mend it, then run again."
        )
    asked = {
        name: resolve(_fill(value, request), request.instance, request.source)
        for name, value in table.parameters.items()
        if request.earliest is not None or "since" not in WORD.findall(value)
    }
    size = None
    if table.paging.size_parameter:
        size = min(table.paging.size, request.limit or table.paging.size)
        asked[table.paging.size_parameter] = str(size)
    address = address.copy_merge_params(asked) if asked else address
    key = source.auth.parameter if isinstance(source.auth, Key) else None
    return Question(address, table, request.day, size, request.limit is not None, key)


def read_page(question: Question, response: httpx.Response, before: Sequence[Page]) -> Page:
    """Return what an answer says of itself; `before` are the pages before it.

    Raises:
        FileBroken: when it is not JSON, or has no rows where they should be.
    """
    document = _parse(response)
    rows = _rows(document, question.table.records)
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest() if rows else ""
    total = _total(document, question.table.total)
    following = None
    if not question.sample:
        following = _next(question, document, response, len(rows), before)
    return Page(len(rows), digest, total, following)


def _fill(text: str, request: Request) -> str:
    words = {
        "business_date": request.day.isoformat(),
        "until": (request.day + dt.timedelta(days=1)).isoformat(),
        "since": request.earliest.isoformat() if request.earliest else "",
    }
    return WORD.sub(lambda found: words[found.group(1)], text)


def _parse(response: httpx.Response) -> Any:
    try:
        # A byte order mark is tolerated, another encoding is not: so reads DuckDB.
        return json.loads(response.content.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        kind = response.headers.get("content-type", "").startswith("text/html")
        said = "an HTML page" if kind else "something"
        raise FileBroken(f"answered {response.status_code} with {said} that is not JSON.") from None


def _refuse(constant: str) -> None:
    # Python would take NaN and Infinity, which no other reader of JSON does.
    raise ValueError(constant)


def _dig(document: Any, path: str) -> Any:
    # A key may hold dots itself, such as @odata.nextLink: the whole of it is looked for first.
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    head, _, rest = path.partition(".")
    return _dig(document.get(head), rest) if rest else None


def _rows(document: Any, records: str | None) -> list[Any]:
    rows = document if records is None else _dig(document, records)
    where = "as the whole of it" if records is None else f"at {records}"
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FileBroken(f"answered JSON that has no list of objects {where}.")
    return rows


def _total(document: Any, path: str | None) -> int | None:
    total = None if path is None else _dig(document, path)
    if isinstance(total, str) and re.fullmatch(r"[0-9]{1,18}", total):
        return int(total)
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _next(
    question: Question, document: Any, response: httpx.Response, rows: int, before: Sequence[Page]
) -> str | None:
    paging = question.table.paging
    if paging.kind == "page":
        # A server may give fewer rows a page than it was asked for: the first page tells.
        full = min(question.size or 1, before[0].rows if before else 1)
        return str(paging.first + len(before) + 1) if rows >= full else None
    if paging.kind == "none":
        return None
    if paging.kind == "link" and paging.next is None:
        told: Any = _linked(response)
    else:
        told = _dig(document, paging.next or "")
    if told is None or told is False or told == "":
        return None
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise FileBroken(f"has something at {paging.next} that is no cursor and no address.")
    return _absolute(question, str(told), response) if paging.kind == "link" else str(told)


def _linked(response: httpx.Response) -> str | None:
    header = response.headers.get("link", "")
    for address, said in _LINK.findall(header):
        if _IS_NEXT.search(said):
            return str(address)
    if _IS_NEXT.search(header):
        raise FileBroken("has a Link header whose next page cannot be read.")
    return None


def _absolute(question: Question, link: str, response: httpx.Response) -> str:
    try:
        url = response.url.join(link).copy_with(fragment=None)
    except (httpx.InvalidURL, UnicodeError):
        raise FileBroken("names a next page that is no address.") from None
    key = question.key_parameter
    return str(url.copy_remove_param(key) if key and key in url.params else url)
