"""What the five kinds of a request are made of: names, SQL of the client's, columns, examples.

A field's title and description are what a person reads, on the form as in the PDF; `widget` says
how it is asked for where its type alone does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from flows.contracts.contract import TIME, TYPES

FEWEST_EXAMPLES = 3
EXPECTED = "expected"  # the column of an example that says what is to come of it

_KNOWN_TYPE = rf"^({'|'.join(TYPES)})(\(\d{{1,2}}, ?\d{{1,2}}\))?$"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=4000)]
Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000)]
# An expression over named columns, never a statement: `flows.desk.formulas` reads it.
Sql = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Clock = Annotated[str, StringConstraints(pattern=TIME)]
DataType = Annotated[str, StringConstraints(pattern=_KNOWN_TYPE)]
LONG: Any = {"widget": "long"}


def _as_text(row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    return {str(key).strip(): _cell(value) for key, value in row.items()}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dt.datetime():
            return value.isoformat(" ")
        case _:
            return str(value).strip()


# One row of a sheet: its cells by the names of their columns, as text.
Row = Annotated[Mapping[str, str], BeforeValidator(_as_text)]
Examples = Annotated[tuple[Row, ...], Field(json_schema_extra={"widget": "sheet"})]


class Asked(BaseModel):
    """A part of a request. A word that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Asked):
    """One column that the client sends."""

    name: Name = Field(title="Name", description="lower case, digits and _", examples=["tier"])
    data_type: DataType = Field(
        title="Type",
        description="bigint, varchar, date, timestamp, boolean or decimal(18,2)",
        examples=["varchar"],
        json_schema_extra={"suggest": [*TYPES[:-1], "decimal(18,2)"]},
    )
    meaning: Words = Field(title="Meaning", description="what it says, for somebody who is new")
    may_be_empty: bool = Field(True, title="May be empty")
    allowed_values: tuple[Line, ...] = Field((), title="Allowed values", description="if a list")
    lowest: float | None = Field(None, title="Lowest", description="of a number")
    highest: float | None = Field(None, title="Highest", description="of a number")
    unit: str = Field("", title="Unit", description="days, points, kg …", max_length=40)
    currency: str = Field("", title="Currency", description="of money", pattern=r"^([A-Z]{3})?$")
    time_zone: str = Field("", title="Time zone", description="of a timestamp", max_length=60)
    personal_data: Literal["none", "identifier", "contact", "demographic", "special"] = Field(
        "none",
        title="Personal data",
        description="does a value name a person, reach one, or describe one",
    )
    example: str = Field("", title="Example", description="a made-up one", max_length=200)

    @property
    def sentence(self) -> str:
        """What it says, as one sentence on one line."""
        return " ".join(self.meaning.split()).rstrip(".") + "."

    @model_validator(mode="after")
    def _bounds_are_of_numbers(self) -> Column:
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise ValueError("the lowest value is above the highest")
        is_number = self.data_type.startswith(("bigint", "integer", "decimal"))
        if not is_number and (self.lowest is not None or self.highest is not None):
            raise ValueError(
                f"a {self.data_type} has no lowest and highest: allowed values instead"
            )
        return self


class Kind(Asked):
    """One of the five things that a request may ask for, with the client's own examples.

    An example is a row of a sheet; its column `expected` says what is to come of it.
    """

    examples: Examples = Field(
        min_length=FEWEST_EXAMPLES,
        title="Examples",
        description=(
            "at least three rows with their expected result, copied from a spreadsheet with the "
            "names of the columns above; made-up values, no real customer"
        ),
    )

    @model_validator(mode="after")
    def _examples_expect(self) -> Kind:
        if any(EXPECTED not in row for row in self.examples):
            raise ValueError(f"the examples have no column '{EXPECTED}': what is to come of each?")
        if len({tuple(row) for row in self.examples}) > 1:
            raise ValueError("the examples do not all have the same columns")
        return self
