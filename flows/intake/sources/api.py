"""A table of an API: JSON over HTTP, page by page, kept as it was delivered.

A page is kept once it is whole, and a call after a failure asks only for what was missing. A row
that comes on two pages, because the client's data moved under the page numbers while it was
read, is not removed here: the intake sets exact repeats aside, with the reason. A row that such
a move hid shows only where answers say how many rows there are (`total`).
"""

from __future__ import annotations

import httpx

from flows.errors import (
    AccessRefused,
    DeliveryRefused,
    FewerRows,
    FileBroken,
    SourceUnreachable,
    TableMissing,
)
from flows.intake.sources.answers import ask, judge, open_client
from flows.intake.sources.declared import Api, Form
from flows.intake.sources.paging import Page, Question, pose, read_page
from flows.intake.sources.progress import Progress
from flows.intake.sources.request import Arrived, Request

# What a server says to a cursor that it no longer knows.
FORGOTTEN = (400, 404, 410)
_ASKED_FOR: dict[type[DeliveryRefused], str] = {
    AccessRefused: "for a key that is let in",
    SourceUnreachable: "whether the API is up",
    TableMissing: "where it is now",
}


def fetch(source: Api, request: Request) -> Arrived:
    """Return the pages of a table, in order; those without rows are left out, but for the first.

    The folder keeps the pages of a call that failed, and the next call goes on after them, as long
    as it asks the same. A call that came to its end is over: the next one begins anew.

    Raises:
        SettingsWrong: when a variable is not set, or the url is no address.
        SourceUnreachable: no whole answer after all retries; the pages so far are kept.
        AccessRefused, TableMissing: the answer is 401 or 403; 404.
        FileBroken: an answer is not JSON, has no rows where they should be, is too large, or the
            pages go round in circles.
        FewerRows: the pages hold fewer rows than the answer says that there are.
        DeliveryRefused: another status, or the server sends us on to another host.
    """
    question = pose(source, request)
    progress = Progress(request.folder, question.fingerprint)
    walk = Walk(question, progress)
    try:
        with open_client(source, request, question.address) as client:
            walk.go(client)
    except DeliveryRefused as refused:
        # What is wrong is known below; of which table and date, and what to do next, here.
        after = f", after {len(walk.pages)} whole pages," if walk.pages else ""
        asked_for = _ASKED_FOR.get(type(refused), "to mend it")
        raise type(refused)(
            f"{request.table} for {request.day}: GET {question.table.path} of {request.source}"
            f"{after} {refused} Ask {request.owner} {asked_for}, {request.again}"
        ) from None
    progress.forget()
    full = [number for number, page in enumerate(walk.pages, 1) if page.rows] or [1]
    form = Form(format="json", records=question.table.records)
    return Arrived(tuple(progress.page(number) for number in full), form)


class Walk:
    """From the first page that is not here to the last one. `pages` are those that are here."""

    def __init__(self, question: Question, progress: Progress) -> None:
        self.pages: list[Page] = []
        self._question = question
        self._progress = progress
        self._seen: set[str] = set()

    def go(self, client: httpx.Client) -> None:
        """Ask for page after page until there is no next one; of a sample, for the first.

        Raises:
            DeliveryRefused: or one of its kinds, as `fetch`; in half a sentence.
        """
        self._begin(self._progress.resume())
        may_be_forgotten = self.pages and self._question.table.paging.kind in ("cursor", "link")
        while not self.pages or self.pages[-1].next is not None:
            address = self._question.url(self.pages[-1] if self.pages else None)
            response = ask(client, address)
            if may_be_forgotten and response.status_code in FORGOTTEN:
                self._begin(self._progress.start_over())
            else:
                judge(response)
                self._take(response)
            may_be_forgotten = False
        if not self._question.sample:
            self._refuse_fewer_rows()

    def _begin(self, pages: list[Page]) -> None:
        self.pages = pages
        self._seen = {str(self._question.url(None))}
        for page in pages:
            self._seen |= _marks(page)

    def _take(self, response: httpx.Response) -> None:
        page = read_page(self._question, response, self.pages)
        most = self._question.table.paging.max_pages
        if self._seen & _marks(page):
            raise self._of_all_pages(FileBroken, "goes round in circles: a page came again.")
        if len(self.pages) == most:
            raise self._of_all_pages(FileBroken, f"has more than {most} pages (max_pages).")
        self._progress.keep(len(self.pages) + 1, response.content, page)
        self.pages.append(page)
        self._seen |= _marks(page)

    def _refuse_fewer_rows(self) -> None:
        path = self._question.table.total
        if path is None:
            return
        told = [page.total for page in self.pages if page.total is not None]
        came = sum(page.rows for page in self.pages)
        if not told:
            raise self._of_all_pages(FileBroken, f"has no answer that says a number at {path}.")
        # Under page numbers a row that goes pulls another one to a page that was read already.
        wanted = max(told) if self._question.table.paging.kind == "page" else told[-1]
        if came < wanted:
            raise self._of_all_pages(FewerRows, f"came to {came} rows, and says {wanted}.")

    def _of_all_pages(self, kind: type[DeliveryRefused], said: str) -> DeliveryRefused:
        # The fault may be in any page: none of them is gone on from.
        self._progress.forget()
        return kind(said)


def _marks(page: Page) -> set[str]:
    return {mark for mark in (page.digest, page.next) if mark}
