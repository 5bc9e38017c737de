"""The rows of a delivery, sorted into those that are good and those that are set aside.

`delivered = accepted + quarantined`, always. The rows are read once, cast by DuckDB and written
as they stream by, whatever their number; those that are suspect are left out and only counted.
Where there are any, they are read again and judged one by one: taken, or set aside with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from flows.contracts.contract import Column, Contract
from flows.errors import RowsLost, WrongDay
from flows.intake.batches import TOLERATED_ROWS, Counts, Span, place, rows, write
from flows.intake.casting import (
    cast,
    file,
    identifier,
    is_same,
    is_suspect,
    literal,
    misfit,
    quick,
    text_of,
    typed,
)
from flows.intake.columns import Drift
from flows.intake.reading.delivery import Delivery


class Sorting:
    """The rows of one delivery on their way into a batch, in an in-memory DuckDB.

    The relation `accepted` holds the typed rows that are good so far, the table `quarantined`
    (row_text, reason) the others.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        delivery: Delivery,
        span: Span,
        typed: Path,
    ) -> None:
        self.connection = connection
        self._contract = contract
        self._delivery = delivery
        self._span = span
        self._typed = typed
        self._accepted = ""
        self._delivered = 0
        self._untouched = True

    def run(self) -> list[Drift]:
        """Read, cast and split the rows; return the drifts that only reading could show.

        Raises:
            ColumnsDiffer: when objects have other keys than the contract.
            WrongDay: when most rows are of another business date.
        """
        suspects = self._write_typed()
        drifts = self._delivery.settle()
        self._delivered += rows(self.connection, "unreadable")
        self.connection.execute(
            "create or replace table quarantined as select row_text, reason from unreadable"
        )
        accepted = f"select * from read_parquet({file(self._typed)})"
        if suspects:
            self._judge()
            accepted += f" union all select {self._names} from judged where reason is null"
            self._untouched = False
        self._accept(accepted)
        if self._contract.repeated_rows == "set_aside":
            self._set_repeats_aside()
        self._refuse_late_rows()
        return drifts

    def set_aside(self, condition: str, reason: str) -> None:
        """Move the accepted rows that fit a condition to quarantine."""
        self._untouched = False
        self.connection.execute(
            f"insert into quarantined select {self._row_text}, ? from accepted where {condition}",
            [reason],
        )
        self._accept(f"select * from ({self._accepted}) where ({condition}) is not true")

    @property
    def delivered(self) -> int:
        """How many rows came, counted while they were read."""
        return self._delivered

    def count(self) -> Counts:
        """Count the rows that are good and those that are set aside: together all that came.

        Raises:
            RowsLost: when they are not, which would be a fault of ours.
        """
        accepted, aside = (rows(self.connection, each) for each in ("accepted", "quarantined"))
        if accepted + aside != self._delivered:
            raise RowsLost(
                f"{self._contract.table} for {self._span.day}: {self._delivered:,} rows came, and "
                f"{accepted:,} accepted and {aside:,} set aside do not add up to them. Nothing was "
                "taken: this is a fault of the intake, tell its developers."
            )
        return Counts(self._delivered, accepted, aside)

    def write_batch(self, path: Path) -> None:
        """Write the accepted rows as the batch: whole, or not at all."""
        if self._untouched:
            place(self._typed, path)
        else:
            write(self.connection, "accepted", path)

    def write_quarantine(self, path: Path) -> None:
        """Write the rows that were set aside, each with its reason."""
        write(self.connection, "quarantined", path)

    def _accept(self, query: str) -> None:
        self._accepted = query
        self.connection.execute(f"create or replace view accepted as {query}")

    @property
    def _names(self) -> str:
        return ", ".join(identifier(name) for name in self._contract.names)

    @property
    def _row_text(self) -> str:
        fields = ", ".join(f"{identifier(n)} := {identifier(n)}" for n in self._contract.names)
        return f"cast(to_json(struct_pack({fields})) as varchar)"

    def _suspicious(self, value: Callable[[Column], str]) -> str:
        told = is_suspect(self._contract.columns, self._delivery.types, value)
        wrong = self._wrong_day(value)
        return f"({told}) or coalesce({wrong}, false)" if wrong else told

    def _write_typed(self) -> int:
        """Write the rows that are beyond doubt; return how many are not."""
        # Cast once, for the file and for the question whether they fit.
        values = ", ".join(f"{self._quick(c)} as {typed(c)}" for c in self._contract.columns)
        chosen = ", ".join(f"{typed(c)} as {identifier(c.name)}" for c in self._contract.columns)
        # Counted as they pass: a second reading only for a number would cost as much as the first.
        self.connection.execute("create or replace sequence suspects")
        # DuckDB would push the question below the casts, and cast again for it.
        self.connection.execute("set disabled_optimizers = 'filter_pushdown'")
        written = self.connection.execute(
            f"copy (select {chosen} from (select *, {values} from {self._delivery.relation}) "
            f"where case when {self._suspicious(typed)} "
            "then nextval('suspects') is null else true end) "
            f"to {literal(str(self._typed))} (format parquet, compression zstd)"
        ).fetchall()
        self.connection.execute("reset disabled_optimizers")
        found = self.connection.execute(
            "select coalesce(last_value, 0) from duckdb_sequences() "
            "where sequence_name = 'suspects'"
        ).fetchall()
        self._delivered = int(written[0][0]) + int(found[0][0])
        return int(found[0][0])

    def _judge(self) -> None:
        """Read the suspect rows again: the table `judged`, exactly cast, with a reason or none."""
        contract, types = self._contract, self._delivery.types
        present = [column for column in contract.columns if column.name in types]
        texts = ", ".join(
            f"{text_of(c.name, types[c.name])} as {identifier(c.name)}" for c in present
        )
        absent = "".join(
            f", cast(null as varchar) as {identifier(c.name)}"
            for c in contract.columns
            if c.name not in types
        )
        reasons = [r for column in present if (r := self._misfit(column)) != "null"]
        wrong = self._wrong_day(self._cast)
        if wrong:
            told = literal(f"{contract.row_date} is not of {self._span.day}")
            reasons.append(f"case when {wrong} then {told} end")
        problem = f"nullif(concat_ws('; ', {', '.join(reasons) or 'null'}), '')"
        casts = ", ".join(f"{self._cast(c)} as {identifier(c.name)}" for c in contract.columns)
        self.connection.execute(
            f"create or replace table judged as select {casts}, {problem} as reason, "
            f"{self._row_text} as row_text, "
            f"coalesce({wrong or 'false'}, false) as is_of_another_day "
            f"from (select {texts}{absent} from {self._delivery.relation} "
            f"where {self._suspicious(self._quick)})"
        )
        self._refuse_another_day()
        self.connection.execute(
            "insert into quarantined select row_text, reason from judged where reason is not null"
        )

    def _quick(self, column: Column) -> str:
        if column.name not in self._delivery.types:
            return f"cast(null as {column.data_type})"
        return quick(column, self._delivery.types[column.name])

    def _cast(self, column: Column) -> str:
        # What came as the type itself was text only for a moment, and goes back unharmed.
        delivered = self._delivery.types.get(column.name, "VARCHAR")
        if delivered != "VARCHAR" and is_same(column, delivered):
            return f"cast({identifier(column.name)} as {column.data_type})"
        return cast(column)

    def _misfit(self, column: Column) -> str:
        delivered = self._delivery.types[column.name]
        return "null" if delivered != "VARCHAR" and is_same(column, delivered) else misfit(column)

    def _wrong_day(self, value: Callable[[Column], str]) -> str | None:
        column = next(
            (c for c in self._contract.columns if c.name == self._contract.row_date), None
        )
        if column is None or column.name not in self._delivery.types:
            return None
        moment = f"cast(({value(column)}) as date)"
        wrong = f"{moment} > date '{self._span.day}'"
        if self._span.earliest is not None:
            wrong = f"({wrong} or {moment} < date '{self._span.earliest}')"
        return wrong

    def _refuse_another_day(self) -> None:
        wrong = rows(self.connection, "judged where is_of_another_day")
        typed = f"read_parquet({file(self._typed)})"
        self._refuse_most(wrong, rows(self.connection, "judged", typed))

    def _refuse_late_rows(self) -> None:
        if self._span.first is not None and self._contract.row_date in self._delivery.types:
            moment = f"cast({identifier(str(self._contract.row_date))} as date)"
            late = rows(self.connection, f"accepted where {moment} < date '{self._span.first}'")
            # A handful of corrections may well be all that came on a quiet day.
            if late > TOLERATED_ROWS:
                self._refuse_most(late, rows(self.connection, "accepted"))

    def _refuse_most(self, wrong: int, delivered: int) -> None:
        contract, day = self._contract, self._span.day
        if wrong * 2 > delivered:
            raise WrongDay(
                f"{contract.table} for {day}: {wrong:,} of {delivered:,} rows have a "
                f"{contract.row_date} of another day: this is another day's delivery. "
                f"Ask {contract.owner} for the rows of {day}, then run: scv run {day}"
            )

    def _set_repeats_aside(self) -> None:
        names = self._names
        keys = ", ".join(identifier(name) for name in self._contract.key_columns)
        repeated = f"(select 1 from accepted group by {keys} having count(*) > 1)"
        if not rows(self.connection, repeated):
            return
        self._untouched = False
        self.connection.execute(
            f"create or replace table once as select *, row_number() over (partition by {names}) "
            "as time_it_came from accepted"
        )
        self.connection.execute(
            f"insert into quarantined select {self._row_text}, 'the same row came before' "
            "from once where time_it_came > 1"
        )
        self._accept(f"select {names} from once where time_it_came = 1")
