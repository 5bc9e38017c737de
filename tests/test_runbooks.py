"""The runbooks: every table and every way to stop has a page, and what it says is so."""

from __future__ import annotations

import ast
import json
import re
import shlex
from dataclasses import dataclass
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
import typer.main

from flows import cli, runbooks
from flows.contracts.contract import Contract
from flows.contracts.files import read_contracts
from flows.errors import DeliveryRefused, Stopped
from flows.failures import FOLDER, Family, failures_in, read_failures, ways_to_stop
from flows.intake.sources.declared import read_sources
from flows.ledger import Ledger, deliveries, nights, now
from flows.pages import write_pages
from flows.settings import Instance
from tests.browser import complaints, shown
from tests.conftest import NIGHTS, PROJECT, World

CONTRACTS = read_contracts()
VOID = {"meta", "br", "input", "link", "img", "hr"}
UNHAPPY = "transactions for 2017-11-22 is not here: there is no deliveries/transactions.csv.gz."


@pytest.fixture
def pages(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the world, written once for all tests of a worker; nobody changes them."""
    folder = tmp_path_factory.getbasetemp() / "pages-of-the-world"
    if not (folder / "nights" / "index.html").is_file():
        write_pages(instance, Ledger(instance.ledger_url), folder)
    return folder


@dataclass
class Read:
    """What stands in a page: its links, its anchors, and tags that do not close."""

    links: list[str]
    anchors: set[str]
    wrong: list[str]


def read_page(page: Path) -> Read:
    """Read a page strictly: each tag is closed by its own."""
    found, open_tags = Read([], set(), []), []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            named = dict(attrs)
            found.links.extend(filter(None, [named.get("href")]))
            found.anchors.update(filter(None, [named.get("id")]))
            if tag not in VOID:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if not open_tags or open_tags.pop() != tag:
                found.wrong.append(tag)

    Parser().feed(page.read_text())
    found.wrong += open_tags
    return found


def text_of(page: Path) -> str:
    """What a reader sees of a page."""
    body = page.read_text().partition("<main>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def ours(pages: Path) -> list[Path]:
    return [*pages.glob("runbooks/**/*.html"), *pages.glob("releases/*.html")]


def strings_of_the_code() -> list[str]:
    """Every piece of text in flows/, as long as nothing is put into it."""
    return [
        node.value
        for path in sorted((PROJECT / "flows").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_every_way_to_stop_has_its_words_once() -> None:
    assert list(read_failures()) == list(ways_to_stop())
    assert {"Stopped", "TableMissing", "AwaitsApproval"} <= set(ways_to_stop())
    files = [Family.model_validate(_yaml(path)) for path in sorted(FOLDER.glob("*.yml"))]
    named = [name for family in files for name in family.failures]
    assert sorted(named) == sorted(ways_to_stop()), "each once, and none that is no class"


def _yaml(path: Path) -> object:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(path.read_text())


def test_a_way_to_stop_is_found_by_words_that_the_code_says() -> None:
    code = strings_of_the_code()
    for failure in read_failures().values():
        for words in failure.said:
            assert any(words in each for each in code), f"{failure.name}: {words}"


def test_only_a_family_has_no_words_of_its_own() -> None:
    silent = {each.name for each in read_failures().values() if not each.said}
    assert silent == {"Stopped", "DeliveryRefused", "DeployStopped"}


def test_a_sentence_leads_to_its_class() -> None:
    assert failures_in(UNHAPPY) == ["TableMissing"]
    short = "returns for 2017-11-22: the manifest says 10 rows, 3 came. Ask x to send both again"
    assert failures_in(short) == ["ManifestDiffers", "FewerRows"]
    assert failures_in("5 campaigns sent, 0 held.") == []
    assert failures_in(None) == []


def test_every_contract_and_every_way_to_stop_has_a_page(pages: Path) -> None:
    tables = {path.stem for path in (pages / "runbooks" / "tables").glob("*.html")}
    ways = {path.stem for path in (pages / "runbooks" / "failures").glob("*.html")}
    assert tables == set(CONTRACTS)
    assert ways == {*ways_to_stop(), "index"}


def test_pages_are_well_formed_and_lead_nowhere_that_is_not(pages: Path) -> None:
    read = {page: read_page(page) for page in ours(pages)}
    assert len(read) == len(CONTRACTS) + len(ways_to_stop()) + 3
    others = dict(read)
    for page, found in read.items():
        assert not found.wrong, page
        for link in found.links:
            place, _, anchor = link.partition("#")
            target = (page.parent / place).resolve() if place else page
            if target == pages / "index.html":
                continue  # dbt's own front page, which `scv docs` adds
            assert target.is_file(), f"{page}: {link}"
            if anchor:
                if target not in others:
                    others[target] = read_page(target)
                assert anchor in others[target].anchors, f"{page}: {link}"


def test_pages_have_the_look_of_the_others(pages: Path) -> None:
    for page in ours(pages):
        told = page.read_text()
        assert "color-scheme: light dark" in told
        assert "@media print" in told
        assert 'name="viewport"' in told
        assert "http://" not in told
        assert "https://" not in told
        for place in ("runbooks", "releases", "nights"):
            assert re.search(rf'<nav[^\n]*href="[./]*{place}/index\.html"', told), page


def test_a_table_page_says_whose_it_is_when_it_comes_and_who_decided(pages: Path) -> None:
    for contract in CONTRACTS.values():
        told = text_of(pages / "runbooks" / "tables" / f"{contract.table}.html")
        for words in (contract.owner, contract.ready_by, contract.wait_until, contract.decided_by):
            assert words in told
        assert str(contract.decided_on) in told
        assert " ".join(contract.because.split()) in told
        assert told.count("2017-11-21 1 arrived") == 1


def test_a_page_says_which_campaigns_wait_for_a_table(pages: Path) -> None:
    told = (pages / "runbooks" / "tables" / "coupon_redemptions.html").read_text()
    assert 'href="../../attributes.html#campaign-coupon_lovers_email"' in told
    assert "win_back_email" not in told


def test_what_a_policy_does_is_asked_of_the_policy() -> None:
    base = CONTRACTS["coupon_redemptions"]

    def missing(**values: object) -> list[tuple[str, str]]:
        made = base.model_copy(update={"may_be_empty": "never", "is_consent": False, **values})
        return list(runbooks.cases_of(made)[0].outcomes)

    ((when, all_held),) = missing(if_missing="hold_all")
    assert when == ""
    assert "Nothing is built" in all_held
    young, old = missing(if_missing="use_last_good", then="hold_all", stale_limit_days=3)
    assert young[0] == "while the last rows are at most 3 days old"
    assert "no campaign is held" in young[1]
    assert "Nothing is built" in old[1]
    empty, other = missing(
        if_missing="proceed_empty", may_be_empty="calendar", then="hold_dependent"
    )[:2]
    assert "the day counts as one with no rows" in empty[1]
    assert {when.split(",")[0] for when, _ in (empty, other)} <= {
        "on a day that the calendar lets be empty",
        "on any other",
    }
    ((_, of_consents),) = missing(is_consent=True, if_missing="notify_only", stale_limit_days=0)
    assert "Nothing is sent at all" in of_consents
    assert "Nobody turns contactable" in of_consents


def test_an_override_of_consents_cannot_widen(pages: Path) -> None:
    told = text_of(pages / "runbooks" / "tables" / "consents.html")
    assert "It cannot widen" in told
    assert "proceed_empty" not in told
    allowed: dict[str, Contract] = {t: c for t, c in CONTRACTS.items() if c.load == "delta"}
    assert "proceed_empty" in runbooks.overriding(allowed["transactions"]).policies


def test_no_secret_and_no_person_stands_in_a_page(
    pages: Path, nights: dict[date, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(nights[NIGHTS[-1]]), read_only=True) as connection:
        people = connection.execute(
            "select email_norm, phone_e164, address_line, scv_customer_id, first_name || ' ' || "
            "last_name from marts.single_customer_view"
        ).fetchall()
    told = "\n".join(text_of(page) for page in ours(pages))
    words = set(re.findall(r"[\w.+@-]+", told))
    assert not words & {value for line in people for value in line[:4] if value}
    names = {line[4] for line in people if line[4]}
    assert not [name for name in names if name in told]
    for source in read_sources().values():
        for address in (getattr(source, "url", None), getattr(source, "store", None)):
            assert address is None or str(address) not in told


def test_a_source_is_told_without_its_address() -> None:
    from flows.intake.sources.declared_apis import Api
    from flows.intake.sources.declared_queries import Database

    contract = CONTRACTS["transactions"].model_copy(update={"source": "till"})
    database = Database(
        kind="database",
        description="tills",
        url="postgresql://reader:${TILL_PASSWORD}@db.client.example/tills",
        tables={"transactions": {"query": "select * from lines where till_key = 'k3y'"}},
    )
    api = Api(
        kind="api",
        description="tills",
        url="https://api.client.example",
        auth={"kind": "bearer", "token": "${TILL_TOKEN}"},
        tables={"transactions": {"path": "/v1/lines", "parameters": {"key": "${TILL_KEY}"}}},
    )
    for source in (database, api):
        told = runbooks.how_it_comes(contract, source)
        assert "sources/till.yml" in told
        assert not re.search(r"TILL|client\.example|k3y", told)


def test_commands_that_are_named_exist(pages: Path) -> None:
    root = typer.main.get_command(cli.app)
    named = set()
    for page in ours(pages):
        for code in re.findall(r"<code>(scv [^<]*)</code>", page.read_text()):
            named.add(unescape(code))
    assert len(named) > 20
    for line in named:
        words, command = shlex.split(line)[1:], root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert command is not root, line
        known = {name for each in command.params for name in each.opts + each.secondary_opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_files_that_a_step_names_are_there() -> None:
    for failure in read_failures().values():
        for words in (failure.means, failure.safe, failure.call, *failure.do):
            for code in re.findall(r"`([\w/.-]+\.(?:md|csv|py))`", words):
                assert (PROJECT / code).is_file(), f"{failure.name}: {code}"


def test_variables_that_a_step_names_are_settings() -> None:
    known = {f"SCV_{name.upper()}" for name in Instance.model_fields}
    for path in FOLDER.glob("*.yml"):
        assert set(re.findall(r"SCV_[A-Z_]+", path.read_text())) <= known, path.name


def test_every_refusal_says_the_word_of_the_ledger_that_a_table_page_has(pages: Path) -> None:
    told = text_of(pages / "runbooks" / "tables" / "transactions.html")
    for found in ways_to_stop().values():
        if issubclass(found, DeliveryRefused):
            assert found.state in told.lower(), found
        assert issubclass(found, Stopped)


def test_a_stopped_night_leads_to_what_to_do(instance: Instance, tmp_path: Path) -> None:
    ledger, day = Ledger(instance.ledger_url), date(2017, 11, 22)
    times = {"started_at": now(), "ended_at": now()}
    held = f"{UNHAPPY} By contract (hold_all): nothing is built and every campaign is held"
    ledger.add(nights, business_date=day, step="building", state="stopped", sentence=held, **times)
    ledger.add(
        *(deliveries,),
        table_name="transactions",
        business_date=day,
        version=1,
        state="missing",
        sentence=UNHAPPY,
        received_at=now(),
    )
    write_pages(instance, ledger, tmp_path)
    night = (tmp_path / "nights" / f"{day}.html").read_text()
    for way in ("TableMissing", "NightStopped"):
        assert f'href="../runbooks/failures/{way}.html"' in night
        index = (tmp_path / "nights" / "index.html").read_text()
        assert f'href="../runbooks/failures/{way}.html"' in index
    assert 'href="../runbooks/tables/transactions.html"' in night
    assert 'href="../runbooks/index.html#stopped"' in night
    calm = (tmp_path / "nights" / "2017-11-21.html").read_text()
    assert "What to do" not in calm
    table = text_of(tmp_path / "runbooks" / "tables" / "transactions.html")
    assert "scv run 2017-11-22" in table
    assert "2017-11-22 1 missing" in table


def test_before_anything_is_live_the_runbooks_are_there(
    instance: Instance, ledger: Ledger, tmp_path: Path
) -> None:
    instance.live.unlink()
    with ledger.write() as connection:
        for table in ("findings", "drifts", "deliveries", "nights"):
            connection.execute(sa.text(f"delete from {table}"))
    write_pages(instance, ledger, tmp_path)
    told = text_of(tmp_path / "runbooks" / "tables" / "transactions.html")
    assert "the first night tells" in told
    assert "scv run DATE" in told


def test_a_pasted_sentence_finds_its_way_to_stop(
    pages: Path, world: World, chromium: str, tmp_path: Path
) -> None:
    address = f"file://{pages}/runbooks/failures/index.html"
    page = shown(chromium, tmp_path, f"{address}?q={'+'.join(UNHAPPY.split())}")
    articles = re.findall(r'<article id="(\w+)"[^>]*?( hidden="")?>', page)
    assert [name for name, hidden in articles if not hidden] == ["TableMissing"]
    whole = shown(chromium, tmp_path, address)
    articles = re.findall(r'<article id="(\w+)"[^>]*?( hidden="")?>', whole)
    assert [name for name, hidden in articles if not hidden] == _in_families(whole)
    assert complaints(chromium, tmp_path, f"{address}?q=manifest") == []
    assert json.loads(unescape(re.findall(r'data-said="([^"]*)"', whole)[1])) is not None


def _in_families(page: str) -> list[str]:
    found = re.findall(r'<article id="(\w+)"', page)
    assert sorted(found) == sorted(ways_to_stop())
    return found
