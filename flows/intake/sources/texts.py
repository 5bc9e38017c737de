"""Texts of a source that are held against a rule: secrets, addresses, paths below a store."""

from __future__ import annotations

import datetime as dt
import re
from string import Formatter
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict

if TYPE_CHECKING:
    from flows.intake.sources.declared_files import Files

VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
ANY_DAY = dt.date(2017, 11, 21)


class Strict(BaseModel):
    """A part of a source: a word that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _named_not_written(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError("a secret is named, such as ${CRM_PASSWORD}, never written down")
    return value


def _without_password(value: str) -> str:
    if "://" in value:
        try:
            written = sa.make_url(VARIABLE.sub("NAMED", value)).password
        except sa.exc.ArgumentError:
            raise ValueError("this is not an address") from None
        asked = parse_qs(urlsplit(value).query).get("password", [])
        named = ["NAMED", None, ""]
        if written not in named or not all(VARIABLE.fullmatch(each) for each in asked):
            raise ValueError("the password is named, such as ${CRM_PASSWORD}, never written down")
    return value


def _stays_below(path: str) -> str:
    try:
        named = {field for _, field, _, _ in Formatter().parse(path) if field is not None}
        filled = path.format(business_date=ANY_DAY)
    except (ValueError, LookupError, AttributeError):
        raise ValueError("braces are for {business_date} and {business_date:%Y%m%d}") from None
    if not named <= {"business_date"}:
        raise ValueError("only {business_date} can stand in a path")
    if any(part in ("", ".", "..") for part in filled.split("/")) or not filled.isprintable():
        raise ValueError("a path starts below the store's folder and stays there")
    if "**" in filled or set("?[]\\") & set(filled):
        raise ValueError("the only pattern in a path is *, within one folder")
    return path


Secret = Annotated[str, AfterValidator(_named_not_written)]
Address = Annotated[str, AfterValidator(_without_password)]
PathBelow = Annotated[str, AfterValidator(_stays_below)]


def what_a_store_lacks(source: Files, store: str) -> str | None:
    """Say what a store needs that its source does not declare; None when all is there.

    A variable may stand for the whole address: what it needs is known once it is filled in.
    """
    if ".." in store.split("/"):
        return "a store is named without .."
    if store.startswith("sftp://"):
        if not (source.username and source.host_key):
            return "an SFTP store needs username and host_key"
        if (source.password is None) == (source.private_key is None):
            return "an SFTP store needs a password or a private_key, one of the two"
    elif store.startswith("s3://"):
        if (source.access_key is None) != (source.secret_key is None):
            return "access_key and secret_key go together"
        if not (source.endpoint or source.region):
            return "an S3 store needs a region or an endpoint"
    elif not store.startswith(("/", "{deliveries}", "${")):
        return "a store is {deliveries}, a folder from / on, sftp:// or s3://"
    if "://" in store and {"@", "?", "#"} & set(VARIABLE.sub("", store)):
        return "a store's address is host and folder only: the user stands in username"
    return None
