"""Answers to what cannot be done: a page each, with a sentence, and with what was typed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from flows.desk.written import written
from flows.errors import NoSuchRequest, RequestChanged, RequestWrong, Stopped
from flows.web.office import Office, Refused

PAGE: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "What came is no form", **PAGE},
    401: {"description": "Nobody is signed in", **PAGE},
    403: {"description": "The form is not one of ours", **PAGE},
    404: {"description": "There is no such request", **PAGE},
    409: {"description": "Somebody else changed it meanwhile", **PAGE},
    413: {"description": "More came than may come", **PAGE},
    422: {"description": "It cannot be done as asked", **PAGE},
    429: {"description": "Too often in a short time", **PAGE},
    503: {"description": "The desk cannot work now", **PAGE},
}
STATUSES: tuple[tuple[type[Stopped], HTTPStatus], ...] = (
    (NoSuchRequest, HTTPStatus.NOT_FOUND),
    (RequestChanged, HTTPStatus.CONFLICT),
    (RequestWrong, HTTPStatus.UNPROCESSABLE_ENTITY),
)
TITLES = {
    400: "That is no form",
    401: "Who is there?",
    403: "That is not let through",
    404: "There is nothing here",
    405: "That is not done this way",
    409: "It has changed meanwhile",
    413: "That is too much",
    422: "That cannot be done",
    429: "A little slower, please",
    503: "Not now",
}
NOT_HERE = "There is no such page. All requests are on the first one."


def refusal(office: Office, request: Request, error: Refused) -> HTMLResponse:
    """Return the page of what is refused."""
    headers = {"retry-after": str(error.wait)} if error.wait else {}
    typed = written(error.typed) if error.typed else ""
    return _page(office, request, error.status, str(error), headers, typed)


def stop(office: Office, request: Request, error: Stopped) -> HTMLResponse:
    """Return the page of what stopped in order: its own sentence."""
    status = next((s for kind, s in STATUSES if isinstance(error, kind)), None)
    # Where it stands on our disk is for the command line to say.
    sentence = str(error).replace(f"{office.instance.desk}/", "")
    return _page(office, request, status or HTTPStatus.SERVICE_UNAVAILABLE, sentence)


def misread(office: Office, request: Request, error: RequestValidationError) -> HTMLResponse:
    """Return the page of an address that is none of ours."""
    in_path = any(each["loc"][0] == "path" for each in error.errors())
    status = HTTPStatus.NOT_FOUND if in_path else HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(office, request, status, NOT_HERE)


def elsewhere(office: Office, request: Request, error: HTTPException) -> HTMLResponse:
    """Return the page of an address, or of a way to ask, that is not there."""
    status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
    return _page(office, request, status, NOT_HERE, headers)


def _page(
    office: Office,
    request: Request,
    status: HTTPStatus,
    sentence: str,
    headers: dict[str, str] | None = None,
    typed: str = "",
) -> HTMLResponse:
    title = TITLES.get(status, status.phrase)
    user = office.user(request)
    values = {"title": title, "sentence": sentence, "typed": typed}
    return office.page("desk_message.html.j2", user, status, headers, **values)
