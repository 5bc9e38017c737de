"""The requests that stand in the project, each whole and valid: what was asked for, and when."""

from __future__ import annotations

from pathlib import Path

from flows.desk.findings import read
from flows.desk.request import ChangeRequest
from flows.desk.store import ACCEPTED, Desk
from flows.errors import RequestWrong


def read_accepted(folder: Path = ACCEPTED) -> list[ChangeRequest]:
    """Return the requests of `docs/requests/`, by number.

    Raises:
        RequestWrong: when one is no complete request, or its file is not called as it should be.
    """
    found = []
    for document in Desk(folder / "none", folder).documents():
        request, wrong = read(document.content)
        if request is None:
            told = "; ".join(f"{each.place}: {each.says}" for each in wrong)
            raise RequestWrong(f"The request {document.path.name} is wrong: {told}. Mend it.")
        if document.path.name != request.file_name:
            raise RequestWrong(
                f"The request {document.path.name} is {request.id}, {request.title}: its file is "
                f"called {request.file_name}."
            )
        found.append(request)
    return found
