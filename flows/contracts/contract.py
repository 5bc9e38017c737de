"""What the client promised for one table: what one row is, its suite, and its policy.

The same YAML of `expectations/` is a dbt source. Here is what its `config.meta` may say: where the
table comes from, the Great Expectations suite in GX's own words, what is done when the columns are
others, and what is done when the table does not come as agreed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Policy = Literal["hold_all", "hold_dependent", "use_last_good", "proceed_empty", "notify_only"]
Load = Literal["delta", "full", "snapshot"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Severity = Literal["critical", "warning", "info"]

TIME = r"^([01]\d|2[0-3]):[0-5]\d$"
TYPES = ("bigint", "integer", "varchar", "date", "timestamp", "boolean", "decimal")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Strict):
    """One Great Expectations expectation, by its own name."""

    type: str
    kwargs: dict[str, Any] = {}
    severity: Severity
    notes: str = ""


class Column(_Strict):
    """One column that the client sends."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data_type: str
    description: str = Field(min_length=3)
    may_begin_like_a_formula: bool = False
    suite: tuple[Expectation, ...] = ()

    @field_validator("data_type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.split("(")[0] not in TYPES:
            raise ValueError(f"'{value}' is none of {', '.join(TYPES)}")
        return value


class Through(_Strict):
    """A column of a table without customers, and the table that says whose each value is."""

    column: str
    table: str


class Contract(_Strict):
    """What was agreed for one raw table. Times are in the client's time zone."""

    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    owner: str = Field(min_length=1)
    source: str
    grain: str
    customer_column: str | None = None  # whose a row is, by the client's number
    customer_through: Through | None = None  # or by an account, and where its holder stands
    load: Load
    row_date: str | None = None
    late_rows_days: int = Field(0, ge=0)
    repeated_rows: Literal["keep", "set_aside"] = "keep"
    # when it comes
    deliveries: Literal["daily", "weekdays", "weekly", "calendar"]
    delivery_weekday: Weekday | None = None
    may_be_empty: Literal["never", "calendar", "always"] = "never"
    ready_by: str = Field(pattern=TIME)
    wait_until: str = Field(pattern=TIME)
    late_arrival: Literal["rebuild", "tomorrow"] = "rebuild"
    # what is done when it does not come as agreed
    if_missing: Policy
    if_invalid: Policy | None = None
    if_empty: Policy | None = None
    if_out_of_band: Policy | None = None
    then: Literal["hold_all", "hold_dependent"] = "hold_all"
    stale_limit_days: int = Field(ge=0)
    is_consent: bool = False
    # what is still as agreed
    max_quarantined_share: float = Field(0.01, ge=0, le=1)
    max_deleted_share: float = Field(0.05, ge=0, le=1)
    row_band_low: float | None = Field(None, ge=0, lt=1)
    row_band_high: float | None = Field(None, gt=1)
    row_band_weeks: int = Field(8, ge=1)
    on_new_column: Literal["hold", "fail"] = "fail"
    on_missing_column: Literal["null", "fail"] = "fail"
    on_reordered_columns: Literal["note", "fail"] = "note"
    on_retyped_column: Literal["cast", "fail"] = "cast"
    # who decided
    because: str = Field(min_length=1)
    decided_by: str = Field(min_length=1)
    decided_on: dt.date
    review_by: dt.date
    suite: tuple[Expectation, ...] = ()
    columns: tuple[Column, ...]
    sha256: str

    @model_validator(mode="after")
    def _names_are_columns(self) -> Contract:
        named = [self.row_date, self.customer_column, *self.key_columns]
        named += [self.customer_through.column] if self.customer_through else []
        unknown = [name for name in named if name is not None and name not in self.names]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no column of the table")
        return self

    @model_validator(mode="after")
    def _can_be_kept(self) -> Contract:
        decided = (self.if_missing, self.if_invalid, self.if_empty, self.if_out_of_band)
        if "proceed_empty" in decided and (self.may_be_empty == "never" or self.load != "delta"):
            raise ValueError(
                "proceed_empty is for a delta whose days may be empty: say may_be_empty as well"
            )
        if "proceed_empty" in decided and self.is_consent:
            raise ValueError("consents that did not come are not a day on which nobody said no")
        if (self.deliveries == "weekly") != (self.delivery_weekday is not None):
            raise ValueError("deliveries: weekly and delivery_weekday go together")
        if (self.row_band_low is None) != (self.row_band_high is None):
            raise ValueError("row_band_low and row_band_high go together")
        if self.load == "snapshot" and not self._grain_is_proved:
            raise ValueError(
                "a snapshot is compared by its grain: let a critical check prove that it is unique"
            )
        return self

    @property
    def _grain_is_proved(self) -> bool:
        unique = [
            each.kwargs.get("column_list", [each.kwargs.get("column")])
            for each in self.expectations
            if each.severity == "critical" and "unique" in each.type
        ]
        return self.key_columns in unique

    @property
    def reaches_back_days(self) -> int:
        """How many days back a corrected delivery may be of."""
        # A yes or no about consent counts however late it comes; a month is what is looked at.
        return max(self.late_rows_days, 31 if self.is_consent else 0)

    @property
    def key_columns(self) -> list[str]:
        """The columns that name one row."""
        return self.grain.split(", ")

    @property
    def decided(self) -> str:
        """Who decided the policy, and when, in words."""
        return f"decided by {self.decided_by} on {self.decided_on}"

    @property
    def names(self) -> list[str]:
        """The columns that the client sends, in the order of the contract."""
        return [column.name for column in self.columns]

    @property
    def expectations(self) -> list[Expectation]:
        """Every check of the table, those of its columns with `column` filled in."""
        of_columns = [
            expectation.model_copy(update={"kwargs": {"column": column.name, **expectation.kwargs}})
            for column in self.columns
            for expectation in column.suite
        ]
        return [*self.suite, *of_columns]

    def policy(self, state: str) -> Policy:
        """Return what was decided in advance for a state that is not `arrived`."""
        decided = {
            "missing": self.if_missing,
            "late": self.if_missing,
            "empty": self.if_empty,
            "out_of_band": self.if_out_of_band,
        }.get(state, self.if_invalid)
        return decided or self.if_missing
