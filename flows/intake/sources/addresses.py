"""The URL of a database, with what the environment names in its place."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from flows.errors import SettingsWrong
from flows.intake.sources import refusals
from flows.intake.sources.declared import Database, resolve
from flows.intake.sources.request import Request


def address_of(source: Database, request: Request) -> sa.URL:
    """Return where the database is, who we are there included: never to be printed.

    Raises:
        SettingsWrong: when a variable is missing, or what comes out is no URL.
    """
    scheme, colon, rest = source.url.partition("://")
    who, at, where = rest.rpartition("@")
    if "/" in who:
        who, at, where = "", "", rest
    text = _resolved(scheme, request) + colon + _quoted(who, request) + at
    try:
        return sa.make_url(text + _resolved(where, request))
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsWrong(
            f"The url of sources/{request.source}.yml is none that SQLAlchemy can read: mend it, "
            f"or the variables it names, {request.again}"
        ) from None


def file_of(source: Database, request: Request) -> Path:
    """Return the file of an embedded database.

    Raises:
        TableMissing: when there is no such file.
    """
    path = Path(address_of(source, request).database or "")
    if not path.is_file():
        raise refusals.missing(request)
    return path


def _resolved(text: str, request: Request) -> str:
    return resolve(text, request.instance, request.source)


def _quoted(who: str, request: Request) -> str:
    # A password may have an @ or a / in it, and a URL may not.
    parts = [_resolved(part, request) for part in who.split(":", 1)]
    named = [
        quote(part, safe="") if "${" in written else part
        for part, written in zip(parts, who.split(":", 1), strict=True)
    ]
    return ":".join(named)
