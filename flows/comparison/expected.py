"""What the change requests of a release declare: which attributes may change, and for how many.

Read from `docs/requests/*.yml`: `expects`, and by whom and what for. What else a request says is
not read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.comparison.result import Frozen
from flows.errors import RequestWrong

Share = Annotated[float, Field(ge=0, le=1)]


class ExpectedAttribute(Frozen):
    """An attribute of the view that is to change, and for which share of the customers."""

    share_at_most: Share = Field(title="Share of customers, at most")
    share_at_least: Share = Field(0.0, title="at least")
    why: str = Field(min_length=1, title="Why")

    @model_validator(mode="after")
    def _in_order(self) -> ExpectedAttribute:
        if self.share_at_least > self.share_at_most:
            raise ValueError("share_at_least is more than share_at_most")
        return self


class ExpectedCampaign(Frozen):
    """A campaign whose audience is to move; shares of its audience in the build before."""

    joined_at_most: Share = Field(0.0, title="Join, at most")
    left_at_most: Share = Field(0.0, title="Leave, at most")


class ExpectedCustomers(Frozen):
    """Customers who are to leave the view, or to come into it; shares of those before."""

    gone_at_most: Share = Field(0.0, title="Leave the view, at most")
    new_at_most: Share = Field(0.0, title="Come into it, at most")


class ExpectedColumns(Frozen):
    """Columns that come, go, or get another type or place.

    A plain name is a column of the view, `schema.relation.column` one of another relation.
    """

    new: tuple[str, ...] = Field((), title="New columns")
    removed: tuple[str, ...] = Field((), title="Columns that go")
    retyped: tuple[str, ...] = Field((), title="Columns of another type")
    moved: tuple[str, ...] = Field((), title="Columns in another place")


class Expected(Frozen):
    """All that a release declares to change. `relations` are other public tables, whole."""

    attributes: Mapping[str, ExpectedAttribute] = Field(
        default_factory=dict, title="Attributes that change", description="shares from 0 to 1"
    )
    campaigns: Mapping[str, ExpectedCampaign] = Field(
        default_factory=dict, title="Audiences that move", description="shares of the one before"
    )
    relations: tuple[str, ...] = Field((), title="Other public tables that change, whole")
    columns: ExpectedColumns = Field(ExpectedColumns(), title="Columns of the view")
    customers: ExpectedCustomers = Field(ExpectedCustomers(), title="Customers")


class Request(Frozen):
    """A change request as far as a release needs it: what it is called, who asked, what it does."""

    title: str = ""
    asked_by: str = ""
    expects: Expected = Expected()

    @field_validator("expects", mode="before")
    @classmethod
    def _or_nothing(cls, expects: Any) -> Any:
        return {} if expects is None else expects


def read_requests(folder: Path) -> dict[str, Request]:
    """Return the requests of a folder by file name; none where there is no folder.

    Raises:
        RequestWrong: when a file cannot be read, or `expects` says what is not known.
    """
    return {path.name: _read(path) for path in sorted(folder.glob("*.yml"))}


def released(after: Path, before: Path) -> dict[str, Request]:
    """Return the requests that came between two releases, by file name.

    Args:
        after: the folder of requests in the new release.
        before: the same folder in the release that is live. A request counts when it is not
            there, or expects something else there.

    Raises:
        RequestWrong: when a request of the new release cannot be read.
    """
    old = _as_it_was(before)
    return {
        name: request
        for name, request in read_requests(after).items()
        if name not in old or old[name].expects != request.expects
    }


def merged(requests: Iterable[Expected]) -> Expected:
    """Return what several requests expect together: shares add up, as nobody knows who overlaps."""
    attributes: dict[str, ExpectedAttribute] = {}
    campaigns: dict[str, ExpectedCampaign] = {}
    relations: set[str] = set()
    columns: dict[str, set[str]] = {name: set() for name in ExpectedColumns.model_fields}
    gone = new = 0.0
    for each in requests:
        for name, attribute in each.attributes.items():
            attributes[name] = _both(attributes.get(name), attribute)
        for name, campaign in each.campaigns.items():
            known = campaigns.get(name, ExpectedCampaign())
            campaigns[name] = ExpectedCampaign(
                joined_at_most=_sum(known.joined_at_most, campaign.joined_at_most),
                left_at_most=_sum(known.left_at_most, campaign.left_at_most),
            )
        relations |= set(each.relations)
        for kind, names in columns.items():
            names |= set(getattr(each.columns, kind))
        gone = _sum(gone, each.customers.gone_at_most)
        new = _sum(new, each.customers.new_at_most)
    return Expected(
        attributes=attributes,
        campaigns=campaigns,
        relations=tuple(sorted(relations)),
        columns=ExpectedColumns(**{kind: tuple(sorted(names)) for kind, names in columns.items()}),
        customers=ExpectedCustomers(gone_at_most=gone, new_at_most=new),
    )


def _both(one: ExpectedAttribute | None, other: ExpectedAttribute) -> ExpectedAttribute:
    if one is None:
        return other
    return ExpectedAttribute(
        share_at_most=_sum(one.share_at_most, other.share_at_most),
        share_at_least=max(one.share_at_least, other.share_at_least),
        why=f"{one.why}; {other.why}",
    )


def _sum(one: float, other: float) -> float:
    return min(1.0, round(one + other, 9))


def _as_it_was(folder: Path) -> dict[str, Request]:
    # A request of the former release that is wrong now counts as new: it is declared once more.
    found = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            found[path.name] = _read(path)
        except RequestWrong:
            continue
    return found


def _read(path: Path) -> Request:
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, OSError, UnicodeError) as error:
        raise RequestWrong(f"The request {path} is no YAML: {_first(error)}.") from None
    if not isinstance(document, dict):
        raise RequestWrong(f"The request {path} says nothing: it is a mapping of keys to values.")
    told = {key: document[key] for key in Request.model_fields if key in document}
    try:
        return Request.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RequestWrong(
            f"The request {path} is wrong at {key}: {first['msg']}. "
            "What it may say is in docs/comparison.md."
        ) from None


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
