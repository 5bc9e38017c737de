"""The contract that a request makes: what `expectations/` will say of a table, or of columns."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.desk.asked import Column
from flows.desk.kinds import NewTable
from flows.desk.written import written
from flows.errors import ContractWrong

REVIEW_AFTER = dt.timedelta(days=365)


def source_of_table(
    table: NewTable, decided_on: dt.date, is_consent: bool = False
) -> dict[str, Any]:
    """Return a new table as a dbt source with its suite and its policy."""
    meta: dict[str, Any] = {
        "owner": table.owner,
        "grain": ", ".join(table.key),
        **({"customer_column": table.customer_column} if table.customer_column else {}),
        "load": table.load,
        "if_missing": table.if_missing,
        **({"if_invalid": "hold_dependent"} if table.if_missing == "proceed_empty" else {}),
        **({"may_be_empty": "always"} if table.rows_a_day_low == 0 else {}),
        "then": table.then,
        "stale_limit_days": table.stale_limit_days,
        "because": table.because,
        "decided_by": table.decided_by,
        "decided_on": decided_on,
        "review_by": decided_on + REVIEW_AFTER,
        # Quoted: to YAML 1.1, which dbt reads, 05:00 is the number 300.
        "ready_by": DoubleQuotedScalarString(table.ready_by),
        "wait_until": DoubleQuotedScalarString(table.wait_until),
        "deliveries": table.deliveries,
        **({"delivery_weekday": table.delivery_weekday} if table.delivery_weekday else {}),
        "source": table.source,
        **({"row_date": table.changed_since} if _is_a_day(table) else {}),
        **({"late_rows_days": table.late_rows_days} if table.late_rows_days else {}),
        **({"is_consent": True} if is_consent else {}),
        "suite": [_unique(table.key), _rows(table)],
    }
    text = (
        f"One row per {table.one_row}.\n\n**Fresh** by {table.ready_by} · **Feeds** nothing yet.\n"
    )
    return {
        "name": table.name,
        "description": LiteralScalarString(text),
        "config": {"meta": meta},
        "columns": [column_of(each, each.name in table.key) for each in table.columns],
    }


def column_of(column: Column, is_key: bool = False) -> dict[str, Any]:
    """Return a column as the contract has it, with the checks that follow from what was said."""
    suite: list[dict[str, Any]] = []
    if is_key:
        suite.append({"type": "expect_column_values_to_not_be_null", "severity": "critical"})
    elif not column.may_be_empty:
        suite.append({"type": "expect_column_values_to_not_be_null", "severity": "warning"})
    if column.allowed_values:
        values = [_typed(column, each) for each in column.allowed_values]
        suite.append(_check("in_set", {"value_set": values}))
    bounds = {"min_value": column.lowest, "max_value": column.highest}
    told = {key: _whole(value) for key, value in bounds.items() if value is not None}
    if told:
        suite.append(_check("between", told))
    described = {
        "name": column.name,
        "data_type": column.data_type.replace(" ", ""),
        "description": _meaning(column),
    }
    return described | ({"config": {"meta": {"suite": suite}}} if suite else {})


def contract_text(source: Mapping[str, Any]) -> str:
    """Return the YAML of a contract's file."""
    return written({"sources": [{"name": "raw", "schema": "raw", "tables": [dict(source)]}]})


def contract_of(source: Mapping[str, Any]) -> Contract:
    """Return a source as the contract that the project would read.

    Raises:
        ContractWrong: when no contract may say that.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{source['name']}.yml").write_text(contract_text(source))
        return read_contracts(Path(folder))[str(source["name"])]


def why_not(source: Mapping[str, Any]) -> str | None:
    """Return why the project would not read a contract, without the name of its file."""
    try:
        contract_of(source)
    except ContractWrong as error:
        said = re.sub(r"^expectations/\S+: ", "", str(error))
        return said.removesuffix(" Mend the contract, then run again.").rstrip(".")
    return None


def _check(kind: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"expect_column_values_to_be_{kind}", "kwargs": kwargs, "severity": "warning"}


def _unique(key: Sequence[str]) -> dict[str, Any]:
    if len(key) > 1:
        columns = {"column_list": list(key)}
        return {
            "type": "expect_compound_columns_to_be_unique",
            "kwargs": columns,
            "severity": "critical",
        }
    return {
        "type": "expect_column_values_to_be_unique",
        "kwargs": {"column": key[0]},
        "severity": "critical",
    }


def _rows(table: NewTable) -> dict[str, Any]:
    return {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {"min_value": table.rows_a_day_low, "max_value": table.rows_a_day_high},
        "severity": "info",
    }


def _is_a_day(table: NewTable) -> bool:
    types = {column.name: column.data_type for column in table.columns}
    return table.load == "delta" and types.get(str(table.changed_since)) in ("date", "timestamp")


def _meaning(column: Column) -> str:
    measured = [word for word in (column.unit, column.currency, column.time_zone) if word]
    return column.sentence + (f" In {', '.join(measured)}." if measured else "")


def _typed(column: Column, text: str) -> int | float | str:
    if column.data_type.startswith(("bigint", "integer")):
        return int(text)
    return text


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
