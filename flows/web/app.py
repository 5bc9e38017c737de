"""The desk as an application: what may be asked for, and what the answer is when it cannot be.

`app_of(instance)` makes it; `scv request serve` runs it, and something else may mount it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flows.desk.samples import forget_old
from flows.desk.store import Desk
from flows.errors import Stopped
from flows.settings import Instance
from flows.web import answers, routes
from flows.web.guard import Guard
from flows.web.office import Office, Refused
from flows.web.rates import Rates

TIDIED_EVERY = 3600.0  # seconds
ROOM_FOR_FIELDS = 2  # MB beside a file


def app_of(instance: Instance, rates: Rates | None = None, desk: Desk | None = None) -> FastAPI:
    """Return the desk of an instance as an application.

    Args:
        instance: whose desk it is.
        rates: how often somebody may ask.
        desk: where requests are kept, if not where the instance has them.
    """
    office = Office(instance, desk or Desk.of(instance), rates or Rates())
    app = FastAPI(
        title="Change requests",
        summary="The form of a change request, as pages.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_tidying(office),
        responses=answers.REFUSALS,
    )
    app.state.office = office
    app.include_router(routes.router)
    _answer_what_stops(app, office)
    app.add_middleware(Guard, bytes_at_most=(instance.desk_upload_mb + ROOM_FOR_FIELDS) << 20)
    return app


def _answer_what_stops(app: FastAPI, office: Office) -> None:
    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return answers.refusal(office, request, error)

    @app.exception_handler(Stopped)
    def stopped(request: Request, error: Stopped) -> Response:
        return answers.stop(office, request, error)

    @app.exception_handler(RequestValidationError)
    def misread(request: Request, error: RequestValidationError) -> Response:
        return answers.misread(office, request, error)

    @app.exception_handler(HTTPException)
    def elsewhere(request: Request, error: HTTPException) -> Response:
        return answers.elsewhere(office, request, error)


def _tidying(office: Office) -> Any:
    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_tidy(office))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return living


async def _tidy(office: Office) -> None:
    """Remove files of drafts that nobody handed in, now and then."""
    while True:
        await run_in_threadpool(forget_old, office.instance.desk)
        await asyncio.sleep(TIDIED_EVERY)
