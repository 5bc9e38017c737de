"""What is set aside can be looked at, released or corrected; who did it stands in the ledger."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from flows.contracts.contract import Contract
from flows.errors import CorrectionRefused
from flows.intake import corrections, quarantine
from flows.intake.quarantine import Desk
from flows.ledger import Ledger, deliveries
from flows.ledger import corrections as trace
from flows.settings import Instance
from tests.conftest import Answer
from tests.intake.desk import DAY, FEW, UNIQUE, contract_of, rows_of, values
from tests.intake.shop import Shop

Scv = Callable[..., Answer]
WHY = ("--who", "Ada", "--why", "the shop says so")
NAMES = {"visit_id": "bigint", "who": "varchar", "steps": "integer", "spent": "decimal(18,4)"}
GOOD = "".join(f"{n},a,{n},12345678901234.5678\n" for n in range(1, 41))
BAD = "41,b,x,1\n42,c,500,99999999999999.9999\n43,=1+1,3,1\n44,d\n45,e,900,2\n"


def contract(**terms: Any) -> Contract:
    return contract_of(NAMES, suite=(UNIQUE, FEW), **terms)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A shop that sent forty good rows and five that are not."""
    made = Shop(tmp_path, contract())
    monkeypatch.setenv("SCV_WAREHOUSE", str(made.instance.warehouse))
    monkeypatch.setenv("SCV_DELIVERIES", str(made.instance.deliveries))
    monkeypatch.setattr("flows.contracts.files.read_contracts", lambda: {"visits": made.contract})
    from flows.settings import read_instance

    read_instance.cache_clear()
    made.send("visit_id,who,steps,spent\n" + GOOD + BAD)
    assert made.receive().state == "arrived"
    yield made
    read_instance.cache_clear()


