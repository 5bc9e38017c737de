"""The client's CRM: a SQLite file with a change log for each of its tables."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

CREATE = """
    create table households (
        household_id integer not null,
        registered_on text not null,
        first_name text not null,
        last_name text not null,
        email text,
        phone text,
        birth_date text,
        gender text,
        language text,
        country text not null,
        region text not null,
        city text not null,
        address_line text,
        postal_code text not null,
        age_band text,
        income_band text,
        home_ownership text,
        marital_status text,
        household_size text,
        household_composition text,
        kids_count text,
        is_test integer not null,
        is_blocked integer not null,
        is_employee integer not null,
        deleted_at text,
        updated_at text not null,
        primary key (household_id, updated_at)
    )
"""
CREATE_MERGES = """
    create table household_merges (
        household_id integer not null,
        merged_into_household_id integer,
        merged_at text not null,
        primary key (household_id, merged_at)
    )
"""
CREATE_ACCOUNTS = """
    create table loyalty_accounts (
        loyalty_id integer not null,
        household_id integer not null,
        enrolled_at text not null,
        tier text not null,
        tier_start text not null,
        tier_expiry text not null,
        status text not null,
        updated_at text not null,
        primary key (loyalty_id, updated_at)
    )
"""
CREATE_CASES = """
    create table service_cases (
        case_id integer not null,
        household_id integer not null,
        opened_at text not null,
        closed_at text,
        topic text not null,
        csat integer,
        status text not null,
        updated_at text not null,
        contact_channel text,
        priority integer,
        primary key (case_id, updated_at)
    )
"""


@dataclass(frozen=True)
class Log:
    """A change log: its table, how it is created, its rows, and the column of their time."""

    table: str
    create: str
    rows: Sequence[object]
    row_time: str

    def until(self, last: date) -> list[object]:
        """Return the rows recorded up to a UTC date, that date included."""
        return [row for row in self.rows if self.recorded_on(row) <= last]

    def recorded_on(self, row: object) -> date:
        """Return the UTC date on which a row was recorded."""
        at: datetime = getattr(row, self.row_time)
        return at.date()


def write_crm(path: Path, logs: Sequence[Log], up_to: date) -> None:
    """Write all rows with a UTC date up to `up_to`; later ones already in `path` stay.

    The file is made anew each time: the same versions then give the same bytes, which a file
    changed in place would not, and a reader never sees half a delivery.
    """
    until = max(up_to, _latest(path) or up_to)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    connection = sqlite3.connect(temporary)
    try:
        for log in logs:
            _write(connection, log, until)
        connection.commit()
    finally:
        connection.close()
    temporary.replace(path)


def _write(connection: sqlite3.Connection, log: Log, until: date) -> None:
    """Create the table of a change log and fill it."""
    connection.execute(log.create)
    rows = [_row(row) for row in log.until(until)]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into {log.table} values ({marks})", rows)


def _latest(path: Path) -> date | None:
    """Return the UTC date of the newest version in the file, None if there is no file."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        newest = connection.execute("select max(updated_at) from households").fetchone()[0]
    finally:
        connection.close()
    return None if newest is None else datetime.fromisoformat(newest).date()


def _row(of: object) -> tuple[object, ...]:
    """Return the row as SQLite holds it: dates as text, truth values as 0 and 1."""
    return tuple(_stored(value) for value in vars(of).values())


def _stored(value: object) -> object:
    """Return one value in SQLite's terms; instants are UTC, `YYYY-MM-DD HH:MM:SS`."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value
