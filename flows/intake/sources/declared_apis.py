"""What `sources/` may say of an API: who we are to it, and how it hands out its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from flows.intake.sources.texts import Address, Secret, Strict

WORD = re.compile(r"(?<!\$)\{([a-z_]+)\}")
Header = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class Bearer(Strict):
    """`Authorization: Bearer <token>`."""

    kind: Literal["bearer"]
    token: Secret = Field(description="the variable that holds it, such as ${CRM_TOKEN}")


class Key(Strict):
    """A key in a header, or in the query where there is no header for it."""

    kind: Literal["key"]
    key: Secret = Field(description="the variable that holds it, such as ${CRM_KEY}")
    header: Header | None = Field(None, description="the header it goes into, such as X-Api-Key")
    parameter: str | None = Field(None, description="or the parameter, such as api_key")

    @model_validator(mode="after")
    def _one_of_both(self) -> Key:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("name a header or a parameter, one of the two")
        return self


class Paging(Strict):
    """How an API hands out its pages.

    `page`: a number in `parameter`, from `first` on, until a page has no more rows; `cursor`: the
    answer's `next` goes into `parameter`; `link`: the answer's `Link` header, or its `next`, is
    the next address; `none`: one answer holds all there is.
    """

    kind: Literal["none", "page", "cursor", "link"] = "none"
    parameter: str = Field("page", description="what the number or the cursor is asked with")
    first: int = Field(1, ge=0, description="the number of the first page")
    next: str | None = Field(None, description="where an answer says what comes next: meta.next")
    size_parameter: str | None = Field(None, description="what the rows of a page are asked with")
    size: int = Field(500, ge=1, description="rows of a page; needs size_parameter")
    max_pages: int = Field(100_000, ge=1, description="more than these are taken for a mistake")

    @model_validator(mode="after")
    def _whole(self) -> Paging:
        said = self.model_fields_set
        if self.kind == "cursor" and not (self.next and "parameter" in said):
            raise ValueError("a cursor needs next, where it is, and parameter, where it goes")
        if self.next and self.kind not in ("cursor", "link"):
            raise ValueError("next is for a cursor or a link")
        if "size" in said and self.size_parameter is None:
            raise ValueError("size needs size_parameter, by which it is asked for")
        return self


class ApiTable(Strict):
    """One table of an API.

    In the values of `path` and `parameters` stand `{business_date}`, `{until}` (the day after it)
    and, in parameters, `{since}` (the first day asked for; left out when all is asked for).
    """

    path: str = Field(description="below the url, such as /v1/customers")
    parameters: Mapping[str, str] = Field({}, description="of the query, such as changed_since")
    records: str | None = Field(None, description="where the rows are, such as data.items")
    total: str | None = Field(None, description="where an answer says how many rows there are")
    paging: Paging = Paging()

    @model_validator(mode="after")
    def _known_words(self) -> ApiTable:
        for text in (self.path, *self.parameters.values()):
            known = {"business_date", "until"} | (set() if text is self.path else {"since"})
            if unknown := set(WORD.findall(text)) - known:
                raise ValueError(f"{min(unknown)} is not among {', '.join(sorted(known))}")
        return self


class Api(Strict):
    """JSON over HTTP, asked with GET only."""

    kind: Literal["api"]
    description: str
    url: Address = Field(description="what all paths stand below; no query")
    auth: Annotated[Bearer | Key, Field(discriminator="kind")] | None = None
    retries: int = Field(5, ge=0, description="how often a page is asked for again")
    backoff_seconds: float = Field(1, ge=0, description="the wait before that, doubled each time")
    patience_seconds: float = Field(600, gt=0, description="all waits for one page, Retry-After's")
    timeout_seconds: float = Field(60, gt=0, description="without a sign of life")
    page_timeout_seconds: float = Field(600, gt=0, description="until a page is whole")
    max_page_megabytes: float = Field(256, gt=0, description="of one page, unpacked")
    tables: dict[str, ApiTable]
