"""Two builds of N customers, in sections as the project has them, and what differs between them.

Values are drawn by hashes of the customer and the column, so that the same size is the same data.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

# Sections of the view, and about how many of a hundred attributes each has.
SHARES = {
    "identity": 10,
    "consents": 7,
    "reachability": 4,
    "demographics": 10,
    "loyalty": 8,
    "purchases": 24,
    "affinity": 6,
    "stores": 6,
    "engagement": 9,
    "messages": 8,
    "web": 4,
    "lifecycle": 4,
}
FLAGS = ("contactable_email", "contactable_sms", "contactable_direct_mail")
# What the cells of a section are, in turn: numbers, money, days, words, yes or no.
KINDS = (
    ("integer", "cast({h} % 1000 as integer)"),
    ("decimal(18,4)", "cast(cast({h} % 1000000 as decimal(18,4)) / 100 as decimal(18,4))"),
    ("date", "date '2015-01-01' + cast({h} % 1000 as integer)"),
    ("varchar", "case when {h} % 10 > 0 then 'word ' || ({h} % 200) end"),
    ("boolean", "{h} % 3 = 0"),
    ("decimal(18,4)", "cast(cast({h} % 5000 as decimal(18,4)) / 10 as decimal(18,4))"),
)
CHANGED = "purchases"
# What the two builds are called.
NAMES = ("2017-11-21-01", "2017-11-21-02")
# What changes in the smaller case: so many columns of a section, for so many of a hundred.
FEW_COLUMNS, FEW_PERCENT = 3, 5


@dataclass(frozen=True)
class Size:
    """How many customers, and how many attributes the view has."""

    customers: int
    columns: int

    @property
    def sections(self) -> dict[str, list[str]]:
        """The attributes of each section, by name."""
        total = sum(SHARES.values())
        found = {}
        for name, share in SHARES.items():
            count = max(1, round(self.columns * share / total))
            flags = FLAGS if name == "reachability" else ()
            named = [f"{name}_{place}" for place in range(max(count - len(flags), 0))]
            found[name] = [*flags, *named]
        return found


@dataclass(frozen=True)
class Pair:
    """The files of two builds and of their manifests."""

    folder: Path

    @property
    def before(self) -> Path:
        """The build that is live."""
        return self.folder / "before.duckdb"

    @property
    def after(self) -> Path:
        """The build of the new release."""
        return self.folder / "after.duckdb"

    def manifest(self, build: Path) -> Path:
        """The manifest of a build."""
        return build.with_suffix(".manifest.json")


def make_before(pair: Pair, size: Size) -> None:
    """Write the build that is live, section by section."""
    pair.before.unlink(missing_ok=True)
    with duckdb.connect(str(pair.before), config={"memory_limit": "6GB", "threads": 2}) as made:
        for schema in ("raw", "marts", "campaigns", "intermediate"):
            made.execute(f"create schema {schema}")
        _name(made, NAMES[0])
        made.execute(
            "create table intermediate.int_consents_resolved as select range as customer_id, "
            f"'global' as channel, true as is_opt_in from range({size.customers}) "
            f"union all select range, 'email', range % 2 = 0 from range({size.customers})"
        )
        made.execute(
            "create table campaigns.campaign_targets as select 'news' as campaign_id, "
            f"range as customer_id, 'email' as channel, 'chosen' as status "
            f"from range(0, {size.customers}, 20)"
        )
        for place, (name, columns) in enumerate(size.sections.items()):
            cells = ", ".join(f"{_cell(place, n, c)} as {c}" for n, c in enumerate(columns))
            made.execute(
                f"create table marts.customer_{name} as "
                f"select range as customer_id, {cells} from range({size.customers})"
            )
        made.execute(f"create view marts.single_customer_view as {_view_sql(size)}")
    pair.manifest(pair.before).write_text(json.dumps(_manifest(size)))


def make_after(pair: Pair, size: Size, everything: bool) -> None:
    """Write the build of the new release: a copy in which one section was made anew.

    Args:
        everything: every attribute of the section changed for everybody; else a few for a few.
    """
    shutil.copyfile(pair.before, pair.after)
    shutil.copyfile(pair.manifest(pair.before), pair.manifest(pair.after))
    columns = size.sections[CHANGED]
    altered = {}
    for place, name in enumerate(columns):
        kind = KINDS[place % len(KINDS)][0]
        other = {
            "varchar": f"coalesce({name}, '') || '.'",
            "boolean": f"not {name}",
        }.get(kind, f"{name} + 1")
        if everything:
            altered[name] = other
        elif place < FEW_COLUMNS:
            few = f"hash(customer_id, 'few') % 100 < {FEW_PERCENT}"
            altered[name] = f"case when {few} then {other} else {name} end"
    replaced = ", ".join(f"{sql} as {name}" for name, sql in altered.items())
    with duckdb.connect(str(pair.after), config={"memory_limit": "6GB", "threads": 2}) as made:
        _name(made, NAMES[1])
        made.execute(
            f"create or replace table marts.customer_{CHANGED} as "
            f"select * replace ({replaced}) from marts.customer_{CHANGED}"
        )


def _name(made: duckdb.DuckDBPyConnection, build_id: str) -> None:
    made.execute(
        f"create or replace table raw.build as select '{build_id}' as build_id, "
        f"date '2017-11-21' as business_date, '{build_id}' as code_version, "
        "'2017-11-20-01' as base_build_id"
    )


def _cell(section: int, place: int, name: str) -> str:
    if name in FLAGS:
        return f"hash(range, '{name}') % 2 = 0"
    return KINDS[place % len(KINDS)][1].format(h=f"hash(range, {section * 1000 + place})")


def _view_sql(size: Size) -> str:
    sections = size.sections
    queries = [f'{name} as (select * from "marts"."customer_{name}")' for name in sections]
    cells = [f"{name}.{column}" for name, columns in sections.items() for column in columns]
    derived = f"date '2017-11-21' - {CHANGED}.{CHANGED}_2 as days_since_last_order"
    joins = [f"inner join {name} using (customer_id)" for name in list(sections)[1:]]
    listed = ", ".join(["identity.customer_id", *cells[:-1], derived])
    final = f"final as (select {listed} from identity {' '.join(joins)})"
    return f"with {', '.join([*queries, final])} select * from final"


def _manifest(size: Size) -> dict[str, Any]:
    sections = {f"customer_{name}": columns for name, columns in size.sections.items()}
    nodes = {f"model.{name}": node for name, node in _models(sections)}
    view = _model("single_customer_view", "marts", _view_sql(size), list(nodes))
    targets = _model("campaign_targets", "campaigns", "select 1 as one", [])
    for node in (view, targets):
        nodes[node["unique_id"]] = node
    return {"nodes": nodes, "sources": {}}


def _models(sections: dict[str, list[str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, columns in sections.items():
        # What a section is computed from is not read here.
        listed = ", ".join(f"1 as {column}" for column in ["customer_id", *columns])
        yield name, _model(name, "marts", f"select {listed}", [])


def _model(name: str, schema: str, sql: str, parents: Sequence[str]) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "unique_id": f"model.{name}",
        "name": name,
        "alias": name,
        "schema": schema,
        "language": "sql",
        "compiled_code": sql,
        "columns": {},
        "config": {},
        "depends_on": {"nodes": list(parents)},
    }
