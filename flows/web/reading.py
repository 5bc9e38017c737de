"""The pages that are looked at: all requests, one of them, and its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.responses import HTMLResponse

from flows.desk.findings import Finding
from flows.desk.request import STATUSES
from flows.desk.sides import Side, sides_of
from flows.desk.standing import standing_of
from flows.desk.store import Document
from flows.errors import NoSuchRequest
from flows.ledger import Ledger
from flows.settings import Instance
from flows.web import progress
from flows.web.knowledge import list_of, suggestions
from flows.web.looking import findings_of
from flows.web.office import Office
from flows.web.parts import sections, tell
from flows.web.shown import shown
from flows.web.users import User

EDITED = ("draft", "questions")
FIRST = ("draft", "questions", "submitted")
LONG_LIST = 40  # names that are shown below a field
SAID = {
    "saved": "Saved as a draft.",
    "checked": "Saved, and checked.",
    "refused": "Saved, and not handed in yet.",
    "sent": "Saved, with the file.",
    "submitted": "Handed in. We read it now, and you hear from us.",
}


@dataclass(frozen=True)
class Draft:
    """A form as it is shown.

    Args:
        document: what is kept of it; None as long as nothing is.
        content: what stands in it.
        version: the version of the document that it was opened with.
        is_saved: False when it shows what is not kept.
        note: a sentence at the top.
        findings: what is wrong with it; None when it was not looked at.
        blank: how many empty rows a table offers, where it is not one.
        differs: fields that somebody else saved otherwise, with both texts.
    """

    document: Document | None
    content: Mapping[str, Any]
    version: str = ""
    is_saved: bool = True
    note: str = ""
    findings: Sequence[Finding] | None = None
    blank: Mapping[str, int] = field(default_factory=dict)
    differs: Sequence[tuple[str, str, str]] = ()
    theirs: str = ""
    focus: str = ""


def read_for(office: Office, user: User, request_id: str) -> Document:
    """Return a request that somebody may see.

    Raises:
        NoSuchRequest: when there is none, or none for them: that is the same sentence.
    """
    document = office.desk.read(request_id)
    if not user.sees(document.content):
        raise NoSuchRequest(
            f"There is no request {request_id}. Those that there are: scv request list"
        )
    return document


def may_edit(document: Document) -> bool:
    """True while a request is in the hands of who asks."""
    return document.status in EDITED and not document.is_accepted


def list_page(office: Office, user: User) -> HTMLResponse:
    """Return the page of all requests that somebody may see, what waits for them first."""
    there = [each for each in office.desk.documents() if user.sees(each.content)]
    sides = _sides(office.instance)
    found = [(each, standing_of(each, sides).status) for each in there]
    found.sort(key=lambda each: (_rank(each[1]), -int(each[0].id.removeprefix("CR-"))))
    return office.page("desk_list.html.j2", user, requests=found, tuesdays=office.tuesdays())


def new_page(office: Office, user: User) -> HTMLResponse:
    """Return an empty form, with what is known of who asks."""
    return form_page(office, user, Draft(None, begun(office, user), is_saved=False))


def begun(office: Office, user: User) -> dict[str, Any]:
    """Return what is filled in before anybody has typed."""
    known = {
        "client": user.client or office.instance.client,
        "instance": office.instance.instance,
        "wanted_on": office.tuesdays()[0][0],
    }
    return known if user.is_demo else known | {"asked_by_email": user.name}


def request_page(
    office: Office, user: User, request_id: str, said: str | None, look: bool
) -> HTMLResponse:
    """Return the form of a request while it may be changed, else what it says.

    Args:
        office: whose desk it is.
        user: who looks.
        request_id: its number.
        said: what was just done with it.
        look: True checks all of it.
    """
    document = read_for(office, user, request_id)
    note = SAID.get(said or "", "")
    if not may_edit(document):
        return read_page(office, user, document, note)
    findings = None
    if look:
        office.slow_down("check", user.name)
        findings = findings_of(office, user, document.content, thorough=True)
    draft = Draft(document, document.content, document.version, note=note, findings=findings)
    return form_page(office, user, draft)


def read_page(office: Office, user: User, document: Document, note: str = "") -> HTMLResponse:
    """Return what a request says, for who may not change it any more."""
    parts = sections(shown(document.content, {}))
    ticked = document.content.get("kinds") or ()
    asked = [each for each in parts if each.kind is None or each.kind in ticked]
    standing = standing_of(document, _sides(office.instance))
    return office.page(
        "desk_read.html.j2", user, request=document, sections=asked, standing=standing, note=note
    )


def form_page(
    office: Office,
    user: User,
    draft: Draft,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return the form with what stands in it, and what is wrong beside its fields."""
    known = office.knowledge.for_(user)
    fields = shown(draft.content, draft.blank)
    return office.page(
        "desk_form.html.j2",
        user,
        status,
        headers,
        draft=draft,
        sections=sections(fields),
        told=tell(fields, draft.findings or ()),
        left=len(progress.missing(draft.content)),
        left_out=progress.left_out(draft.content),
        lists=suggestions(known, office.instance),
        list_of=list_of,
        long_list=LONG_LIST,
        tuesdays=office.tuesdays(),
        upload_mb=office.instance.desk_upload_mb,
        question=_question(draft.document),
    )


def _sides(instance: Instance) -> list[Side]:
    """What the ledgers know; where no night has run there is none, and none is made."""
    there = (instance.root / "ledger.sqlite").is_file()
    return sides_of(instance, Ledger(instance.ledger_url)) if there else []


def _question(document: Document | None) -> str:
    """What we asked back last, while an answer is waited for."""
    if document is None or document.status != "questions":
        return ""
    told = [each for each in document.content.get("history", ()) if each.get("note")]
    return str(told[-1]["note"]) if told else ""


def _rank(status: str) -> int:
    order = [*FIRST, *(each for each in STATUSES if each not in FIRST)]
    return order.index(status) if status in order else len(order)
