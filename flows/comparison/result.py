"""What differs between two builds, as data: every number is a count of rows, or a share 0 to 1.

The same two builds give the same JSON, byte for byte, so a person can approve it by its hash.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from pydantic import BaseModel, ConfigDict

from flows.distributions import Distribution

VIEW = "marts.single_customer_view"
HIDDEN = "known, not shown"


class Frozen(BaseModel):
    """A record that is read and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Compared(Frozen):
    """One of the two builds. `contents` is a hash over the fingerprints of its public tables."""

    build_id: str
    business_date: dt.date
    code_version: str
    base_build_id: str | None
    contents: str


class Column(Frozen):
    """A column that is there in one build only."""

    name: str
    data_type: str


class Retyped(Frozen):
    """A column whose type is another one."""

    name: str
    before: str
    after: str


class Schema(Frozen):
    """How the columns of a relation differ; `moved` are those that stand in another order."""

    added: tuple[Column, ...] = ()
    removed: tuple[Column, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    moved: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """True where anything does."""
        return bool(self.added or self.removed or self.retyped or self.moved)


class Example(Frozen):
    """One customer with the value of an attribute in both builds, as text; null is not known."""

    customer_id: int
    before: str | None
    after: str | None


class AttributeChange(Frozen):
    """A column whose values differ.

    Args:
        changed: rows of both builds in which it differs; `share` of all rows of both.
        lost: those that were filled and are null; `gained`: those that were null and are filled.
        examples: a few of them; of a personal column only whether it is known.
        distribution: its buckets after, with those of before beside; of the view only.
    """

    name: str
    data_type: str
    is_personal: bool
    changed: int
    share: float
    lost: int
    gained: int
    examples: tuple[Example, ...] = ()
    distribution: Distribution | None = None


class RelationChange(Frozen):
    """A public table or view in the two builds.

    Args:
        is_read: False where it cannot differ, so that nobody looked at its rows.
        key: what its rows were joined by; empty where only equal rows were counted.
        rows_before: None where nobody counted.
        only_before: rows that are there before only; of a relation without a key, surplus rows.
        gone: a few customers of them; `new`: a few of those after only. Of the view only.
    """

    relation: str
    is_read: bool
    key: tuple[str, ...] = ()
    rows_before: int | None = None
    rows_after: int | None = None
    only_before: int = 0
    only_after: int = 0
    gone: tuple[int, ...] = ()
    new: tuple[int, ...] = ()
    columns: Schema = Schema()
    attributes: tuple[AttributeChange, ...] = ()

    @property
    def differs(self) -> bool:
        """True where the two builds do not hold the same."""
        return bool(self.only_before or self.only_after or self.attributes or self.columns.differs)


class AudienceChange(Frozen):
    """Who is chosen for a campaign due; `control` counts who is held back from it."""

    campaign_id: str
    channel: str
    before: int
    after: int
    joined: int
    left: int
    control_before: int
    control_after: int
    control_joined: int
    control_left: int
    joined_examples: tuple[int, ...] = ()
    left_examples: tuple[int, ...] = ()

    @property
    def stayed(self) -> int:
        """Customers who are chosen in both builds."""
        return self.before - self.left

    @property
    def differs(self) -> bool:
        """True where anybody is chosen or held back in one build only."""
        return bool(self.joined or self.left or self.control_joined or self.control_left)


class ReachabilityChange(Frozen):
    """Who may be written to on a channel.

    Args:
        without_consent: those of `turned_on` to whom the consents of the build before do not say
            yes, for the channel and for marketing as a whole.
    """

    channel: str
    before: int
    after: int
    turned_on: int
    turned_off: int
    without_consent: int
    without_consent_examples: tuple[int, ...] = ()


class Comparison(Frozen):
    """Everything that differs between two builds. Relations are ordered by name."""

    before: Compared
    after: Compared
    relations: tuple[RelationChange, ...]
    audiences: tuple[AudienceChange, ...]
    reachability: tuple[ReachabilityChange, ...]

    @property
    def view(self) -> RelationChange:
        """The single customer view."""
        return next(each for each in self.relations if each.relation == VIEW)

    @property
    def changed(self) -> tuple[RelationChange, ...]:
        """The relations that differ."""
        return tuple(each for each in self.relations if each.differs)

    @property
    def differs(self) -> bool:
        """True where a reader of a public relation could tell the two builds apart."""
        return bool(self.changed)

    @property
    def customers(self) -> int:
        """Customers of the view in both builds: what shares are taken of."""
        return (self.view.rows_before or 0) - self.view.only_before

    @property
    def digest(self) -> str:
        """The sha256 of everything here: by it a person says which report was approved."""
        told = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(told.encode()).hexdigest()
