"""Text to the types of a contract, strictly: a value that would change in the cast does not cast.

DuckDB's own `try_cast` rounds '1.5' to the bigint 2 and drops the time from a date. Here the text
must have the form of the type first, so that nothing is altered on the way in.
"""

from __future__ import annotations

from flows.contracts.contract import Column

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


def form_of(data_type: str) -> str | None:
    """Return the regular expression that a text of this type fits, or None for text itself."""
    name, _, rest = data_type.partition("(")
    if name == "decimal":
        scale = int(rest.rstrip(")").split(",")[1]) if rest else 3
        return rf"[+-]?(\d+(\.\d{{0,{scale}}}0*)?|\.\d{{1,{scale}}}0*)"
    return _FORMS.get(name)


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
        return "null"
    name = identifier(column.name)
    reason = literal(f"{column.name} is not a {column.data_type}")
    empty = f"nullif({_tidy(name)}, '') is null"
    return f"case when not ({empty}) and ({cast(column)}) is null then {reason} end"
