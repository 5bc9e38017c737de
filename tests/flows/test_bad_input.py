"""Whatever the client gets wrong, live stays as it was, and a sentence says what to do next.

Each fault is put into the client's delivery of 2017-11-22 and run as the night runs it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pytest

from demo.delivery import Client
from flows.builds import dbt
from flows.contracts.files import read_contracts
from flows.ledger import Ledger
from flows.settings import PROJECT, Instance
from tests.conftest import Answer
from tests.flows.spoiling import (
    DAY,
    RUN_AGAIN,
    Live,
    builds_of,
    columns,
    content,
    file_of,
    manifest_of,
    newest,
    night_of,
    objects,
    put,
    rewrite,
    rewrite_products,
    rows_of,
    sent_on,
    states,
    tell,
    with_value,
)

Scv = Callable[..., Answer]
CONTRACTS = read_contracts()


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """Every test here runs the flow."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a table, the state that the ledger keeps, and words of the sentence."""

    name: str
    table: str
    spoil: Callable[[Path], None]
    state: str
    words: tuple[str, ...]


def rewritten(table: str, transform: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, table, transform)


def a_truncated_gzip(folder: Path) -> None:
    whole = file_of(folder, "transactions").read_bytes()
    put(folder, "transactions", whole[: len(whole) // 2], 6352)


def a_torn_parquet(folder: Path) -> None:
    whole = file_of(folder, "products").read_bytes()
    put(folder, "products", whole[: len(whole) // 2], 92_331)


def no_bytes(folder: Path) -> None:
    put(folder, "transactions", b"", 0)


def no_bytes_although_rows_were_promised(folder: Path) -> None:
    put(folder, "transactions", b"", 6352)


def yesterdays_file(folder: Path) -> None:
    yesterday = folder.with_name("2017-11-21")
    rows = next(t["rows"] for t in manifest_of(yesterday)["tables"] if t["table"] == "transactions")
    put(folder, "transactions", file_of(yesterday, "transactions").read_bytes(), rows)


def yesterdays_rows(folder: Path) -> None:
    rows = content(folder.with_name("2017-11-21"), "transactions").splitlines(keepends=True)
    rewrite(folder, "transactions", lambda _: b"".join(rows[:-1]))


def half_a_master(folder: Path) -> None:
    rewrite_products(folder, "select * from products limit 40000")


def a_line_twice(raw: bytes) -> bytes:
    return raw + raw.splitlines(keepends=True)[-1]


def told(**told: object) -> Callable[[Path], None]:
    return lambda folder: tell(folder, "transactions", **told)


FAULTS = [
    Fault(
        "a missing column",
        "transactions",
        rewritten("transactions", columns(lambda row: {k: row[k] for k in row if k != "store_id"})),
        "invalid",
        ("lacks store_id", "expectations/transactions.yml"),
    ),
    Fault(
        "an extra column",
        "transactions",
        rewritten("transactions", columns(lambda row: {"points": "7", **row})),
        "invalid",
        ("has the new points", "change request"),
    ),
    Fault(
        "a renamed column",
        "transactions",
        rewritten("transactions", lambda raw: raw.replace(b"store_id", b"shop_id", 1)),
        "invalid",
        ("lacks store_id and has the new shop_id",),
    ),
    Fault(
        "a column twice",
        "transactions",
        rewritten("transactions", lambda raw: raw.replace(b"retail_disc", b"coupon_disc", 1)),
        "invalid",
        ("repeats coupon_disc",),
    ),
    Fault(
        "an extra key",
        "coupon_redemptions",
        rewritten("coupon_redemptions", objects(lambda row: row | {"till": 4})),
        "invalid",
        ("has the new till", "expectations/coupon_redemptions.yml"),
    ),
    Fault(
        "a wrong type in many rows",
        "transactions",
        rewritten("transactions", with_value("quantity", "twelve", first=100)),
        "invalid",
        ("100 of 6,352 rows do not fit", "quantity is not a bigint: 100", RUN_AGAIN),
    ),
    Fault(
        "a truncated gzip",
        "transactions",
        a_truncated_gzip,
        "invalid",
        ("not a whole gzip file", RUN_AGAIN),
    ),
    Fault(
        "a torn Parquet file",
        "products",
        a_torn_parquet,
        "invalid",
        ("is not a whole Parquet file",),
    ),
    Fault(
        "another encoding",
        "campaign_mailings",
        rewritten(
            "campaign_mailings", lambda raw: raw + "18,Typé A,1,2017-11-22,\n".encode("latin-1")
        ),
        "invalid",
        ("is not utf-8 text",),
    ),
    Fault(
        "another encoding far into the file",
        "transactions",
        rewritten("transactions", lambda raw: raw[:-3] + b"\xe9\x30\n"),
        "invalid",
        ("is not utf-8 text",),
    ),
    Fault(
        "another encoding in JSON",
        "coupon_redemptions",
        rewritten("coupon_redemptions", lambda raw: raw.replace(b"2017-11-22", b"2017-11-2\xe9")),
        "invalid",
        ("is not utf-8 text",),
    ),
    Fault("an empty file", "transactions", no_bytes, "empty", ("no rows", RUN_AGAIN)),
    Fault(
        "an empty file instead of rows",
        "transactions",
        no_bytes_although_rows_were_promised,
        "short",
        ("the manifest says 6,352 rows, 0 came", RUN_AGAIN),
    ),
    Fault(
        "a header and no rows",
        "transactions",
        rewritten("transactions", lambda raw: raw.splitlines(keepends=True)[0]),
        "empty",
        ("no rows", RUN_AGAIN),
    ),
    Fault(
        "yesterday's file",
        "transactions",
        yesterdays_file,
        "duplicate",
        ("byte for byte the delivery of 2017-11-21", RUN_AGAIN),
    ),
    Fault(
        "yesterday's rows",
        "transactions",
        yesterdays_rows,
        "wrong_day",
        ("of another day", RUN_AGAIN),
    ),
    Fault(
        "a manifest of more rows",
        "transactions",
        told(rows=6353),
        "short",
        ("the manifest says 6,353 rows, 6,352 came", RUN_AGAIN),
    ),
    Fault(
        "a manifest of fewer rows",
        "transactions",
        told(rows=6351),
        "invalid",
        ("the manifest says 6,351 rows, 6,352 came", RUN_AGAIN),
    ),
    Fault(
        "a manifest of other bytes",
        "transactions",
        told(sha256="0" * 64),
        "invalid",
        ("the manifest names the bytes 000000000000", RUN_AGAIN),
    ),
    Fault(
        "a line of sales twice",
        "transactions",
        rewritten("transactions", a_line_twice),
        "invalid",
        ("expect_compound_columns_to_be_unique", RUN_AGAIN),
    ),
    Fault(
        "half a product master",
        "products",
        half_a_master,
        "invalid",
        ("expect_table_row_count_to_be_between", RUN_AGAIN),
    ),
    Fault(
        "a third word for consent",
        "consents",
        rewritten("consents", lambda raw: raw.replace(b'"opt_out"', b'"perhaps"')),
        "invalid",
        ("expect_column_values_to_be_in_set on status: 1 rows", RUN_AGAIN),
    ),
    Fault(
        "a consent that cannot be read",
        "consents",
        rewritten("consents", lambda raw: raw.replace(b'"event_at": "2017', b'"event_at": "17', 1)),
        "invalid",
        ("event_at is not a timestamp", RUN_AGAIN),
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_table_that_came_wrong_is_refused_and_live_stays_as_it_was(
    fault: Fault, delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    before = Live.of(instance)
    fault.spoil(delivered)

    answer = scv("run", str(DAY))

    assert answer.code == 1
    assert answer.err.startswith("Stopped: ")
    refused = newest(ledger, fault.table)
    assert_the_sentence_can_be_acted_on(fault, str(refused["sentence"]), answer.err)
    assert refused["state"] == fault.state
    assert_nothing_was_taken(instance, ledger, fault.table)
    assert_the_night_stopped(ledger, answer)
    assert Live.of(instance) == before


def assert_the_sentence_can_be_acted_on(fault: Fault, sentence: str, said: str) -> None:
    contract = CONTRACTS[fault.table]
    assert sentence.startswith(fault.table)
    for words in (*fault.words, "sk ", contract.owner):
        assert words in sentence
    assert sentence in said
    assert f"hold_all, decided by {contract.decided_by}" in said
    assert "twelve" not in sentence + said
    assert "perhaps" not in sentence + said


def assert_nothing_was_taken(instance: Instance, ledger: Ledger, table: str) -> None:
    row = newest(ledger, table)
    kept = ["rows_delivered", "rows_accepted", "rows_quarantined", "batch_path"]
    assert [row[name] for name in kept] == [None] * len(kept)
    assert list((instance.batches / table / f"batch_date={DAY}").glob("*.parquet")) == []
    others = {name: state for name, state in states(ledger).items() if name != table}
    assert others == dict.fromkeys(set(CONTRACTS) - {table}, "arrived")


def assert_the_night_stopped(ledger: Ledger, answer: Answer) -> None:
    night = night_of(ledger)
    assert (night["state"], night["build_id"]) == ("stopped", None)
    assert night["sentence"] in answer.err
    assert (builds_of(ledger), sent_on(ledger)) == ({}, {})


def another_date(folder: Path) -> None:
    manifest = manifest_of(folder) | {"business_date": "2017-11-23"}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (another_date, ["is the manifest of 2017-11-23, not of 2017-11-22"]),
        (lambda folder: (folder / "manifest.json").write_text("{torn"), ["is not a manifest"]),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"), ["not a manifest"]),
        (lambda folder: (folder / "manifest.json").write_text("{}"), ["not a manifest", "client"]),
        (lambda folder: tell(folder, "transactions", rows=-1), ["not a manifest", "rows"]),
        (lambda folder: (folder / "manifest.json").unlink(), ["Nothing has been", RUN_AGAIN]),
        (shutil.rmtree, ["Nothing has been delivered for 2017-11-22", RUN_AGAIN]),
    ],
    ids=["another date", "torn", "binary", "empty", "rows below zero", "none", "no delivery"],
)
def test_without_a_manifest_of_the_date_nothing_is_taken(
    spoil: Callable[[Path], None],
    words: list[str],
    delivered: Path,
    instance: Instance,
    ledger: Ledger,
    scv: Scv,
) -> None:
    before = Live.of(instance)
    spoil(delivered)

    answer = scv("run", str(DAY))

    assert answer.code == 1
    for word in (*words, "manifest", "Ask the client", str(delivered)):
        assert word in answer.err
    assert states(ledger) == {}
    assert_the_night_stopped(ledger, answer)
    assert Live.of(instance) == before


def test_rows_that_do_not_fit_are_set_aside_with_their_reason_and_the_rest_is_taken(
    delivered: Path, instance: Instance, ledger: Ledger, scv: Scv
) -> None:
    rewrite(delivered, "transactions", with_value("quantity", "twelve"))
    rewrite(delivered, "transactions", columns(lambda row: dict(reversed(row.items()))))
    rewrite(delivered, "coupon_redemptions", lambda raw: raw[:-40] + b"\n")
    rewrite(delivered, "campaign_mailings", lambda _: b"")
    rewrite_products(
        delivered,
        "select * replace (if(product_id % 30000 = 1, 'Nobody''s', brand) as brand) from products",
    )

    answer = scv("run", str(DAY))

    assert answer.code == 0, answer.err
    assert states(ledger) == dict.fromkeys(CONTRACTS, "arrived")
    for table in CONTRACTS:
        assert_every_row_is_somewhere(ledger, table)
    assert aside(ledger, "transactions") == {"quantity is not a bigint": 1}
    assert aside(ledger, "coupon_redemptions") == {"the line is not a JSON object": 1}
    assert set(aside(ledger, "products")) == {"expect_column_values_to_be_in_set on brand"}
    assert "Nobody's" in row_texts(ledger, "products")[0]
    assert '"quantity":"twelve"' in row_texts(ledger, "transactions")[0]
    assert "twelve" not in answer.out + answer.err
    assert newest(ledger, "transactions")["sentence"] == (
        "has its columns in another order, from coupon_match_disc on; "
        "1 rows set aside (quantity is not a bigint: 1)"
    )
    assert_values_are_in_their_columns(ledger, delivered)
    assert Live.of(instance).build_id == "2017-11-22-01"


def assert_every_row_is_somewhere(ledger: Ledger, table: str) -> None:
    row = newest(ledger, table)
    assert row["rows_delivered"] == row["rows_accepted"] + row["rows_quarantined"]
    assert row["rows_accepted"] == rows_of(row["batch_path"])
    assert row["rows_quarantined"] == rows_of(row["quarantine_path"])
    if CONTRACTS[table].source == "nightly_files":
        assert row["rows_delivered"] == row["rows_declared"]


def aside(ledger: Ledger, table: str) -> dict[str, int]:
    path = newest(ledger, table)["quarantine_path"]
    found = duckdb.sql(f"select reason, count(*) from '{path}' group by 1").fetchall()
    return {str(reason): int(rows) for reason, rows in found}


def row_texts(ledger: Ledger, table: str) -> list[str]:
    path = newest(ledger, table)["quarantine_path"]
    return [str(text) for (text,) in duckdb.sql(f"select row_text from '{path}'").fetchall()]


def assert_values_are_in_their_columns(ledger: Ledger, folder: Path) -> None:
    batch = newest(ledger, "transactions")["batch_path"]
    names = ", ".join(CONTRACTS["transactions"].names)
    sent = f"read_csv('{file_of(folder, 'transactions')}', all_varchar = true)"
    kept = ", ".join(f"{name}::varchar" for name in CONTRACTS["transactions"].names)
    with duckdb.connect() as connection:
        connection.execute(f"create table kept as select {names} from '{batch}'")
        connection.execute("create table sent as select * from kept limit 0")
        connection.execute(
            f"insert into sent by name select {names} from {sent} where quantity <> 'twelve'"
        )
        assert connection.execute("select count(*) from sent").fetchall() == [(6351,)]
        differ = f"select {kept} from (from sent except all from kept)"
        assert connection.execute(differ).fetchall() == []


@pytest.mark.parametrize(
    ("table", "spoil"),
    [("transactions", a_truncated_gzip), ("consents", FAULTS[-2].spoil)],
    ids=["a truncated gzip", "a third word for consent"],
)
def test_when_the_client_sends_it_again_the_night_goes_to_its_end(
    table: str,
    spoil: Callable[[Path], None],
    delivered: Path,
    instance: Instance,
    ledger: Ledger,
    scv: Scv,
) -> None:
    spoil(delivered)
    assert scv("run", str(DAY)).code == 1
    refused = newest(ledger, table)

    Client(instance.outbox).deliver(DAY, False, instance.deliveries)
    answer = scv("run", str(DAY))

    assert answer.code == 0, answer.err
    assert states(ledger) == dict.fromkeys(CONTRACTS, "arrived")
    assert newest(ledger, table)["version"] == refused["version"] + 1
    assert night_of(ledger)["state"] == "done"
    assert Live.of(instance).build_id == "2017-11-22-01"
    assert set(sent_on(ledger).values()) == {"sent"}


def contracts_with(folder: Path, old: str, new: str) -> Path:
    shutil.copytree(PROJECT / "expectations", folder)
    path = folder / "transactions.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("to_not_be_null", "to_not_be_nul", ["does not know", "Did you mean expect_column_values"]),
        ("{min_value: 1}", "{minimum: 1}", ["does not take what it is given"]),
        ("product_id]}", "item_id]}", ["names item_id, which is no column"]),
        ("if_missing: hold_dependent", "if_missing: shrug", ["if_missing"]),
        ("stale_limit_days", "stale_limit", ["stale_limit"]),
        ("config:", "config: [", ["is not a dbt source"]),
    ],
    ids=["unknown check", "unknown words", "unknown column", "policy", "unknown key", "no YAML"],
)
def test_a_contract_that_cannot_be_kept_stops_the_night_before_anything_is_taken(
    old: str,
    new: str,
    words: list[str],
    tmp_path: Path,
    delivered: Path,
    instance: Instance,
    ledger: Ledger,
    scv: Scv,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Live.of(instance)
    wrong = contracts_with(tmp_path / "expectations", old, new)
    reads_the_wrong_ones = partial(read_contracts, wrong)
    monkeypatch.setattr("flows.daily.read_contracts", reads_the_wrong_ones)
    monkeypatch.setattr("flows.contracts.files.read_contracts", reads_the_wrong_ones)

    answer, checked = scv("run", str(DAY)), scv("check")

    assert (answer.code, checked.code) == (1, 1)
    for word in ("expectations/transactions.yml", *words):
        assert word in answer.err
        assert word in checked.err
    assert states(ledger) == {}
    assert_the_night_stopped(ledger, answer)
    assert Live.of(instance) == before


def project_with(folder: Path, model: str, old: str, new: str) -> Path:
    """Return a copy of the project with one model changed."""
    folder.mkdir()
    for room in ("models", "macros", "seeds", "expectations", "sources", "tests/data", "docs"):
        shutil.copytree(PROJECT / room, folder / room)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy2(PROJECT / name, folder / name)
    (folder / "flows").symlink_to(PROJECT / "flows")
    path = folder / model
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return folder


def test_a_model_that_fails_its_test_is_never_published(
    tmp_path: Path,
    delivered: Path,
    instance: Instance,
    ledger: Ledger,
    scv: Scv,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Live.of(instance)
    doubled = "select * from final\nunion all\nselect * from final"
    model = "models/marts/customer_identity.sql"
    project = project_with(tmp_path / "project", model, "select * from final", doubled)
    monkeypatch.setattr("flows.builds.dbt.run", partial(dbt.run, project=project))

    answer = scv("run", str(DAY))

    assert answer.code == 1
    assert "The test " in answer.err
    assert "failed: Got" in answer.err
    for word in ("Live stays as it was", str(instance.root / "dbt" / "dbt.log"), "run the date"):
        assert word in answer.err
    night = night_of(ledger)
    assert (night["state"], night["build_id"]) == ("stopped", None)
    assert night["sentence"] in answer.err
    assert states(ledger) == dict.fromkeys(CONTRACTS, "arrived")
    assert (builds_of(ledger), sent_on(ledger)) == ({"2017-11-22-01": "failed"}, {})
    assert not (instance.builds / "candidate.duckdb").exists()
    assert not (instance.builds / "2017-11-22-01.duckdb").exists()
    assert Live.of(instance) == before
