"""A release brings a column of a table that we have, and a table that nobody has delivered yet."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from demo.delivery import CRM
from flows.builds import fingerprints, live
from flows.ledger import Ledger, pins
from flows.settings import PROJECT, Instance
from tests.conftest import NEXT
from tests.releases.control import LIVE, Control, is_proved
from tests.releases.test_new_attribute import COLUMN, DESCRIBED
from tests.releases.test_redeploy import COUNTED, SECOND, SERVICE

NEW = ("cases_by_phone", "store_visits")
BEFORE = COLUMN.format("cases_90d")
NOW = "".join(COLUMN.format(name) for name in NEW) + BEFORE
DOCS = "".join(f"{{% docs {name} %}}\nCounted.\n{{% enddocs %}}\n\n" for name in NEW)
STAGED, LATEST, RESOLVED = (
    f"models/{name}.sql"
    for name in (
        "staging/stg_service_cases",
        "intermediate/int_service_cases_latest",
        "intermediate/int_service_cases_resolved",
    )
)
CAME_BY = """          - name: came_by
            data_type: varchar
            description: By phone, or otherwise.
"""
EDITS = {
    "expectations/service_cases.yml": (
        "          - name: topic\n",
        f"{CAME_BY}          - name: topic\n",
    ),
    "sources/nightly_files.yml": (
        "  returns:\n",
        '  store_visits: {path: "{business_date}/store_visits.csv", format: csv, '
        "in_manifest: false}\n  returns:\n",
    ),
    STAGED: ("        -- times\n", "        came_by,\n\n        -- times\n"),
    LATEST: ("        -- times\n", "        came_by,\n\n        -- times\n"),
    RESOLVED: ("        -- times\n", "        cases.came_by,\n\n        -- times\n"),
    "models/marts/customer_service.yml": (BEFORE, NOW),
    "models/marts/single_customer_view.sql": (
        "        service.cases_90d,\n",
        "        service.cases_90d,\n" + "".join(f"        service.{name},\n" for name in NEW),
    ),
    "models/marts/single_customer_view.yml": (BEFORE, NOW),
    "docs/columns_loyalty.md": (DESCRIBED, DOCS + DESCRIBED),
}
CONTRACT = """
sources:
  - name: raw
    schema: raw
    tables:
      - name: store_visits
        description: One row per visit of a store.
        config:
          meta:
            owner: stores@client.example
            grain: visit_id
            customer_column: household_id
            load: delta
            if_missing: use_last_good
            may_be_empty: always
            then: hold_dependent
            stale_limit_days: 3
            because: Visits decide nothing by themselves.
            decided_by: Head of Stores
            decided_on: 2017-11-20
            review_by: 2018-11-20
            ready_by: "03:00"
            wait_until: "06:00"
            deliveries: daily
            source: nightly_files
        columns:
          - {name: visit_id, data_type: bigint, description: Its number.}
          - {name: household_id, data_type: bigint, description: Whose it is.}
          - {name: spent, data_type: "decimal(9,2)", description: What was spent.}
"""
VISITS = """{{ config(
    materialized='incremental',
    unique_key='visit_id',
    pre_hook="{{ forget_unless_newer('store_visits') }}",
) }}

with

final as (

    select visit_id, household_id as customer_id, spent, batch_date
    from {{ source('raw', 'store_visits') }}
    where {{ new_batches('store_visits', anew=true) }}

)

select * from final
"""
PROMISED = ", ".join(f"{name}, marts.customer_service.{name}" for name in NEW)
REQUEST = f"""
title: Calls and visits
asked_by: the stores
expects:
  columns:
    new: [{PROMISED}]
