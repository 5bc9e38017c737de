"""`scv` as a person meets it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.main import get_command

from flows.builds import development, live
from flows.cli import app
from flows.ledger import Ledger, nights, now
from flows.settings import Instance
from tests.conftest import NEXT, PROJECT, Answer, World

Scv = Callable[..., Answer]


def dbt(command: str, select: str, folder: Path) -> list[str]:
    """A call of plain dbt that leaves nothing in the checkout."""
    places = ["--target-path", str(folder / "target"), "--log-path", str(folder)]
    return [str(PROJECT / ".venv/bin/dbt"), command, "--select", select, *places]


def commands() -> list[str]:
    """Every command and sub-command, as it is typed."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        found += [f"{name} {sub}" for sub in below] if below else [name]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_says_what_it_does(command: str, scv: Scv) -> None:
    answer = scv(*command.split(), "--help")
    assert answer.code == 0
    assert len(re.findall(r"\w+", answer.out)) > 12


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme_or_contributing(command: str) -> None:
    pages = (PROJECT / "README.md").read_text() + (PROJECT / "CONTRIBUTING.md").read_text()
    assert f"scv {command}" in pages


def test_make_run_says_what_a_person_wants_to_know(world: World) -> None:
    for words in (
        "Tables of 2017-11-21",
        "transactions │ arrived",
        "12 of 12",
        "Campaigns of 2017-11-21",
        "store_news_email",
        "live.duckdb",
        "campaign files",
        "docs site",
        "What to try next",
    ):
        assert re.sub(r"\s+", " ", words) in re.sub(r"\s+", " ", world.said)


def test_status_says_what_is_live_and_what_to_do_next(instance: Instance, scv: Scv) -> None:
    answer = scv("status")
    assert answer.code == 0
    assert "live is 2017-11-21-01" in answer.out
    assert "Next: scv run 2017-11-22" in answer.out


def test_status_of_a_night_whose_process_is_gone_says_to_run_it_again(
    instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    running = {"step": "building the view", "state": "running", "started_at": now()}
    ledger.add(nights, business_date=NEXT, pid=gone.pid, **running)
    said = scv("status").out
    assert f"The night of {NEXT} was cut off while building the view" in said
    assert "Run the date again" in said
    assert "Look again" not in said


def test_status_of_a_date_on_which_nothing_ran_says_so(instance: Instance, scv: Scv) -> None:
    answer = scv("status", "2017-12-24")
    assert answer.code == 2
    assert "Nothing has run for 2017-12-24" in answer.err


def test_a_word_that_is_no_date_is_told_so(instance: Instance, scv: Scv) -> None:
    answer = scv("run", "yesterday")
    assert answer.code == 2
    assert "'yesterday' is not a date: write it as 2017-11-21" in answer.err


def test_explain_campaign_says_what_it_reads_and_who_was_left_out(
    instance: Instance, scv: Scv
) -> None:
    answer = scv("explain", "campaign", "win_back_email")
    assert answer.code == 0
    for words in (
        *("lifecycle_stage", "transactions (business_date)", "frequency_cap", "2017-11-21: sent"),
        "days_since_last_order (only told as the reason)",
    ):
        assert words in answer.out


def test_explain_column_says_what_it_means_and_is_made_of(instance: Instance, scv: Scv) -> None:
    answer = scv("explain", "column", "coupons_redeemed_lifetime")
    assert answer.code == 0
    for words in (
        *("customer_engagement", "coupon_redemptions (its rows)", "coupon_lovers_email"),
        *("integer", "household_id"),
    ):
        assert words in answer.out


def test_a_name_that_is_not_known_gets_the_nearest_one(instance: Instance, scv: Scv) -> None:
    answer = scv("explain", "column", "last_ordr_date")
    assert answer.code == 2
    assert "Did you mean last_order_date" in answer.err


def test_check_reads_every_contract_and_every_accepted_request(scv: Scv) -> None:
    answer = scv("check")
    assert answer.code == 0
    read = [*(PROJECT / "expectations").glob("*.yml"), *(PROJECT / "docs/requests").glob("*.yml")]
    assert answer.out.count("sound") == len(read)


def test_before_the_first_night_every_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scv: Scv
) -> None:
    from flows.settings import read_instance

    monkeypatch.setenv("SCV_WAREHOUSE", str(tmp_path))
    read_instance.cache_clear()
    try:
        assert "make run" in scv("status").out
        for command in (
            *("rollback", "dev", "docs", "recount", "customer 101"),
            *("explain campaign win_back_email", "explain column is_vip"),
            *("gate 2017-11-22 --what-if transactions=missing", "predictions report"),
        ):
            answer = scv(*command.split())
            assert answer.code == 1, command
            assert "Nothing is published yet. Start with: make run" in answer.err, command
    finally:
        read_instance.cache_clear()


def test_no_name_or_address_of_a_customer_is_said_or_written_down(world: World) -> None:
    build = live.path_of(_instance(world), "2017-11-21-01")
    with duckdb.connect(str(build), read_only=True) as connection:
        people = connection.execute(
            "select email_norm, phone_e164 from marts.customer_identity "
            "where email_norm is not null and phone_e164 is not null"
        ).fetchall()
    ledger = (world.warehouse / "demo" / "ledger.sqlite").read_bytes()
    log = (world.warehouse / "demo" / "dbt" / "dbt.log").read_bytes()
    said = world.said.encode()
    for value in {value for row in people for value in row}:
        for place in (ledger, log, said):
            assert value.encode() not in place


def test_plain_dbt_works_on_a_development_fork(
    instance: Instance, scv: Scv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = tmp_path / "dev.duckdb"
    monkeypatch.setattr(development, "DEVELOPMENT", fork)
    assert scv("dev").code == 0
    done = subprocess.run(
        dbt("build", "customer_lifecycle+1", tmp_path),
        cwd=PROJECT,
        env={"SCV_BUILD": str(fork), "PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "ERROR=0" in done.stdout


def test_dbt_without_a_fork_says_how_to_get_one(tmp_path: Path) -> None:
    done = subprocess.run(
        dbt("run", "campaigns_due", tmp_path),
        cwd=PROJECT,
        env={"SCV_BUILD": str(tmp_path / "none.duckdb"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "fork one from live with `scv dev`" in done.stdout


def test_the_client_outside_its_year_is_told_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.client", "2018-01-03", "--to", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "outside the client's year" in done.stderr


def _instance(world: World) -> Instance:
    return Instance(deliveries=world.deliveries, warehouse=world.warehouse)
