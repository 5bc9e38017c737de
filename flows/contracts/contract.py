"""What the client promised for one table, read from `expectations/` strictly.

The same file is a dbt source. Here `config.meta` is read: where the table comes from, what one
row is, the Great Expectations suite in GX's own words, and the missing-data policy. A word that
is not known is an error, never ignored.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.errors import ContractWrong
from flows.settings import PROJECT

Policy = Literal["hold_all", "hold_dependent", "use_last_good", "notify_only"]
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
    suite: tuple[Expectation, ...] = ()

    @field_validator("data_type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.split("(")[0] not in TYPES:
            raise ValueError(f"'{value}' is none of {', '.join(TYPES)}")
        return value


class Contract(_Strict):
    """What was agreed for one raw table. Times are in the client's time zone."""

    table: str
    description: str
    owner: str
    grain: str
    load: Literal["delta", "full"]
    source: Literal["file", "database", "outbox"]
    location: str
    format: Literal["csv", "jsonl", "parquet"] | None = None
    compression: Literal["gzip"] | None = None
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    relation: str | None = None
    changed_since: str | None = None
    row_date: str | None = None
    ready_by: str = Field(pattern=TIME)
    wait_until: str = Field(pattern=TIME)
    deliveries: Literal["daily", "weekdays", "weekly", "calendar"]
    if_missing: Policy
    if_invalid: Policy | None = None
    if_empty: Policy | None = None
    then: Literal["hold_all", "hold_dependent"] = "hold_all"
    stale_limit_days: int = Field(ge=0)
    max_quarantined_share: float = Field(0.01, ge=0, le=1)
    is_consent: bool = False
    decided_by: str
    decided_on: dt.date
    review_by: dt.date
    because: str
    suite: tuple[Expectation, ...] = ()
    columns: tuple[Column, ...]
    sha256: str

    @model_validator(mode="after")
    def _names_are_columns(self) -> Contract:
        named = [self.row_date, self.changed_since, *self.grain.split(", ")]
        unknown = [name for name in named if name is not None and name not in self.names]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no column of the table")
        return self

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
        decided = {"missing": self.if_missing, "empty": self.if_empty}.get(state, self.if_invalid)
        return decided or self.if_missing


def read_contracts(folder: Path = PROJECT / "expectations") -> dict[str, Contract]:
    """Return every contract by table name.

    Raises:
        ContractWrong: when a file is not YAML, or says something that no contract says.
    """
    contracts: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yml")):
        for table in _tables(path):
            contract = _contract(path, table)
            if contract.table in contracts:
                raise ContractWrong(
                    f"expectations/{path.name}: {contract.table} has a contract in another file."
                )
            contracts[contract.table] = contract
    if not contracts:
        raise ContractWrong(f"There is no contract in {folder}: add one YAML file a raw table.")
    return contracts


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text())
        return [table for source in document["sources"] for table in source["tables"]]
    except (YAMLError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ContractWrong(f"expectations/{path.name} is not a dbt source: {reason}.") from None


def _contract(path: Path, table: dict[str, Any]) -> Contract:
    try:
        columns = tuple(_column(column) for column in table["columns"])
        return Contract(
            table=table["name"],
            description=table["description"],
            columns=columns,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            **table["config"]["meta"],
        )
    except ValidationError as error:
        raise ContractWrong(
            f"expectations/{path.name}: {_first_wrong(error)}. Mend the contract, then run again."
        ) from None
    except (KeyError, TypeError) as error:
        raise ContractWrong(f"expectations/{path.name} lacks {error}.") from None


def _column(column: dict[str, Any]) -> Column:
    own = {key: value for key, value in column.items() if key != "config"}
    config = dict(column.get("config", {}))
    meta = config.pop("meta", {})
    # Whatever else stands there is refused by the model, under its own name.
    return Column(**own, **config, **meta)


def _first_wrong(error: ValidationError) -> str:
    # A word that is not known first: what is said to be missing may only be misspelt.
    errors = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in errors[0]["loc"])
    if errors[0]["type"] == "extra_forbidden":
        return f"no contract says '{where}'"
    return f"{where}: {errors[0]['msg']}" if where else errors[0]["msg"]
