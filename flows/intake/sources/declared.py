"""Every source as `sources/` declares it: one YAML a system of the client's, its tables below.

A connection is the instance's business: `${NAME}` is read from the environment when it is used, so
that QA and production differ by their environment only. A secret is named, never written down.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.contracts.contract import Contract
from flows.errors import ContractWrong, SettingsWrong
from flows.intake.sources.declared_apis import Api, ApiTable, Bearer, Key, Paging
from flows.intake.sources.declared_files import Files, FileTable, Form
from flows.intake.sources.declared_queries import Database, QueryTable, Snowflake
from flows.intake.sources.texts import VARIABLE, Strict
from flows.settings import PROJECT, Instance

__all__ = [
    "VARIABLE",
    "Api",
    "ApiTable",
    "Bearer",
    "Database",
    "FileTable",
    "Files",
    "Form",
    "Key",
    "Outbox",
    "Paging",
    "QueryTable",
    "Snowflake",
    "Source",
    "read_sources",
    "resolve",
    "source_of",
]


class Outbox(Strict):
    """The hub's own receipts of what it sent."""

    kind: Literal["outbox"]
    description: str
    tables: dict[str, Strict]


Source = Annotated[
    Files | Database | Snowflake | Api | Outbox,
    Field(discriminator="kind"),
]
_ANY: TypeAdapter[Any] = TypeAdapter(Source)


def source_of(sources: Mapping[str, Any], contract: Contract) -> Any:
    """Return the source that a contract names.

    Raises:
        ContractWrong: when there is none of that name, or it has no such table.
    """
    source = sources.get(contract.source)
    if source is None or contract.table not in source.tables:
        lacks = (
            f"there is no sources/{contract.source}.yml"
            if source is None
            else (f"sources/{contract.source}.yml has no table {contract.table}")
        )
        raise ContractWrong(
            f"expectations/{contract.table}.yml names the source {contract.source}, and {lacks}. "
            "Mend it, then run again."
        )
    return source


def read_sources(folder: Path = PROJECT / "sources") -> dict[str, Any]:
    """Return every source by the name of its file.

    Raises:
        ContractWrong: when a file is not YAML, or says something that no source says.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.yml"))}


def resolve(text: str, instance: Instance, source: str) -> str:
    """Return a text of a source with its variables and folders filled in.

    Raises:
        SettingsWrong: with the name of the variable that the environment lacks.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in os.environ:
            raise SettingsWrong(
                f"The source {source} needs the variable {name}, and the environment has none: "
                "set it, then run again."
            )
        return os.environ[name]

    return VARIABLE.sub(value, text.replace("{deliveries}", str(instance.deliveries)))


def _read(path: Path) -> Any:
    try:
        return _ANY.validate_python(YAML(typ="safe", pure=True).load(path.read_text()))
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ContractWrong(f"sources/{path.name} is not YAML: {reason}.") from None
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"][1:])
        unknown = first["type"] == "extra_forbidden"
        what = f"{where}: {_plain(first['msg'])}" if where else first["msg"]
        said = f"no source says '{where}'" if unknown else what
        raise ContractWrong(f"sources/{path.name}: {said}. Mend it, then run again.") from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
