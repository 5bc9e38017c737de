"""`scv customer`: one customer of the world, found by any of its ids, with its reasons."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.builds import live
from flows.ledger import Ledger, decisions
from flows.settings import Instance
from tests.conftest import NIGHTS, Answer

Scv = Callable[..., Answer]
LAST = "2017-11-21-01"


def ask(nights: dict[date, Path], query: str) -> list[tuple[Any, ...]]:
    """Rows of the last build."""
    with duckdb.connect(str(nights[NIGHTS[-1]]), read_only=True) as connection:
        return connection.execute(query).fetchall()


def told(scv: Scv, name: str, *options: str) -> dict[str, Any]:
    """What the command says of a customer to a machine."""
    answer = scv("customer", name, "--json", *options)
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_the_client_s_id_and_ours_lead_to_the_same_row(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs, ours, orders = ask(
        nights,
        "select client_customer_id, scv_customer_id, orders_lifetime "
        "from marts.single_customer_view where source_record_count = 1 "
        "order by customer_id limit 1",
    )[0]
    by_theirs, by_ours = told(scv, theirs), told(scv, ours)
    assert by_theirs["row"] == by_ours["row"]
    assert by_ours["row"]["orders_lifetime"] == orders
    assert by_ours["record"]["record_status"] == "customer"


def test_an_id_that_was_merged_leads_to_whom_it_is_now(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs, own, into, since = ask(
        nights,
        "select client_customer_id, record_scv_customer_id, merged_into_scv_customer_id, merged_at "
        "from marts.customer_records where record_status = 'merged' "
        "and merged_into_scv_customer_id is not null order by all limit 1",
    )[0]
    for name in (theirs, own):
        said = scv("customer", name).out
        assert f"is merged into {into} since {since:%Y-%m-%d}" in said
        assert f"scv_customer_id: {into}" in said


def test_a_closed_record_has_no_row_and_says_since_when(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs, since = ask(
        nights,
        "select client_customer_id, closed_at from marts.customer_records "
        "where record_status = 'closed' order by closed_at desc limit 1",
    )[0]
    said = scv("customer", theirs).out
    assert f"closed since {since:%Y-%m-%d}. It is no customer any more" in said
    assert "lifecycle_stage:" not in said.partition("What changed")[0]
    assert told(scv, theirs)["row"] is None


def test_who_closed_its_account_was_a_customer_in_the_builds_before(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs = ask(
        nights,
        "select client_customer_id from marts.customer_records where record_status = 'closed' "
        "and cast(closed_at as date) = date '2017-11-21'",
    )[0][0]
    assert told(scv, theirs)["absent"] == ["2017-11-21"]


def test_names_and_addresses_are_shown_only_when_asked_for(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    row = ask(
        nights,
        "select client_customer_id, first_name, last_name, email_norm, phone_e164, address_line, "
        "cast(birth_date as varchar) from marts.single_customer_view where email_norm is not null "
        "and phone_e164 is not null and address_line is not null and birth_date is not null "
        "order by customer_id limit 1",
    )[0]
    hidden, shown = scv("customer", row[0]).out, scv("customer", row[0], "--show-personal").out
    for value in row[1:]:
        assert value not in hidden
        assert value in shown
    assert row[3] not in scv("customer", row[0], "--json").out


def test_the_reason_of_a_stage_is_in_the_terms_of_the_thresholds(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    rows = ask(
        nights,
        "select lifecycle_stage, min(client_customer_id), "
        "min_by(days_since_last_order, client_customer_id) "
        "from marts.single_customer_view group by all order by all",
    )
    stages = {stage: told(scv, theirs)["why"]["lifecycle_stage"] for stage, theirs, _ in rows}
    assert len(stages) == 7
    for stage, _, days in rows:
        assert stages[stage].startswith(f"{stage} since ")
        if stage in ("at_risk", "churned", "dormant"):
            assert f"the last order was {days} days ago" in stages[stage]
    assert "more than 30 days, no more than 60 days" in stages["at_risk"]
    assert "no order yet" in stages["prospect"]


def test_who_may_not_be_written_to_is_told_why(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    rows = ask(
        nights,
        "select suppression_reason, min(client_customer_id) from marts.single_customer_view "
        "where not contactable_any group by all",
    )
    assert len(rows) >= 4
    for reason, theirs in rows:
        said = told(scv, theirs)["why"]["contactable"]
        assert said.startswith(f"not at all, {reason}; e-mail: no, ")


def test_a_micro_segment_says_what_was_folded(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    folded, whole = ask(
        nights,
        "select min(case when micro_segment_id not like '%.%' then client_customer_id end), "
        "min(case when micro_segment_id like '%.%.%.%.%' then client_customer_id end) "
        "from marts.single_customer_view",
    )[0]
    assert (
        "folded by value and frequency and channel and department"
        in (told(scv, folded)["why"]["micro_segment"])
    )
    assert told(scv, whole)["why"]["micro_segment"].endswith("no level was folded")


def test_each_campaign_of_the_day_says_what_it_came_to(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    rows = ask(
        nights,
        "select campaign_id, status, rule, reason, client_customer_id "
        "from campaigns.campaign_targets inner join marts.customer_identity using (customer_id) "
        "qualify row_number() over (partition by status, rule order by customer_id) = 1",
    )
    assert {row[1] for row in rows} == {"chosen", "control", "excluded"}
    due = {row[0] for row in ask(nights, "select campaign_id from campaigns.campaigns_due")}
    for campaign, status, rule, reason, theirs in rows:
        campaigns = {each["campaign_id"]: each for each in told(scv, theirs)["campaigns"]}
        assert campaigns.keys() == due
        found = campaigns[campaign]
        assert (found["status"], found["rule"], found["reason"]) == (status, rule, reason)


def test_what_went_out_is_told_and_who_was_held_back(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs = dict(
        ask(
            nights,
            "select status, min(client_customer_id) from campaigns.campaign_targets "
            "inner join marts.customer_identity using (customer_id) "
            "where campaign_id = 'vip_thank_you_letter' group by status",
        )
    )
    today = "2017-11-21 vip_thank_you_letter by direct_mail"
    assert f"{today}\n" in scv("customer", theirs["chosen"]).out
    assert f"{today}: held back as control\n" in scv("customer", theirs["control"]).out
    assert today not in scv("customer", theirs["excluded"]).out


def test_a_campaign_that_is_held_says_so(
    instance: Instance, ledger: Ledger, scv: Scv, nights: dict[date, Path]
) -> None:
    ledger.change(
        decisions,
        (decisions.c.build_id == LAST) & (decisions.c.campaign_id == "win_back_email"),
        verdict="held",
        sentence="win_back_email waits for consents.",
    )
    theirs = ask(
        nights,
        "select min(client_customer_id) from campaigns.campaign_targets "
        "inner join marts.customer_identity using (customer_id) "
        "where campaign_id = 'win_back_email' and status = 'chosen'",
    )[0][0]
    assert "The campaign is held: win_back_email waits for consents." in scv("customer", theirs).out


def test_the_history_tells_what_changed_and_not_what_moves_with_the_date(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    with duckdb.connect(str(nights[NIGHTS[-1]]), read_only=True) as connection:
        connection.execute(f"attach '{nights[NIGHTS[-2]]}' as before (read_only)")
        theirs, stage, former = connection.execute(
            "select now.client_customer_id, life.lifecycle_stage, earlier.lifecycle_stage "
            "from marts.customer_lifecycle as life "
            "inner join marts.customer_identity as now using (customer_id) "
            "inner join before.marts.customer_lifecycle as earlier using (customer_id) "
            "where life.lifecycle_stage <> earlier.lifecycle_stage order by customer_id limit 1"
        ).fetchall()[0]
    changes = told(scv, theirs)["changes"]
    assert {
        "business_date": "2017-11-21",
        "attribute": "lifecycle_stage",
        "before": former,
        "after": stage,
    } in changes
    moving = {"tenure_days", "days_since_last_order", "profile_as_of_date", "build_id"}
    assert not moving & {change["attribute"] for change in changes}


def test_nobody_of_that_id_is_an_error_that_says_what_to_do(instance: Instance, scv: Scv) -> None:
    for name in ("C0000000000000000", "nobody", "1'; drop table x"):
        answer = scv("customer", name)
        assert answer.code == 2
        assert f"knows nobody of the id '{name}'" in answer.err
        assert "scv quarantine" in answer.err
        assert "Traceback" not in answer.err


def test_a_build_that_is_older_than_the_records_still_finds_its_customers(
    instance: Instance, scv: Scv, nights: dict[date, Path]
) -> None:
    theirs = ask(nights, "select min(client_customer_id) from marts.customer_identity")[0][0]
    path = live.path_of(instance, LAST)
    path.unlink()
    path.write_bytes(nights[NIGHTS[-1]].read_bytes())
    with duckdb.connect(str(path)) as connection:
        for table in ("view marts.customer_records", "table campaigns.campaign_targets"):
            connection.execute(f"drop {table}")
    answer = scv("customer", theirs)
    assert answer.code == 0
    assert "none is due" in answer.out


def test_it_is_there_before_one_looks_away(instance: Instance, scv: Scv) -> None:
    scv("customer", "1")
    begun = time.process_time()
    scv("customer", "1")
    assert time.process_time() - begun < 1.5


def test_before_the_first_night_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scv: Scv
) -> None:
    from flows.settings import read_instance

    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path))
    read_instance.cache_clear()
    try:
        answer = scv("customer", "1")
        assert answer.code == 1
        assert "make run" in answer.err
    finally:
        read_instance.cache_clear()
