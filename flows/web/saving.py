"""The buttons of the form: save, check, hand in, rows more and less, files."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import RedirectResponse, Response

from flows.desk import samples
from flows.desk.findings import Finding, in_words
from flows.desk.store import Document
from flows.desk.submitting import NotSound, submit
from flows.errors import RequestChanged, SampleRefused
from flows.web.incoming import Incoming
from flows.web.office import Office, Refused
from flows.web.reading import Draft, form_page, may_edit, read_for
from flows.web.shown import id_of
from flows.web.typed import document_of
from flows.web.users import User

ROWS_MORE = 3
OUTDATED = (
    "This page was open for too long, or in another session. Nothing is saved yet, and nothing is "
    "lost: look it through, and press the button once more."
)
CHANGED = (
    "Somebody else saved this request meanwhile. What you typed stands here, and is not saved yet."
)
PERSONAL = {"yes": True, "no": False}


def press(office: Office, user: User, request_id: str | None, came: Incoming) -> Response:
    """Do what a button of the form asks for; what was typed is kept, or shown again.

    Args:
        office: whose desk it is.
        user: who pressed it.
        request_id: the number of the request; None for one that nobody has saved yet.
        came: what the form sent.

    Raises:
        NoSuchRequest: when there is none of that number for them.
        Refused: when it cannot be changed any more.
    """
    document = read_for(office, user, request_id) if request_id else None
    content = _typed(user, document, came)
    version = came.own.get("version", "")
    if document is not None and not may_edit(document):
        sentence = f"{document.id} is {document.status} by now: it is not changed any more."
        raise Refused(HTTPStatus.CONFLICT, sentence, typed=content)
    draft = Draft(document, content, version, is_saved=False)
    refused = _refused(office, user, draft, came)
    if refused is not None:
        return refused
    word, _, place = came.action.partition(":")
    if word in ("add", "remove"):
        return _with_rows(office, user, draft, came, word, place)
    try:
        kept = _save(office, user, draft, came)
    except RequestChanged:
        return _conflict(office, user, draft)
    return _after_saving(office, user, kept, came)


def _typed(user: User, document: Document | None, came: Incoming) -> dict[str, Any]:
    before = document.content if document else {}
    content = document_of(came.tree, before)
    # Whose request it is, is not for a person of a client to say.
    if user.client is not None:
        content["client"] = user.client
    return content


def _refused(office: Office, user: User, draft: Draft, came: Incoming) -> Response | None:
    """Return the form once more when it is not ours, or comes too often."""
    if not office.signer.is_ours(came.own.get("csrf", ""), user.binding):
        shown = Draft(draft.document, draft.content, draft.version, False, OUTDATED)
        return form_page(office, user, shown, HTTPStatus.FORBIDDEN)
    kinds = ["save", *(["begin"] if draft.document is None else [])]
    kinds += ["upload"] if came.files else []
    # Who checks is led to a page that does so, and counts it.
    kinds += ["check"] if came.action == "submit" else []
    wait = max(office.meter.wait(kind, user.name) for kind in kinds)
    if not wait:
        return None
    said = f"That was too often in a short time. Nothing is saved yet: wait {wait} seconds."
    shown = Draft(draft.document, draft.content, draft.version, False, said)
    headers = {"retry-after": str(wait)}
    return form_page(office, user, shown, HTTPStatus.TOO_MANY_REQUESTS, headers)


def _with_rows(
    office: Office, user: User, draft: Draft, came: Incoming, word: str, place: str
) -> Response:
    """Show the form with more rows in a table, or without one."""
    if word == "add":
        shown = Draft(
            draft.document,
            draft.content,
            draft.version,
            False,
            "Rows were added below. Nothing is saved yet.",
            blank={place: ROWS_MORE + 1},
            focus=id_of(place),
        )
        return form_page(office, user, shown)
    tree = _without(came.tree, place.split("."))
    content = _typed(user, draft.document, Incoming(tree))
    said = "The row is taken out. Nothing is saved yet."
    table = id_of(place.rpartition(".")[0])
    shown = Draft(draft.document, content, draft.version, False, said, focus=table)
    return form_page(office, user, shown)


def _without(tree: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    first, *rest = path
    branch = tree.get(first)
    if not rest or not isinstance(branch, Mapping):
        return {key: value for key, value in tree.items() if key != first or rest}
    return {**tree, first: _without(branch, rest)}


def _save(office: Office, user: User, draft: Draft, came: Incoming) -> Document:
    if draft.document is None:
        return office.desk.create({**draft.content}, user.name)
    version = came.own.get("theirs", "") if came.action == "over" else draft.version
    kept = office.desk.save(draft.document.id, draft.content, version)
    files = kept.content.get("files") or ()
    hashes = frozenset(str(each.get("sha256")) for each in files)
    samples.forget(office.instance.desk, kept.id, hashes)
    return kept


def _after_saving(office: Office, user: User, kept: Document, came: Incoming) -> Response:
    try:
        kept = _with_files(office, kept, came)
    except SampleRefused as error:
        return _bad_file(office, user, kept, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    if came.too_much:
        size = office.instance.desk_upload_mb
        said = f"The file is larger than {size} MB, and was not kept. The rest is saved."
        return _bad_file(office, user, kept, said, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if came.action == "submit":
        return _hand_in(office, user, kept)
    said = "sent" if came.files else "checked" if came.action == "check" else "saved"
    look = "&look=true" if came.action == "check" else ""
    return RedirectResponse(f"/requests/{kept.id}?said={said}{look}", HTTPStatus.SEE_OTHER)


def _hand_in(office: Office, user: User, kept: Document) -> Response:
    known = office.knowledge.for_(user)
    try:
        with office.checking:
            there = samples.samples_of(office.instance.desk, kept.content)
            submit(office.desk, kept.id, user.name, known, there)
    except NotSound:
        where = f"/requests/{kept.id}?said=refused&look=true"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)
    samples.forget(office.instance.desk, kept.id)
    return RedirectResponse(f"/requests/{kept.id}?said=submitted", HTTPStatus.SEE_OTHER)


def _with_files(office: Office, kept: Document, came: Incoming) -> Document:
    if not came.files:
        return kept
    told = {"sample_of": came.own.get("upload_sample_of", "").strip()}
    personal = PERSONAL.get(came.own.get("upload_personal_data", ""))
    files = list(kept.content.get("files") or ())
    for upload in came.files:
        at_most = office.instance.desk_upload_mb << 20
        name = upload.filename or "file"
        file = samples.keep(office.instance.desk, kept.id, name, upload.file, at_most)
        files = [each for each in files if each.get("sha256") != file["sha256"]]
        said = {} if personal is None else {"personal_data": personal}
        files.append(file | said | {key: value for key, value in told.items() if value})
    return office.desk.save(kept.id, {**kept.content, "files": files}, kept.version)


def _bad_file(
    office: Office, user: User, kept: Document, said: str, status: HTTPStatus
) -> Response:
    findings = [Finding("files", said)]
    note = "Saved, without the file."
    draft = Draft(kept, kept.content, kept.version, note=note, findings=findings)
    return form_page(office, user, draft, status)


def _conflict(office: Office, user: User, draft: Draft) -> Response:
    """Show what was typed, and where it differs from what somebody else saved meanwhile."""
    assert draft.document is not None
    theirs = read_for(office, user, draft.document.id)
    shown = Draft(
        theirs,
        draft.content,
        draft.version,
        False,
        CHANGED,
        differs=differences(theirs.content, draft.content),
        theirs=theirs.version,
    )
    return form_page(office, user, shown, HTTPStatus.CONFLICT)


def differences(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the fields that differ, in words, with what stands there and what was typed."""
    ours = ("id", "status", "history", "files")
    left, right = _flat(theirs, ""), _flat(mine, "")
    places = [key for key in {**left, **right} if key.partition(".")[0] not in ours]
    return [
        (in_words(place), left.get(place, ""), right.get(place, ""))
        for place in places
        if left.get(place, "") != right.get(place, "")
    ]


def _flat(value: Any, place: str) -> dict[str, str]:
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)  # type: ignore[assignment]
    else:
        return {place: "" if value is None else str(value)}
    found: dict[str, str] = {}
    for key, each in parts:
        found |= _flat(each, f"{place}.{key}" if place else str(key))
    return found
