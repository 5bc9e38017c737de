"""Ask a source for one table of one date, whatever kind of source it is."""

from __future__ import annotations

from typing import Any

from flows.intake.sources.declared import Api, Database, Files, Outbox, Snowflake
from flows.intake.sources.request import Arrived, Request
from flows.intake.space import room


def fetch(source: Any, request: Request) -> Arrived:
    """Bring a table into the request's folder and say what came.

    Raises:
        DeliveryRefused: when it is not there, cannot be reached, or is not whole.
        NoSpace: when our disk is full.
    """
    with room(request.folder, request.day):
        return _fetch(source, request)


def _fetch(source: Any, request: Request) -> Arrived:
    match source:
        # Each kind is imported where it is used: nobody waits for the drivers of others.
        case Files():
            from flows.intake.sources import files

            return files.fetch(source, request)
        case Database():
            from flows.intake.sources import databases

            return databases.fetch(source, request)
        case Snowflake():
            from flows.intake.sources import snowflake

            return snowflake.fetch(source, request)
        case Api():
            from flows.intake.sources import api

            return api.fetch(source, request)
        case Outbox():
            from flows.intake.sources import outbox

            return outbox.fetch(request)
        case _:
            raise TypeError(f"no way to ask a {type(source).__name__}")
