"""A business date as a person types it."""

from __future__ import annotations

import datetime as dt

from flows.errors import SettingsWrong


def date_of(text: str) -> dt.date:
    """Return the date that a text says.

    Raises:
        SettingsWrong: when it says none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SettingsWrong(f"'{text}' is not a date: write it as 2017-11-21.") from None
