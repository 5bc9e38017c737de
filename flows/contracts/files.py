"""Every contract of `expectations/`, read strictly: a word that is not known is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.contracts.contract import Column, Contract
from flows.errors import ContractWrong
from flows.settings import PROJECT


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
    for contract in contracts.values():
        _refuse_unknown_accounts(contract, contracts)
    return contracts


def _refuse_unknown_accounts(contract: Contract, contracts: Mapping[str, Contract]) -> None:
    through = contract.customer_through
    if through is None:
        return
    accounts = contracts.get(through.table)
    if accounts is None or not accounts.customer_column or through.column not in accounts.names:
        raise ContractWrong(
            f"The contract of {contract.table} finds its customers through {through.column} of "
            f"{through.table}, and no contract of that table has this column and a customer_column."
        )


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
    return f"{where}: {_plain(errors[0]['msg'])}" if where else errors[0]["msg"]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
