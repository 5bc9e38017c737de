"""The first night on new code: like its afternoon, or built by the release before."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flows import watch
from flows.builds import fork, live
from flows.ledger import Ledger, builds, deploys, occurrences
from flows.settings import Instance
from tests.conftest import NEXT
from tests.releases.control import LIVE, Control, is_proved

NIGHT = """
import datetime as dt
from flows.ledger import Ledger
from flows.nightly import run_watched
from flows.settings import read_instance
instance = read_instance()
ended = run_watched(instance, Ledger(instance.ledger_url), dt.date(2017, 11, 22), print)
print(ended.code, ended.sentence)
"""
AFTERNOON = f"{LIVE[:-1]}2"


MOVES = "update marts.attribute_distributions"


def spoilt(instance: Instance, sql: str) -> Path:
    """Return a copy of live in which something was changed."""
    return fork_of(instance, live.path_of(instance, LIVE), sql, "spoilt.duckdb")


def fork_of(instance: Instance, build: Path, sql: str, name: str = "usual.duckdb") -> Path:
    """Return a copy of a build in which something was changed."""
    copy = instance.builds / name
    fork.fork(build, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute(sql)
    return copy


def test_a_night_that_is_like_the_night_before_has_its_shape(
    instance: Instance, nights: dict[dt.date, Path]
) -> None:
    days = sorted(nights)
    assert watch.broken(nights[days[-2]], nights[days[-1]]) == []


def test_an_attribute_may_go_as_far_as_it_went_in_the_nights_before_and_no_other(
    instance: Instance, nights: dict[dt.date, Path]
) -> None:
    days, half = sorted(nights), "set known_count = known_count // 2 where attribute = "
    lost = fork_of(instance, nights[days[2]], f"{MOVES} {half} 'churn_factor'")
    moved = spoilt(instance, f"{MOVES} {half} 'churn_factor'")
    before = [nights[days[1]], lost]
    assert watch.broken(nights[days[-1]], moved, before) == []
    won = [lost, nights[days[2]]]
    assert any("churn_factor" in each for each in watch.broken(nights[days[-1]], moved, won))
    other = spoilt(instance, f"{MOVES} {half} 'cases_90d'")
    assert any("cases_90d" in each for each in watch.broken(nights[days[-1]], other, before))


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (
            "delete from marts.customer_lifecycle where customer_id % 10 = 0",
            "The customers were",
        ),
        (
            "update marts.customer_reachability set contactable_email = false, "
            "contactable_any = false where customer_id % 5 = 0",
            "reached by contactable_email were",
        ),
        (
            "update marts.attribute_distributions set known_count = known_count // 2 "
            "where attribute = 'churn_factor'",
            "churn_factor was known of",
        ),
    ],
    ids=["customers are gone", "a channel is gone", "an attribute is gone"],
)
def test_what_no_day_moves_breaks_the_shape(instance: Instance, sql: str, sentence: str) -> None:
    found = watch.broken(live.path_of(instance, LIVE), spoilt(instance, sql))
    assert any(sentence in each for each in found), found


def test_the_release_before_builds_the_night_where_the_new_one_breaks_its_shape(
    delivered: Path, instance: Instance, ledger: Ledger, control: Control
) -> None:
    is_proved(ledger)
    # Equal in the afternoon: what is wrong with it shows on the next day only.
    counted = "cast(coalesce(counted.cases_90d, desk.nothing) as integer) as cases_90d"
    later = "case when {{ business_date() }} <= date '2017-11-21' then 1 end"
    broken = counted.replace("desk.nothing)", f"desk.nothing) * {later}")
    release = control.release({"models/marts/customer_service.sql": (counted, broken)})
    answer = control.scv("redeploy", release)
    assert answer.code == 0, answer.err
    assert live.current(instance) == AFTERNOON

    night = subprocess.run(
        [sys.executable, "-c", NIGHT],
        cwd=control.folder,
        env=os.environ | control.environment | {"PYTHONPATH": str(control.folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert night.returncode == 0, night.stderr
    said = night.stdout
    assert f"{release} is taken back, {LIVE} is live and its code builds the night" in said
    assert "campaigns sent" in said.splitlines()[-1]
    rows = {row["build_id"]: row for row in ledger.rows(builds.select())}
    failed, built = rows[f"{NEXT}-01"], rows[f"{NEXT}-02"]
    assert (failed["state"], failed["release"]) == ("failed", release)
    assert "cases_90d was known of" in failed["sentence"]
    assert (built["state"], built["release"]) == ("published", control.commit)
    assert built["base_build_id"] == LIVE
    assert live.current(instance) == f"{NEXT}-02"
    sent = ledger.rows(occurrences.select().where(occurrences.c.business_date == NEXT))
    assert sent and {row["build_id"] for row in sent} == {f"{NEXT}-02"}
    deploy = ledger.row(deploys.select().where(deploys.c.release == release))
    assert deploy is not None and deploy["state"] == "rolled back"
    assert "Taken back by the evening watch" in deploy["sentence"]
