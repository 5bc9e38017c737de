"""The five kinds of a change request, each with the fields that only it has."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field, model_validator

from flows.contracts.contract import Load, Policy, Weekday
from flows.desk.asked import LONG, Asked, Clock, Column, DataType, Kind, Line, Name, Sql, Words

Counted = Literal["counts", "does_not_count", "is_not_sent"]
COLUMNS: Any = {"widget": "rows"}


class NewTable(Kind):
    """A raw table that has not come until now.

    Of an example `expected` is `accepted`, or `set aside` for a row that does not fit.
    """

    name: Name = Field(title="Name of the table", description="a plural noun, lower case")
    row_is: Words = Field(
        title="One row is", description="such as: one answer of a customer to one survey"
    )
    owner: Line = Field(title="Who sends it", description="an e-mail address that is read")
    source_kind: Literal["files", "database", "snowflake", "api"] = Field(title="Kind of source")
    source: Name = Field(title="Source", description="its name in sources/: nightly_files, crm …")
    location: Line = Field(
        title="Where it is",
        description="a path such as surveys/{business_date}.csv, a relation, or the path of an API",
    )
    format: Literal["csv", "jsonl", "json", "parquet", "excel"] | None = Field(
        None, title="Format", description="of files"
    )
    compression: Literal["gzip", "zstd"] | None = Field(None, title="Compression")
    delimiter: str = Field(",", min_length=1, max_length=1, title="Delimiter", description="of csv")
    encoding: Literal["utf-8", "latin-1", "utf-16"] = Field("utf-8", title="Encoding")
    parts: int = Field(1, ge=1, le=1000, title="Parts", description="files that one delivery has")
    load: Load = Field(
        title="Full or delta", description="all rows each time, or only what is new or changed"
    )
    changed_since: Name | None = Field(
        None, title="Change column", description="of a delta: by which a row is new or changed"
    )
    key: tuple[Name, ...] = Field(min_length=1, title="Key", description="what names one row")
    customer_column: Name | None = Field(
        None, title="Link to the customer", description="the column with the client's customer id"
    )
    deliveries: Literal["daily", "weekdays", "weekly"] = Field("daily", title="It comes")
    delivery_weekday: Weekday | None = Field(None, title="On which day, if weekly")
    ready_by: Clock = Field("05:00", title="Ready by", description="the client's clock")
    rows_a_day_low: int = Field(ge=0, title="Rows a day, at least")
    rows_a_day_high: int = Field(ge=1, title="Rows a day, at most")
    history_from: dt.date | None = Field(None, title="History from", description="first date sent")
    late_rows_days: int = Field(0, ge=0, title="Late rows", description="days that one may be late")
    if_missing: Policy = Field(
        title="If it does not come",
        description="decided now, in writing: may campaigns run with or without it?",
        json_schema_extra={
            "words": {
                "hold_all": "hold every campaign",
                "hold_dependent": "hold the campaigns that need it",
                "use_last_good": "go on with what came last",
                "proceed_empty": "go on as on a day without any",
                "notify_only": "go on and tell somebody",
            }
        },
    )
    then: Literal["hold_all", "hold_dependent"] = Field(
        "hold_dependent", title="And when that is too old", description="after the stale limit"
    )
    wait_until: Clock = Field("07:00", title="Wait until", description="the client's clock")
    stale_limit_days: int = Field(0, ge=0, title="Stale limit", description="days it may be old")
    because: Words = Field(title="Why so", description="for who asks at three in the morning")
    decided_by: Line = Field(title="Who decided that", description="a person or a role")
    deletes: Literal["never", "flagged", "missing_rows"] = Field(
        "never", title="How a deletion is told", description="never, a column says so, or no row"
    )
    columns: tuple[Column, ...] = Field(
        min_length=1,
        title="Columns",
        description="in the order of the file",
        json_schema_extra=COLUMNS,
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> NewTable:
        names = [column.name for column in self.columns]
        named = [*self.key, self.customer_column, self.changed_since]
        unknown = [name for name in named if name and name not in names]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is none of the columns")
        if len(set(names)) < len(names):
            raise ValueError("two columns have one name")
        if self.rows_a_day_low > self.rows_a_day_high:
            raise ValueError("rows a day: at least is more than at most")
        if self.source_kind == "files" and self.format is None:
            raise ValueError("files have a format: say which")
        if (self.deliveries == "weekly") != (self.delivery_weekday is not None):
            raise ValueError("a weekly table comes on a day of the week, and no other does")
        return self

    @property
    def one_row(self) -> str:
        """What one row is, as it stands after "One row per"."""
        return self.row_is.removeprefix("One row per ").strip().rstrip(".")


class AddedColumns(Kind):
    """Columns more in a table that comes already.

    Of an example `expected` is `accepted`, or `set aside` for a row that does not fit.
    """

    table: Name = Field(title="Table", description="as it is called today")
    columns: tuple[Column, ...] = Field(
        min_length=1, title="New columns", json_schema_extra=COLUMNS
    )
    history: Literal["empty", "redelivered"] = Field(
        "empty", title="In rows of the past", description="they stay empty, or are sent once more"
    )
    redelivered_from: dt.date | None = Field(None, title="Sent once more from")
    first_business_date: dt.date = Field(title="First business date with the columns")
    read_by: tuple[Name, ...] = Field(
        (), title="Attributes that read them", description="of the view; none while it is new"
    )
    if_absent: Literal["null", "fail"] = Field(
        "fail", title="On a day without the columns", description="take it in empty, or refuse it"
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> AddedColumns:
        if (self.history == "redelivered") != (self.redelivered_from is not None):
            raise ValueError("rows that are sent once more are sent from a date on")
        return self


class CustomerAttribute(Kind):
    """One more thing known of every customer.

    An example is a row of the input, with `customer_id`; its `expected` is the attribute's value
    for that customer, said in one of the customer's rows at least.
    """

    name: Name = Field(title="Name", description="as a column of the view")
    label: Line = Field(title="Label", description="as a marketer says it")
    definition: Words = Field(
        title="Definition in words", json_schema_extra=LONG, description="what it says, and when"
    )
    input: Name = Field(
        title="Made from", description="a table of ours that has customer_id, such as one of int_…"
    )
    formula: Sql = Field(
        min_length=1, title="Formula", description="an SQL expression over its columns: count(*)"
    )
    only_rows: Sql = Field("", title="Only rows where", description="a condition in SQL, or empty")
    window_days: int | None = Field(None, ge=1, title="Window", description="days back, or empty")
    window_column: Name | None = Field(None, title="Day of a row", description="for the window")
    data_type: DataType = Field(title="Type", examples=["integer"])
    unit: str = Field("", title="Unit", max_length=40)
    decimals: int | None = Field(None, ge=0, le=8, title="Rounded to decimals")
    allowed_values: tuple[Line, ...] = Field((), title="Allowed values")
    lowest: float | None = Field(None, title="Lowest")
    highest: float | None = Field(None, title="Highest")
    when_nothing: Literal["zero", "unknown"] = Field(
        title="A customer without such rows",
        description="zero says that nothing happened, unknown that nobody can say",
    )
    personal: bool = Field(False, title="Does a value name or reach a person")
    ties: str = Field(
        "", title="Ties", description="which of two equal ones counts", max_length=400
    )
    replaces: Name | None = Field(None, title="Replaces the attribute")
    example_date: dt.date = Field(
        title="Business date of the examples", description="up to which the window reaches"
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> CustomerAttribute:
        if (self.window_days is None) != (self.window_column is None):
            raise ValueError("a window has a number of days and the column with a row's day")
        if any("customer_id" not in row for row in self.examples):
            raise ValueError("the examples have no column customer_id: whose row is each?")
        if len({row["customer_id"] for row in self.examples}) < 3:
            raise ValueError("the examples are of fewer than three customers")
        return self


class ActivityHistory(Kind):
    """Events of customers, kept as one row per customer and day.

    An example is an event with `customer_id`; its `expected` is `counts` or `does not count`.
    """

    event: Name = Field(title="Event", description="a plural noun: store_visits")
    table: Name = Field(title="Raw table", description="that has the events, today or by this")
    grain: Line = Field(title="One event is", description="such as: one visit to one shop")
    customer_column: Name = Field(title="Customer", description="the column that says whose it is")
    time_column: Name = Field(title="Time of an event")
    time_zone: Line = Field("UTC", title="Time zone of that column")
    dedupe_key: tuple[Name, ...] = Field(
        min_length=1, title="One and the same event", description="the columns that say so"
    )
    left_out: Sql = Field(
        "", title="Left out", description="bots, machines, tests: a condition in SQL, or empty"
    )
    retention_days: int = Field(730, ge=1, title="Kept for", description="days")
    look_back_days: int = Field(ge=1, title="Looked back at", description="days, by what uses it")
    attributes: tuple[Name, ...] = Field((), title="Attributes that use it")
    triggers: tuple[Line, ...] = Field((), title="Campaigns that it triggers")
    rows_a_day: int = Field(ge=0, title="Events a day")


class Total(Asked):
    """The client's own figure for one day."""

    day: dt.date = Field(title="Day")
    amount: float = Field(title="Total", description="of that day, by the client's own books")