def export(shop: Shop, folder: Path) -> list[dict[str, str]]:
    quarantine.export(shop.desk, folder / "aside.csv")
    with (folder / "aside.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["quarantine_row"])
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def versions(ledger: Ledger) -> list[tuple[int, int, int]]:
    query = sa.select(deliveries).order_by(deliveries.c.version)
    return [
        (row["version"], row["rows_accepted"], row["rows_quarantined"])
        for row in ledger.rows(query)
    ]


def test_warnings_misfits_and_torn_rows_are_set_aside_each_with_its_reason(shop: Shop) -> None:
    found = {aside.reason: aside.rows for aside in quarantine.overview(shop.ledger)}
    assert found == {
        "expect_column_values_to_be_between on steps": 2,
        "steps is not a integer": 1,
        "who begins like a spreadsheet formula": 1,
        "the row has missing columns": 1,
    }
    assert versions(shop.ledger) == [(1, 40, 5)]


def test_the_overview_names_what_is_set_aside_and_no_value(shop: Shop, scv: Scv) -> None:
    answer = scv("quarantine")
    assert answer.code == 0
    for words in ("2017-11-22", "visits", "taken", "scv quarantine show visits 2017-11-22"):
        assert words in answer.out
    assert "99999999999999" not in answer.out


def test_rows_are_shown_with_their_text(shop: Shop, scv: Scv) -> None:
    answer = scv("quarantine", "show", "visits", "2017-11-22", "--rows", "4")
    assert answer.code == 0
    assert "1 more: --rows 5" in answer.out


def test_released_rows_are_let_in_as_they_came(shop: Shop, scv: Scv) -> None:
    reason = "expect_column_values_to_be_between on steps"
    answer = scv("quarantine", "release", "visits", "2017-11-22", *WHY, "--reason", reason)
    assert (answer.code, answer.err) == (0, "")
    assert "2 rows released" in answer.out
    assert versions(shop.ledger) == [(1, 40, 5), (2, 42, 3)]
    batch = rows_of(shop.newest["batch_path"])
    assert [row for row in batch if row["visit_id"] > 40] == [
        {"visit_id": 42, "who": "c", "steps": 500, "spent": row_spent(batch, 42)},
        {"visit_id": 45, "who": "e", "steps": 900, "spent": row_spent(batch, 45)},
    ]
    assert str(row_spent(batch, 42)) == "99999999999999.9999"
    assert len(rows_of(shop.path("batches", 1))) == 40, "the version before stays"
    assert len(rows_of(shop.path("quarantine", 1))) == 5
    (kept,) = shop.ledger.rows(sa.select(trace))
    assert (kept["who"], kept["why"], kept["action"]) == ("Ada", "the shop says so", "release")
    assert (kept["from_version"], kept["to_version"], kept["rows"]) == (1, 2, 2)
    again = scv("quarantine", "release", "visits", "2017-11-22", *WHY, "--reason", reason)
    assert again.code == 1
    assert len(versions(shop.ledger)) == 2
    assert "Ada released 2 rows" in scv("quarantine").out


def row_spent(rows: list[dict[str, Any]], visit: int) -> Any:
    return next(row["spent"] for row in rows if row["visit_id"] == visit)


def test_a_row_that_does_not_fit_its_type_is_not_released(shop: Shop, scv: Scv) -> None:
    for reason in ("steps is not a integer", "the row has missing columns", None):
        said = ("--reason", reason) if reason else ()
        answer = scv("quarantine", "release", "visits", "2017-11-22", *WHY, *said)
        assert answer.code == 1
        assert "rows still do not fit" in answer.err
    assert versions(shop.ledger) == [(1, 40, 5)]
    assert not shop.path("batches", 2).exists()


def test_a_reason_that_nothing_has_is_told_so(shop: Shop, scv: Scv) -> None:
    answer = scv("quarantine", "release", "visits", "2017-11-22", *WHY, "--reason", "x")
    assert answer.code == 1
    assert "No row is set aside because 'x'" in answer.err


def test_who_and_why_are_not_blank(shop: Shop) -> None:
    for who, why in ((" ", "a reason"), ("Ada", "")):
        with pytest.raises(CorrectionRefused, match="Say who decided and why"):
            corrections.release(shop.desk, FEW.type + " on steps", who, why)


def test_corrected_rows_are_taken_and_the_others_stay(shop: Shop, scv: Scv, tmp_path: Path) -> None:
    path = tmp_path / "aside.csv"
    answer = scv("quarantine", "export", "visits", "2017-11-22", str(path))
    assert "5 rows are in" in answer.out
    rows = export(shop, tmp_path)
    torn = next(row for row in rows if row["quarantine_text"])
    assert torn["quarantine_text"] == "44,d"
    torn |= {"visit_id": "44", "who": "d", "steps": "4", "spent": "1.5"}
    bad = next(row for row in rows if row["visit_id"] == "41")
    bad["steps"] = "7"
    write(path, [torn, bad])
    answer = scv("quarantine", "correct", "visits", "2017-11-22", str(path), *WHY)
    assert (answer.code, answer.err) == (0, "")
    assert versions(shop.ledger) == [(1, 40, 5), (2, 42, 3)]
    assert {41, 44} <= set(values(rows_of(shop.newest["batch_path"]), "visit_id"))
    left = {aside.reason for aside in quarantine.overview(shop.ledger)}
    assert left == {FEW.type + " on steps", "who begins like a spreadsheet formula"}
    again = scv("quarantine", "correct", "visits", "2017-11-22", str(path), *WHY)
    assert again.code == 1
    assert "is not a file of corrections of what is set aside now" in again.err
    assert len(versions(shop.ledger)) == 2


def test_a_formula_stands_disarmed_in_an_export_and_comes_back_as_it_was(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [row for row in export(shop, tmp_path) if row["visit_id"] == "43"]
    assert rows[0]["who"] == "'=1+1"
    with pytest.raises(CorrectionRefused, match="begins like a spreadsheet formula"):
        corrections.correct(shop.desk, write(tmp_path / "aside.csv", rows), "Ada", "why")
    rows[0]["who"] = "one and one"
    assert corrections.correct(shop.desk, write(tmp_path / "aside.csv", rows), "Ada", "why") == 1


def test_a_file_that_a_spreadsheet_saved_is_read(shop: Shop, tmp_path: Path) -> None:
    rows = [row | {"steps": "9"} for row in export(shop, tmp_path) if row["visit_id"] == "41"]
    path = write(tmp_path / "aside.csv", rows)
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    assert corrections.correct(shop.desk, path, "Ada", "why") == 1


Spoil = Callable[[list[dict[str, str]]], list[dict[str, str]]]
WRONG_FILES: dict[str, Spoil] = {
    "no rows": lambda _: [],
    "a row twice": lambda rows: [rows[0], rows[0]],
    "a row that is not there": lambda rows: [rows[0] | {"quarantine_row": "99"}],
    "a number that is none": lambda rows: [rows[0] | {"quarantine_row": "one"}],
    "another version": lambda rows: [rows[0] | {"quarantine_version": "7"}],
    "no version": lambda rows: [rows[0] | {"quarantine_version": ""}],
    "a column less": lambda rows: [{k: v for k, v in row.items() if k != "who"} for row in rows],
    "all as it was": lambda rows: rows,
    "nothing filled in": lambda rows: [row for row in rows if row["quarantine_text"]],
    "a row that breaks a warning": lambda rows: [
        rows[0] | {"visit_id": "41", "steps": "101", "who": "b", "spent": "1"}
    ],
    "a row that breaks a critical check": lambda rows: [
        rows[0] | {"visit_id": "40", "steps": "1", "who": "b", "spent": "1"}
    ],
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_wrong_file_is_refused_and_nothing_is_changed(
    wrong: str, shop: Shop, tmp_path: Path, scv: Scv
) -> None:
    path = write(tmp_path / "aside.csv", WRONG_FILES[wrong](export(shop, tmp_path)))
    answer = scv("quarantine", "correct", "visits", "2017-11-22", str(path), *WHY)
    assert answer.code == 1
    assert answer.err.startswith("Stopped: ")
    assert versions(shop.ledger) == [(1, 40, 5)]
    assert not shop.ledger.rows(sa.select(trace))
    assert not shop.path("batches", 2).exists()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"quarantine_row\n1\n", b'"' * 200_000])
def test_a_file_that_is_no_csv_of_ours_is_refused(raw: bytes, shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(raw)
    for path in (tmp_path / "x.csv", tmp_path / "absent.csv"):
        with pytest.raises(CorrectionRefused, match="Write"):
            corrections.correct(shop.desk, path, "Ada", "why")


def test_a_release_that_would_break_a_critical_check_is_refused(tmp_path: Path, shop: Shop) -> None:
    shop.send("visit_id,who,steps,spent\n" + GOOD + "40,b,500,1\n")
    # Twice the same key is no fault while one of the two is set aside? It is: checks come first.
    assert shop.receive().state == "invalid"
    shop.send("visit_id,who,steps,spent\n" + GOOD + "x,b,5,1\n41,a,500,1\n")
    assert shop.receive().state == "arrived"
    rows = [row for row in export(shop, tmp_path) if row["quarantine_reason"].startswith("visit")]
    rows[0]["visit_id"] = "41"
    assert corrections.correct(shop.desk, write(tmp_path / "a.csv", rows), "Ada", "why") == 1
    with pytest.raises(CorrectionRefused, match="would break its contract"):
        corrections.release(shop.desk, None, "Ada", "why")


def test_the_overview_shows_what_is_set_aside_now_only(shop: Shop) -> None:
    def now() -> set[tuple[int, bool]]:
        return {(aside.version, aside.taken) for aside in quarantine.overview(shop.ledger)}

    assert now() == {(1, True)}
    shop.send("visit_id,who,steps,spent\n" + GOOD + "x,,,\n" * 30)
    assert shop.receive().state == "invalid"
    assert now() == {(1, True), (2, False)}, "sent again and refused: a person must look at both"
    assert shop.desk.delivery["version"] == 2
    assert shop.desk.held["version"] == 1
    shop.send("visit_id,who,steps,spent\n" + GOOD)
    assert shop.receive().state == "arrived"
    assert now() == set(), "sent again and clean"
    shop.send("visit_id,who,steps,spent\n" + GOOD + "x,,,\n")
    assert shop.receive().state == "arrived"
    assert now() == {(4, True)}, "set aside after a clean one"
    shop.send("visit_id,who,steps,spent\n" + GOOD + "x,,,\n" * 30)
    shop.receive()
    shop.send("visit_id,who,steps,spent\n" + GOOD + "x,,,\n")
    assert shop.receive().taken_before, "the accepted bytes again: what was refused is withdrawn"
    assert now() == {(4, True)}


def test_rows_of_a_refused_delivery_can_be_looked_at_and_not_let_in(
    shop: Shop, scv: Scv, tmp_path: Path
) -> None:
    other = DAY + dt.timedelta(days=1)
    shop.send("visit_id,who,steps,spent\n" + "x,,,\n" * 30, other)
    assert shop.receive(other).state == "invalid"
    answer = scv("quarantine")
    assert f"scv quarantine show visits {other}" in answer.out
    assert scv("quarantine", "show", "visits", str(other)).code == 0
    path = str(tmp_path / "x.csv")
    assert scv("quarantine", "export", "visits", str(other), path).code == 0
    answer = scv("quarantine", "release", "visits", str(other), *WHY)
    assert answer.code == 1
    assert "no accepted delivery" in answer.err


def test_a_date_without_rows_set_aside_and_a_table_that_is_unknown_are_told_so(
    shop: Shop, scv: Scv
) -> None:
    answer = scv("quarantine", "show", "visits", "2016-01-01")
    assert (answer.code, "has no rows set aside" in answer.err) == (1, True)
    answer = scv("quarantine", "show", "nothing", "2016-01-01")
    assert (answer.code, "There is no contract for nothing" in answer.err) == (2, True)


def test_a_correction_stays_when_the_same_bytes_are_received_again(shop: Shop) -> None:
    corrections.release(shop.desk, FEW.type + " on steps", "Ada", "why")
    again = shop.receive()
    assert again.taken_before
    assert again.counts is not None
    assert (again.counts.accepted, again.counts.quarantined) == (42, 3)
    assert again.checks_run == 2


def test_consents_are_never_taken_in_part(tmp_path: Path) -> None:
    strict = Shop(tmp_path, contract(is_consent=True))
    strict.send("visit_id,who,steps,spent\n" + GOOD + "41,b,x,1\n")
    assert strict.receive().state == "invalid"
    with pytest.raises(CorrectionRefused, match="no accepted delivery"):
        corrections.release(strict.desk, None, "Ada", "why")
    assert [aside.taken for aside in quarantine.overview(strict.ledger)] == [False]


def test_what_a_killed_attempt_set_aside_is_not_told_of_the_next(tmp_path: Path) -> None:
    shop = Shop(tmp_path, contract())
    left = shop.path("quarantine", 1)
    left.parent.mkdir(parents=True)
    duckdb.execute(f"copy (select 'x' as row_text, 'y' as reason) to '{left}' (format parquet)")
    shop.send("visit_id,who,steps,spent\n" + GOOD)
    shop.receive()
    assert shop.newest["quarantine_path"] is None
    assert quarantine.overview(shop.ledger) == []


def test_a_desk_knows_its_instance(shop: Shop, tmp_path: Path) -> None:
    other = Instance(warehouse=tmp_path / "other", deliveries=tmp_path)
    desk = Desk(other, Ledger(other.ledger_url), shop.contract, DAY)
    with pytest.raises(CorrectionRefused, match="has no rows set aside"):
        quarantine.export(desk, tmp_path / "x.csv")
