"""Text to the types of a contract, strictly: a value that would change in the cast does not cast.

DuckDB's own `try_cast` rounds '1.5' to the bigint 2 and drops the time from a date. Here the text
must have the form of the type first, so that nothing is altered on the way in.

There are two ways to the same value. `quick` and `is_suspect` are one pass over all rows: DuckDB's
own cast, and one regular expression over the whole row. `cast` and `misfit` are exact and dear, and
are asked of the suspect rows only: those with blanks around a number, and those that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flows.contracts.contract import Column

# Between the values of a row, where no form can match it.
_BETWEEN = "\x1f"
# What one type says, another says without loss.
_SAME = {
    "bigint": ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT"),
    "integer": ("INTEGER", "SMALLINT", "TINYINT", "USMALLINT", "UTINYINT"),
    "varchar": ("VARCHAR",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"),
    "boolean": ("BOOLEAN",),
    "decimal": ("DECIMAL(18,3)",),
}
_DATE = r"\d{4}-\d{2}-\d{2}"
_FORMS = {
    "bigint": r"[+-]?\d+",
    "integer": r"[+-]?\d+",
    "date": _DATE + r"( 00:00:00(\.0+)?)?",
    "timestamp": _DATE + r"([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|\+00(:?00)?)?)?",
    "boolean": r"(?i:true|false|t|f|1|0)",
}


def identifier(name: str) -> str:
    """Return a column name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def file(path: Path | str) -> str:
    """Return a path quoted for DuckDB's readers, which would take `a*` or `a[1]` for a pattern."""
    return literal("".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path)))


def form_of(data_type: str) -> str | None:
    """Return the regular expression that a text of this type fits, or None for text itself."""
    name, _, rest = data_type.partition("(")
    if name == "decimal":
        scale = int(rest.rstrip(")").split(",")[1]) if rest else 3
        alone = rf"\.\d{{1,{scale}}}0*" if scale else r"\.0+"
        return rf"[+-]?(\d+(\.\d{{0,{scale}}}0*)?|{alone})"
    return _FORMS.get(name)


def is_same(column: Column, delivered: str) -> bool:
    """True when values of a delivered DuckDB type are values of the column's type already."""
    same = _SAME.get(column.data_type, (column.data_type.replace(" ", "").upper(),))
    return delivered.replace(" ", "") in [name.replace(" ", "") for name in same]


def quick(column: Column, delivered: str = "VARCHAR") -> str:
    """Return the SQL of the value as DuckDB casts it: right for every row that is not suspect."""
    name = identifier(column.name)
    if column.data_type == "varchar" and delivered == "VARCHAR":
        return name
    if is_same(column, delivered):
        return f"cast({name} as {column.data_type})"
    return f"try_cast({text_of(column.name, delivered)} as {column.data_type})"


def typed(column: Column) -> str:
    """Return the name of the quick cast of a column: one that no column of a contract can have."""
    return identifier(f"{column.name} typed")


def is_suspect(
    columns: Sequence[Column],
    types: Mapping[str, str],
    value: Callable[[Column], str] | None = None,
) -> str:
    """Return the SQL that is true for the rows that must be looked at one by one.

    `value` names where the quick cast of a column already stands, so that it is not cast twice.
    """
    value = value or (lambda column: quick(column, types[column.name]))
    judged = [c for c in columns if c.name in types and not is_same(c, types[c.name])]
    texts = [c for c in columns if types.get(c.name) == "VARCHAR" and _may_be_formula(c)]
    told = [f"({_formula(c)})" for c in texts]
    formed = [(c, form) for c in judged if (form := form_of(c.data_type)) is not None]
    if formed:
        row = f", {literal(_BETWEEN)}, ".join(text_of(c.name, types[c.name]) for c, _ in formed)
        forms = _BETWEEN.join(f"({form})?" for _, form in formed)
        told.append(f"not regexp_full_match(concat({row}), {literal(forms)})")
        told += [f"({identifier(c.name)} is not null and {value(c)} is null)" for c, _ in formed]
    return " or ".join(told) or "false"


def text_of(name: str, delivered: str) -> str:
    """Return the SQL of a column as text, whatever DuckDB type it was delivered as."""
    text = f"cast({identifier(name)} as varchar)"
    if delivered in ("DOUBLE", "FLOAT"):
        # Tools without an integer that may be null keep 17 as 17.0.
        return f"regexp_replace({text}, '\\.0$', '')"
    return identifier(name) if delivered == "VARCHAR" else text


def _may_be_formula(column: Column) -> bool:
    return column.data_type == "varchar" and not column.may_begin_like_a_formula


def _formula(column: Column) -> str:
    # What a spreadsheet would run when somebody opens a file that we write the value into.
    name = identifier(column.name)
    first = f"left({name}, 1)"
    return (
        f"coalesce({first} in ('=', '@', '\t', '\r') or "
        f"({first} in ('+', '-') and regexp_matches({name}, '[(|!]')), false)"
    )


def _tidy(name: str) -> str:
    # Blanks only: left to itself `trim` takes every space of Unicode, and a text of one would pass
    # for nothing instead of being set aside.
    return f"trim({name}, ' ')"


def cast(column: Column) -> str:
    """Return the SQL that casts a text column, or gives null where the text does not fit."""
    name, form = identifier(column.name), form_of(column.data_type)
    if form is None:
        return name
    text = _tidy(name)
    value = text
    if column.data_type == "timestamp":
        value = f"regexp_replace({text}, '(Z|\\+00(:?00)?)$', '')"
    fits = f"regexp_full_match({text}, {literal(form)})"
    return f"case when {fits} then try_cast({value} as {column.data_type}) end"


def misfit(column: Column) -> str:
    """Return the SQL of the reason why a value does not fit its type, or null where it does."""
    if form_of(column.data_type) is None:
        reason = literal(f"{column.name} begins like a spreadsheet formula")
        formula = f"case when {_formula(column)} then {reason} end"
        return formula if _may_be_formula(column) else "null"
    name = identifier(column.name)
    reason = literal(f"{column.name} is not a {column.data_type}")
    empty = f"nullif({_tidy(name)}, '') is null"
    return f"case when not ({empty}) and ({cast(column)}) is null then {reason} end"
