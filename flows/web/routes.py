"""The addresses of the desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from flows.desk.pdf import pdf_of
from flows.web import files, progress, reading
from flows.web.incoming import Incoming, read_form
from flows.web.looking import findings_of
from flows.web.office import Office, Refused
from flows.web.parts import tell
from flows.web.saving import press
from flows.web.shown import shown
from flows.web.typed import document_of
from flows.web.users import COOKIE, User, address_of, is_from_our_page, is_https

router = APIRouter(default_response_class=HTMLResponse)
Id = Annotated[str, Path(pattern=r"^CR-\d{4,6}$")]
Said = Annotated[Literal["saved", "checked", "refused", "sent", "submitted"] | None, Query()]
FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "additionalProperties": {"type": "string"}}
            },
            "multipart/form-data": {
                "schema": {"type": "object", "additionalProperties": {"type": "string"}}
            },
        }
    }
}
SAVED: dict[int | str, dict[str, Any]] = {303: {"description": "Done: look there"}}
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}
Do = Callable[[Office, User, Incoming], Response]


@router.get("/")
def all_requests(request: Request) -> HTMLResponse:
    """Show all requests that somebody may see."""
    office = _office(request)
    return reading.list_page(office, office.let_in(request))


@router.get("/requests/new")
def new_request(request: Request) -> HTMLResponse:
    """Show an empty form."""
    office = _office(request)
    return reading.new_page(office, office.let_in(request))


@router.get("/requests/new.pdf", response_class=Response, responses=PDF)
def blank_form(request: Request) -> Response:
    """Return an empty form on paper."""
    _office(request).let_in(request, "paper")
    return _pdf(None, "change-request.pdf")


@router.get("/requests/{request_id}.pdf", response_class=Response, responses=PDF)
def request_on_paper(request: Request, request_id: Id) -> Response:
    """Return a request on paper."""
    office = _office(request)
    document = reading.read_for(office, office.let_in(request, "paper"), request_id)
    return _pdf(dict(document.content), f"{document.id}.pdf")


@router.get("/requests/{request_id}")
def one_request(
    request: Request, request_id: Id, said: Said = None, look: bool = False
) -> HTMLResponse:
    """Show a request: its form, or what it says when it is not changed any more."""
    office = _office(request)
    return reading.request_page(office, office.let_in(request), request_id, said, look)


@router.post("/requests", openapi_extra=FORM, responses=SAVED)
async def begin(request: Request) -> Response:
    """Keep a new request."""
    return await _with_form(request, lambda o, u, came: press(o, u, None, came))


@router.post("/requests/{request_id}", openapi_extra=FORM, responses=SAVED)
async def change(request: Request, request_id: Id) -> Response:
    """Save a request, check it, or hand it in."""
    return await _with_form(request, lambda o, u, came: press(o, u, request_id, came))


@router.post("/requests/{request_id}/files", openapi_extra=FORM, responses=SAVED)
async def send_file(request: Request, request_id: Id) -> Response:
    """Save a request with a file."""
    return await _with_form(request, lambda o, u, came: press(o, u, request_id, came))


@router.post("/check", openapi_extra=FORM, response_class=JSONResponse)
async def check_while_typing(request: Request) -> Response:
    """Say what is wrong with what is typed; nothing is kept."""
    return await _with_form(request, _looked_at, "typing")


@router.get("/enter", status_code=303, response_class=RedirectResponse)
def enter(request: Request, link: Annotated[str, Query(max_length=2000)]) -> Response:
    """Let in who has a link that we signed."""
    office = _office(request)
    office.slow_down("enter", address_of(request, office.instance))
    now = dt.datetime.now(dt.UTC)
    grant = None if office.instance.desk_secret is None else office.signer.read_link(link, now)
    if grant is None:
        sentence = (
            "This link is over, or not whole. Open it from the message once more; if that does "
            "not help, ask your project manager for another."
        )
        raise Refused(HTTPStatus.FORBIDDEN, sentence)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        office.signer.session(grant),
        max_age=int((grant.until - now).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_https(request, office.instance),
    )
    return answer


@router.post("/leave", openapi_extra=FORM, responses=SAVED)
async def leave(request: Request) -> Response:
    """Sign somebody out who came by a link."""

    def left(office: Office, user: User, came: Incoming) -> Response:
        if not office.signer.is_ours(came.own.get("csrf", ""), user.binding):
            raise Refused(HTTPStatus.FORBIDDEN, "This page was open for too long: load it again.")
        answer = office.page(
            "desk_message.html.j2",
            None,
            title="You are signed out",
            sentence="The link lets you in again.",
            typed="",
        )
        answer.delete_cookie(COOKIE)
        return answer

    return await _with_form(request, left)


@router.get("/static/{name}", response_class=Response, responses={200: files.KINDS})
def static(name: Literal["desk.css", "desk.js"]) -> Response:
    """Return the one style sheet, or the one script."""
    return files.answer(name)


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


async def _with_form(request: Request, do: Do, what: str = "look") -> Response:
    """Read a form of somebody who is in, and see that a page of ours sent it."""
    office = _office(request)
    office.slow_down("address", address_of(request, office.instance))
    user = office.user(request)
    came = await read_form(request) if user else await read_form(request, files=0)
    typed = document_of(came.tree, {})
    if user is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, SIGN_IN, typed=typed)
    office.slow_down(what, user.name, typed)
    if not is_from_our_page(request, office.instance):
        raise Refused(HTTPStatus.FORBIDDEN, ELSEWHERE, typed=typed)
    return await run_in_threadpool(do, office, user, came)


SIGN_IN = (
    "You are not signed in any more, and nothing is saved. Open the link that you were sent in "
    "another tab, then go back here and press the button once more. What you typed stands below."
)
ELSEWHERE = (
    "This form was sent by a page that is not ours, and nothing is saved. Open the form from the "
    "first page. If you did fill in ours, what you typed stands below."
)


def _looked_at(office: Office, user: User, came: Incoming) -> Response:
    if not office.signer.is_ours(came.own.get("csrf", ""), user.binding):
        raise Refused(HTTPStatus.FORBIDDEN, "This page was open for too long: save it once.")
    content = document_of(came.tree, {})
    number = came.own.get("number", "")
    if number:
        content["id"] = number
    findings = findings_of(office, user, content, thorough=False)
    told = tell(shown(content, {}), findings)
    at = {name: [[each.weight, each.says] for each in found] for name, found in told.at.items()}
    loose = [each.says for each in told.loose]
    return JSONResponse({"left": len(progress.missing(content)), "at": at, "loose": loose})


def _pdf(content: dict[str, Any] | None, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(pdf_of(content), media_type="application/pdf", headers=headers)
