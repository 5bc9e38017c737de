"""What a database says when it does not give its rows, as errors of ours.

Of the database's own words only the code is kept: its message may quote a row, or the URL.
"""

from __future__ import annotations

from flows.errors import (
    AccessRefused,
    ColumnsDiffer,
    ContractWrong,
    DeliveryRefused,
    FileBroken,
    SourceUnreachable,
    TableMissing,
)
from flows.intake.sources.request import Request

# Classes of SQLSTATE: no connection, out of resources, stopped by an operator or a timeout,
# rolled back, something is locked.
_GONE = ("08", "53", "57", "58", "40", "55")
_MISSING = ("42P01", "42S02", "3D000", "3F000", "02000")
_REFUSED = ("28", "42501")


def by_sqlstate(request: Request, state: str | None) -> DeliveryRefused:
    """Return the error of a SQLSTATE; none at all means that the connection is gone."""
    if state is None or state.startswith(_GONE):
        return unreachable(request, state)
    if state in _MISSING:
        return missing(request, state)
    if state.startswith(_REFUSED):
        return refused(request, state)
    return failed(request, state)


def unreachable(request: Request, code: object = None) -> SourceUnreachable:
    """The server does not answer, went away half-way, or took longer than it may."""
    return SourceUnreachable(
        f"{request.table} for {request.day}: the database of {request.source} does not answer, or "
        f"stopped half-way{_coded(code)}; nothing was taken. Ask {request.owner} whether it is up, "
        f"{request.again}"
    )


def refused(request: Request, code: object = None) -> AccessRefused:
    """The server knows who we are, or does not, and gives nothing."""
    return AccessRefused(
        f"{request.table} for {request.day}: the database of {request.source} does not let us "
        f"read{_coded(code)}. Ask {request.owner} whether user, password and rights still hold, "
        f"{request.again}"
    )


def missing(request: Request, code: object = None) -> TableMissing:
    """No such database, schema or table."""
    return TableMissing(
        f"{request.table} for {request.day} is not here: {request.source} has no such database, "
        f"schema or table as sources/{request.source}.yml names{_coded(code)}. Ask {request.owner} "
        f"whether it was moved or renamed, {request.again}"
    )


def failed(request: Request, code: object = None) -> FileBroken:
    """The server answers, and cannot do what the query asks, or not with these rows."""
    return FileBroken(
        f"{request.table} for {request.day}: the database of {request.source} cannot run its "
        f"query{_coded(code)}. Ask {request.owner} what changed there, or mend "
        f"sources/{request.source}.yml, {request.again}"
    )


def not_text(request: Request) -> FileBroken:
    """A text is not of the encoding that the database says."""
    return FileBroken(
        f"{request.table} for {request.day}: a text in {request.source} is not UTF-8. "
        f"Ask {request.owner} to mend it, {request.again}"
    )


def no_such_column(request: Request, name: str) -> ColumnsDiffer:
    """The column that says when a row changed is not there."""
    return ColumnsDiffer(
        f"{request.table} for {request.day}: {request.source} lacks the column {name}, which says "
        f"when a row changed. Ask {request.owner} whether it was renamed, or mend "
        f"sources/{request.source}.yml, {request.again}"
    )


def no_time(request: Request, name: str) -> ContractWrong:
    """The column that says when a row changed holds something else than times."""
    return ContractWrong(
        f"sources/{request.source}.yml: tables.{request.table}.changed_since: {name} holds neither "
        f"dates, times nor their text. Name another column, or write a query that makes one; "
        f"{request.again}"
    )


def _coded(code: object) -> str:
    return "" if code is None else f" ({code})"