class PurchaseHistory(Kind):
    """What counts as a purchase, and as how much.

    An example is a line of a basket; its `expected` is the amount that it counts for, 0 for none.
    """

    counts_when: Sql = Field(
        min_length=1,
        title="What counts",
        description="statuses or lines that are a purchase: a condition in SQL over the table",
    )
    table: Name = Field("transactions", title="Raw table")
    grain: Literal["order", "line"] = Field("line", title="A row is an order, or a line of one")
    dated_by: Literal["order", "ship", "invoice"] = Field("order", title="Dated by the day of")
    amount: Sql = Field(min_length=1, title="Amount", description="of a row: an SQL expression")
    gross_or_net: Literal["gross", "net"] = Field("net", title="Gross or net")
    tax: Counted = Field("is_not_sent", title="Tax")
    shipping: Counted = Field("is_not_sent", title="Shipping")
    discounts: Counted = Field("counts", title="Discounts")
    gift_cards: Counted = Field("is_not_sent", title="Gift cards")
    returns: Literal["on_return_date", "on_order_date", "are_not_sent"] = Field(
        "on_return_date", title="Returns are booked"
    )
    cancellations: Counted = Field("is_not_sent", title="Cancelled orders")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", title="Currency")
    marketplace_orders: Counted = Field("is_not_sent", title="Marketplace orders")
    employee_orders: Counted = Field("is_not_sent", title="Employees' orders")
    test_orders: Counted = Field("is_not_sent", title="Test orders")
    reconciliation: tuple[Total, ...] = Field(
        min_length=2,
        title="Reconciliation",
        json_schema_extra=COLUMNS,
        description="the client's own total for two named days, to the cent",
    )
