"""The client's CRM: a SQLite file with the change logs `households` and `household_merges`."""

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple
from datetime import date, datetime
from pathlib import Path

from demo.merges import Merge
from demo.people import Household

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


def write_crm(
    path: Path, change_log: Iterable[Household], merges: Iterable[Merge], up_to: date
) -> None:
    """Write all rows with a UTC date up to `up_to`; later ones already in `path` stay.

    The file is made anew each time: the same versions then give the same bytes, which a file
    changed in place would not, and a reader never sees half a delivery.
    """
    until = max(up_to, _latest(path) or up_to)
    versions = [_row(h) for h in change_log if h.updated_at.date() <= until]
    merged = [_row(m) for m in merges if m.merged_at.date() <= until]
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    connection = sqlite3.connect(temporary)
    try:
        connection.execute(CREATE)
        connection.execute(CREATE_MERGES)
        marks = ", ".join("?" * len(Household.__dataclass_fields__))
        connection.executemany(f"insert into households values ({marks})", versions)
        connection.executemany("insert into household_merges values (?, ?, ?)", merged)
        connection.commit()
    finally:
        connection.close()
    temporary.replace(path)


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


def _row(of: Household | Merge) -> tuple[object, ...]:
    """Return the row as SQLite holds it: dates as text, truth values as 0 and 1."""
    return tuple(_stored(value) for value in astuple(of))


def _stored(value: object) -> object:
    """Return one value in SQLite's terms; instants are UTC, `YYYY-MM-DD HH:MM:SS`."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value
