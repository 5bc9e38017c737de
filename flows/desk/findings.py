"""What is wrong with a request, each at its field: of the model's own rules, and of the checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from flows.contracts.contract import TIME
from flows.desk.fields import Question, questions
from flows.desk.request import ChangeRequest

Weight = Literal["wrong", "doubtful"]


# What Pydantic says of a value, as the form says it.
SAID = {
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_parsing": "is no number: digits, and a point before decimals",
    "date_from_datetime_parsing": "is no date: year, month and day as in 2026-12-08",
    "date_parsing": "is no date: year, month and day as in 2026-12-08",
    "bool_parsing": "is answered by yes or no",
    "literal_error": "is one of {expected}",
    "less_than_equal": "is {le} at most",
    "greater_than_equal": "is {ge} at least",
    "string_too_short": "is too short: {min_length} at least",
    "too_short": "has {min_length} at least",
    "string_too_long": "has {max_length} characters at most",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not right, or that a person should look at.

    Args:
        where: the field, as `new_table.columns.2.name`; empty for the request as a whole.
        says: a sentence fit for the person who asks.
        weight: `wrong` keeps a request from being submitted, `doubtful` does not.
    """

    where: str
    says: str
    weight: Weight = "wrong"

    @property
    def place(self) -> str:
        """The field in the words of the form: New table, columns 3, name."""
        return in_words(self.where)


def read(document: Mapping[str, Any]) -> tuple[ChangeRequest | None, list[Finding]]:
    """Return a document as a request, or what keeps it from being one."""
    try:
        return ChangeRequest.model_validate(without_blanks(document)), []
    except ValidationError as error:
        found = error.errors(include_input=False)
        return None, [_finding(each) for each in found if not _follows(each, found)]


def without_blanks(value: Any) -> Any:
    """Return a document without the fields that were left empty: those are not answered."""
    match value:
        case Mapping():
            kept = {key: without_blanks(each) for key, each in value.items() if each is not None}
            return {key: each for key, each in kept.items() if each is not None}
        case list() | tuple():
            return [without_blanks(each) for each in value]
        case _:
            return value


def is_sound(findings: list[Finding]) -> bool:
    """True when nothing found is wrong."""
    return not any(each.weight == "wrong" for each in findings)


def in_words(where: str) -> str:
    """Return the path of a field as the form calls it."""
    told: list[str] = []
    among = questions()
    for part in [each for each in where.split(".") if each]:
        if part.isdigit():
            told[-1:] = [f"{told[-1]} {int(part) + 1}"] if told else [str(int(part) + 1)]
            continue
        known = _named(among, part)
        told.append(known.title if known else part)
        among = known.fields if known else among
    return ", ".join(told) or "The request"


def _named(among: tuple[Question, ...], name: str) -> Question | None:
    return next((each for each in among if each.name == name), None)


def _follows(error: Any, among: Sequence[Any]) -> bool:
    """True for a table that is too short because a row of it is wrong: the row says so itself."""
    place = error["loc"]
    inside = (each["loc"][: len(place)] == place != each["loc"] for each in among)
    return error["type"] == "too_short" and any(inside)


def _finding(error: Any) -> Finding:
    where = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "missing":
            says = "is not answered yet"
        case "extra_forbidden":
            says = "is no field of a request"
        case "string_pattern_mismatch" if where.endswith("data_type"):
            says = "is no type that we know: bigint, varchar, date, timestamp, decimal(18,2) …"
        case "string_pattern_mismatch" if error["ctx"]["pattern"].startswith("^[a-z]"):
            says = "is a name in lower case, with digits and _, and begins with a letter"
        case "string_pattern_mismatch" if where.endswith("currency"):
            says = "is a currency in three letters: USD"
        case "string_pattern_mismatch" if error["ctx"]["pattern"] == TIME:
            says = "is no time: 05:00 is one"
        case "string_too_short" if error["ctx"]["min_length"] == 1:
            says = "is not answered yet"
        case "too_short" if where.endswith("examples"):
            says = f"at least {error['ctx']['min_length']} rows, please"
        case kind if kind in SAID:
            says = SAID[kind].format(**error.get("ctx", {}))
        case _:
            says = str(error["msg"]).removeprefix("Value error, ")
    return Finding(where, says)