"""
COUNTS = f"select count(*), sum({NEW[0]}), sum({NEW[1]}) from marts.single_customer_view"
MODELS = [
    "intermediate.int_service_cases_latest",
    "intermediate.int_store_visits",
    "marts.customer_service",
]


def release(control: Control) -> str:
    """Return a release that reads a new column and a new table in an attribute each."""
    sql = (PROJECT / SERVICE).read_text()
    visits = "(select count(*) from {{ ref('int_store_visits') }} as visits where "
    visits += "visits.customer_id = households.customer_id)"
    sql = sql.replace(
        "        count_if(is_open) as cases_open,\n",
        "        count_if(is_open) as cases_open,\n"
        "        count_if(came_by = 'phone') as cases_by_phone,\n",
    ).replace(
        COUNTED,
        "cast(coalesce(counted.cases_by_phone, 0) as integer) as cases_by_phone,\n"
        f"        cast({visits} as integer) as store_visits,\n        {COUNTED}",
    )
    files: dict[str, str | None] = {
        SERVICE: sql,
        # Its examples know nothing of visits.
        SERVICE.replace(".sql", "_unit_tests.yml"): None,
        "expectations/store_visits.yml": CONTRACT,
        "models/intermediate/int_store_visits.sql": VISITS,
        "docs/requests/0003-calls-and-visits.yml": REQUEST,
    }
    return control.release(EDITS, files)


def asked(build: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(query).fetchall()


def deliver_both(instance: Instance) -> None:
    """Let the client deliver the column, and the table."""
    with closing(sqlite3.connect(instance.deliveries / CRM)) as crm, crm:
        crm.execute("alter table service_cases add column came_by text")
        crm.execute("update service_cases set came_by = 'phone'")
    visits = asked(
        instance.live, "select distinct customer_id from marts.single_customer_view order by 1"
    )
    lines = [f"{number},{who},1.5" for number, (who,) in enumerate(visits[:5])]
    text = "\n".join(["visit_id,household_id,spent", *lines]) + "\n"
    (instance.deliveries / str(NEXT) / "store_visits.csv").write_text(text)


def goes_live(instance: Instance, ledger: Ledger, control: Control) -> None:
    """Let the release go live: on batches that were taken before there was either."""
    is_proved(ledger)
    answer = control.scv("redeploy", release(control))
    assert answer.code == 0, answer.out + answer.err
    assert live.current(instance) == SECOND
    customers, calls, visits = asked(instance.live, COUNTS)[0]
    assert (customers > 0, calls, visits) == (True, 0, 0)
    kinds = {name: kind for name, kind, *_ in asked(instance.live, "describe raw.store_visits")}
    assert kinds == {
        "visit_id": "BIGINT",
        "household_id": "BIGINT",
        "spent": "DECIMAL(9,2)",
        "batch_date": "DATE",
    }


def test_it_goes_live_on_old_batches_and_the_night_after_has_both(
    instance: Instance, ledger: Ledger, control: Control, delivered: Path
) -> None:
    goes_live(instance, ledger, control)
    deliver_both(instance)

    night = control.scv("run", str(NEXT), SCV_CODE="live")

    assert night.code == 0, night.out + night.err
    built = instance.live.resolve()
    assert built.stem == f"{NEXT}-01"
    came = asked(built, f"select count(*) from raw.service_cases where batch_date = '{NEXT}'")
    _, calls, visits = asked(built, COUNTS)[0]
    assert (0 < calls <= came[0][0], visits) == (True, 5)
    assert asked(
        built, "select count(came_by) > 0, count(*) > count(came_by) from raw.service_cases"
    ) == [(True, True)]
    # Built on the afternoon's view or from every batch: it is the same.
    again = control.scv("run", str(NEXT), "--from-nothing", SCV_CODE="live")
    assert again.code == 0, again.out + again.err
    anew = instance.live.resolve()
    assert anew != built
    was, now = fingerprints.take(built), fingerprints.take(anew)
    assert [was[name] for name in MODELS] == [now[name] for name in MODELS]


def test_a_table_that_does_not_come_yet_is_empty_by_its_policy_and_the_way_back_is_open(
    instance: Instance, ledger: Ledger, control: Control, delivered: Path
) -> None:
    goes_live(instance, ledger, control)
    back = control.scv("rollback")
    assert back.code == 0, back.err
    assert live.current(instance) == LIVE
    goes = control.scv("redeploy", release(control))
    assert goes.code == 0, goes.out + goes.err
    with closing(sqlite3.connect(instance.deliveries / CRM)) as crm, crm:
        crm.execute("alter table service_cases add column came_by text")

    night = control.scv("run", str(NEXT), SCV_CODE="live")

    assert night.code == 0, night.out + night.err
    assert asked(instance.live, COUNTS)[0][2] == 0
    state = asked(instance.live, "select state from raw.batches where table_name = 'store_visits'")
    assert state == [("missing",)]
    told = ledger.row(
        sa.select(pins).where(pins.c.table_name == "store_visits", pins.c.build_id == f"{NEXT}-01")
    )
    assert told is not None
    assert "the table counts as empty, and every campaign that reads it is held" in told["sentence"]


@pytest.mark.parametrize("name", [STAGED, LATEST, RESOLVED])
def test_what_is_edited_here_is_there(name: str) -> None:
    assert (PROJECT / name).read_text().count(EDITS[name][0]) == 1
