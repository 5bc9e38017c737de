"""Accepting a request: a branch with a first version of all that it asks for.

The checkout in which somebody works is not touched: the branch is written in a git worktree of its
own, which is gone afterwards. What is written is read back by the project's own readers before it
is committed, so that a branch is there whole or not at all.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.builds.release import git
from flows.contracts.files import read_contracts
from flows.desk.findings import read
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import (
    for_activity,
    for_attribute,
    for_columns,
    for_consent,
    for_purchases,
    for_table,
)
from flows.desk.scaffold.model_text import NotTheGrammar
from flows.desk.scaffold.project import Project
from flows.desk.store import Desk, Document, in_order
from flows.desk.store import said as entry
from flows.desk.written import written
from flows.errors import ContractWrong, RequestWrong
from flows.intake.sources.declared import read_sources
from flows.settings import PROJECT

REQUESTS = "docs/requests"


@dataclass(frozen=True)
class Accepted:
    """A branch that was written: its commit, its files, and what a person has to decide there."""

    branch: str
    commit: str
    files: tuple[str, ...]
    to_do: tuple[str, ...]


def accept(
    desk: Desk,
    request_id: str,
    who: str,
    why: str,
    *,
    section: str = "",
    base: str = "HEAD",
    privacy_approver: str = "",
    project: Path = PROJECT,
) -> Accepted:
    """Accept a request that was handed in, and write its branch.

    Args:
        desk: where the request stands.
        request_id: its number.
        who: accepts it.
        why: on which word, for whoever asks a year on.
        section: the model that an attribute goes into, where more than one could have it.
        base: what the branch begins at.
        privacy_approver: who agreed, when it is about consent.
        project: the checkout whose branch it becomes.

    Raises:
        NoSuchRequest: when there is none of that number.
        RequestWrong: when it was not handed in, is about consent and not agreed to, or cannot be
            written into this project.
    """
    document = desk.read(request_id)
    request = _request(document, privacy_approver)
    branch = f"request/{request.slug}"
    if git(project, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}") is not None:
        raise RequestWrong(
            f"The branch {branch} is there already. Go on with it: git switch {branch}; or take it "
            f"away, and accept anew: git branch -D {branch}"
        )
    agreed = f"; {privacy_approver} agreed to it for privacy" if privacy_approver else ""
    note = f"{why.rstrip('.')}{agreed}."
    with _worktree(project, branch, base) as folder:
        written_to = Project(folder, request.id)
        _write(request, document, written_to, section, who, note)
        _read_back(written_to)
        commit = _commit(folder, request, who, written_to)
    desk.say(request_id, "accepted", who, note)
    return Accepted(branch, commit, tuple(written_to.changed), tuple(written_to.to_do))


def _request(document: Document, privacy_approver: str) -> ChangeRequest:
    if document.is_accepted or document.status != "submitted":
        raise RequestWrong(
            f"{document.id} is {document.status}: only what was handed in is accepted. "
            f"What became of it: scv request show {document.id}"
        )
    request, findings = read(document.content)
    if request is None:
        told = "; ".join(f"{each.place}: {each.says}" for each in findings)
        raise RequestWrong(f"{document.id} is not complete any more: {told}.")
    if request.about_consent and privacy_approver != request.privacy_approver:
        raise RequestWrong(
            f"{document.id} is about consent: {request.privacy_approver} has to agree. When that "
            f'is done: --privacy-approver "{request.privacy_approver}"'
        )
    return request


def _write(
    request: ChangeRequest, document: Document, project: Project, section: str, who: str, note: str
) -> None:
    new: list[str] = []
    try:
        if request.new_table is not None:
            for_table.write(request, request.new_table, project)
        if request.columns is not None:
            for_columns.write(request, request.columns, project)
        if request.attribute is not None:
            asked = request.attribute
            begun = project.names("models/marts/customer_*.sql")
            chosen = for_attribute.write(request, asked, project, section)
            new = [asked.name, f"marts.{chosen}.{asked.name}"]
            is_new = f"models/marts/{chosen}.sql" not in begun
            new += [f"marts.{chosen}.customer_id"] if is_new else []
        if request.activity is not None:
            for_activity.write(request, request.activity, project)
        if request.purchases is not None:
            for_purchases.write(request, request.purchases, project)
        if request.about_consent:
            for_consent.write(request, project)
    except NotTheGrammar as error:
        raise RequestWrong(
            f"{request.id} cannot be written into a model that is not laid out as the house does: "
            f"{error}. See CONTRIBUTING.md."
        ) from None
    content = _with_effect(document.content, new)
    history = [*content.get("history", []), entry("accepted", who, note)]
    content |= {"status": "accepted", "history": history}
    project.create(f"{REQUESTS}/{request.file_name}", written(in_order(content)))


def _with_effect(content: Any, new: list[str]) -> dict[str, Any]:
    """Return a request that declares the columns that come by it, for the comparison."""
    expects = dict(content.get("expects") or {})
    columns = dict(expects.get("columns") or {})
    told = list(columns.get("new") or ())
    columns["new"] = [*told, *(name for name in new if name not in told)]
    return {**content, "expects": {**expects, "columns": columns} if new else expects}


def _read_back(project: Project) -> None:
    try:
        read_contracts(project.folder / "expectations")
        read_sources(project.folder / "sources")
    except ContractWrong as error:
        raise RequestWrong(
            f"{project.request_id} makes a contract that cannot be: {error}"
        ) from None
    with tempfile.TemporaryDirectory() as target:
        paths = ("--target-path", target, "--log-path", target)
        command = [sys.executable, "-m", "dbt.cli.main", "parse", "--no-partial-parse", *paths]
        done = subprocess.run(
            command, cwd=project.folder, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        told = [line for line in done.stdout.splitlines() if line.strip()]
        reason = " ".join(told[-3:])[:400]
        raise RequestWrong(f"What {project.request_id} makes is nothing that dbt reads: {reason}")


@contextmanager
def _worktree(project: Path, branch: str, base: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scv-accept-") as parent:
        folder = Path(parent) / "project"
        if git(project, "worktree", "add", "-b", branch, str(folder), base) is None:
            raise RequestWrong(f"git does not make the branch {branch} at {base} in {project}.")
        whole = False
        try:
            yield folder
            whole = True
        finally:
            git(project, "worktree", "remove", "--force", str(folder))
            if not whole:
                git(project, "branch", "-D", branch)


def _commit(folder: Path, request: ChangeRequest, who: str, project: Project) -> str:
    git(folder, "add", "--all")
    to_do = "".join(f"\n- to do: {each}" for each in project.to_do)
    message = (
        f"Accept {request.id}: {request.title}\n\n"
        f"Asked for by {request.asked_by}, accepted by {who}.{to_do}\n"
    )
    identity = ("-c", f"user.name={who}", "-c", "user.email=desk@localhost")
    known = git(folder, "config", "user.email")
    options = () if known else identity
    if git(folder, *options, "commit", "--quiet", "--message", message) is None:
        raise RequestWrong(f"git does not commit {request.id}: see git status in {folder}.")
    return str(git(folder, "rev-parse", "--short=12", "HEAD"))
