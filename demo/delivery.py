"""Writes one delivery: the files of a business date, the CRM, and the manifest last of all."""

import json
from collections.abc import Iterable
from datetime import date
from hashlib import file_digest
from pathlib import Path

import duckdb

from demo.cases import cases
from demo.channel import emails_of, texts_of
from demo.consents import consent_events
from demo.crm import CREATE, CREATE_ACCOUNTS, CREATE_CASES, CREATE_MERGES, Log, write_crm
from demo.loyalty import accounts
from demo.made import Made, write_made
from demo.merges import merges
from demo.newsletter import Lists
from demo.people import Household, change_log
from demo.points import ledger
from demo.responses import EmailEvent, TextEvent
from demo.returns import returns
from demo.source import (
    EXPORTS,
    Period,
    bought_categories,
    data_folder,
    known_households,
    open_source,
    write_export,
)
from demo.surveys import answers
from demo.web import Session, Visitor, sessions, visitors

CRM = "crm.sqlite"
BEGINNING = date(1900, 1, 1)  # before anything the client could have recorded
Entry = dict[str, str | int]  # one table of the manifest


class Client:
    """The client's systems: the real data, and the people made up to go with it."""

    def __init__(self, outbox: Path | None = None) -> None:
        """Open the data set and make up its people; raise MissingDataError without the data.

        With an `outbox` of the hub its campaign files are sent, and what becomes of the messages
        is in the deliveries of the dates after; a delivery follows from its date and the outbox.
        """
        self.outbox = outbox
        self.source: duckdb.DuckDBPyConnection = open_source(data_folder())
        self.households: list[Household] = change_log(known_households(self.source))
        members = accounts(self.source, self.households)
        consents = consent_events(self.households)
        self.made: list[Made] = [
            Made("consents", "consents.jsonl", consents, "event_at"),
            Made("returns", "returns.csv", returns(self.source), "returned_on"),
            Made("loyalty_ledger", "loyalty_ledger.csv", ledger(self.source, members), "event_at"),
            Made("survey_answers", "survey_answers.csv", answers(self.households), "answered_at"),
        ]
        self.crm: list[Log] = [
            Log("households", CREATE, self.households, "updated_at"),
            Log("household_merges", CREATE_MERGES, merges(self.households), "merged_at"),
            Log("loyalty_accounts", CREATE_ACCOUNTS, members, "updated_at"),
            Log("service_cases", CREATE_CASES, cases(self.households), "updated_at"),
        ]
        self.lists = Lists(self.households, consents)
        self.visitors: list[Visitor] = visitors(self.households, bought_categories(self.source))

    def deliver(self, business_date: date, initial: bool, to: Path) -> dict[str, int]:
        """Write the delivery of `business_date` below `to`; return the rows of each table.

        An `initial` delivery holds everything up to and including the date.
        """
        period = Period(BEGINNING if initial else business_date, business_date)
        folder = to / business_date.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / "manifest.json"
        # Without its manifest a delivery does not count, so none can be read half-written.
        manifest.unlink(missing_ok=True)
        tables = [*self._write_files(period, folder), *self._write_crm(period, to)]
        tables.sort(key=lambda table: str(table["table"]))
        _write_text(manifest, _manifest(business_date, initial, tables))
        return {str(table["table"]): int(table["rows"]) for table in tables}

    def _write_files(self, period: Period, folder: Path) -> Iterable[Entry]:
        """Write the files of the delivery and yield a manifest entry for each."""
        for export in EXPORTS:
            path = folder / export.file
            temporary = _temporary(path)
            rows = write_export(self.source, export, period, temporary)
            temporary.replace(path)
            yield _entry(export.table, path, rows)
        for made in [*self.made, *self._made_of(period)]:
            path = folder / made.file
            temporary = _temporary(path)
            rows = write_made(made, period, temporary)
            temporary.replace(path)
            yield _entry(made.table, path, rows)

    def _made_of(self, period: Period) -> list[Made]:
        """Return the tables whose rows are made up for each delivery: all at once are many."""
        emails = [*self.lists.email_events(period), *emails_of(self.outbox, period)]
        texts = [*self.lists.text_events(period), *texts_of(self.outbox, period)]
        visits = [*sessions(self.visitors, period)]
        emails.sort(key=lambda event: (event.event_at, event.event_id))
        texts.sort(key=lambda event: (event.event_at, event.event_id))
        visits.sort(key=lambda session: (session.started_at, session.session_id))
        return [
            Made("email_events", "email_events.jsonl.gz", emails, "event_at", EmailEvent),
            Made("sms_events", "sms_events.csv", texts, "event_at", TextEvent),
            Made("web_sessions", "web_sessions.jsonl.gz", visits, "started_at", Session),
        ]

    def _write_crm(self, period: Period, to: Path) -> Iterable[Entry]:
        """Bring the CRM up to the period's end; yield its entries, which count the period."""
        write_crm(to / CRM, self.crm, period.last)
        for log in self.crm:
            rows = sum(period.first <= log.recorded_on(row) <= period.last for row in log.rows)
            yield {"table": log.table, "database": CRM, "rows": rows}


def _manifest(business_date: date, initial: bool, tables: list[Entry]) -> str:
    """Return the manifest as text."""
    content = {
        "client": "Complete Journey Grocer",
        "business_date": business_date.isoformat(),
        "initial": initial,
        "produced_by": "demo client",
        "tables": tables,
    }
    return json.dumps(content, indent=2) + "\n"


def _entry(table: str, path: Path, rows: int) -> Entry:
    """Return a file's manifest entry."""
    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    return {"table": table, "file": path.name, "rows": rows, "sha256": sha256}


def _write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends, at once or not at all."""
    temporary = _temporary(path)
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    """Return the hidden name under which a file is written before it takes its place."""
    return path.with_name(f".{path.name}.tmp")
