"""A release is a commit, checked out in a folder of its own that nothing ever changes.

A run in flight goes on with the files of its release while another one is checked out beside it.
The folders are git worktrees of this checkout, named by commit: `warehouse/<instance>/releases/`.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from flows.builds import live
from flows.builds.release import git
from flows.errors import NoSuchRelease
from flows.ledger import Ledger, builds
from flows.settings import PROJECT, Instance

COMMIT_CHARACTERS = 12  # as `flows.builds.release.code_version` names a commit


@dataclass(frozen=True)
class Release:
    """A commit and where it is checked out."""

    commit: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter with what the release's lock names."""
        own = self.folder / ".venv" / "bin" / "python"
        return own if own.is_file() else Path(sys.executable)

    def command(self, module: str, *arguments: str) -> list[str]:
        """Return the command that runs a module of the release."""
        return [str(self.python), "-m", module, *arguments]

    def environment(self, instance: Instance) -> dict[str, str]:
        """Return the variables under which the release works on an instance."""
        return os.environ | {
            "SCV_INSTANCE": instance.instance,
            "SCV_WAREHOUSE": str(instance.warehouse),
            "SCV_DELIVERIES": str(instance.deliveries),
            # Before what is installed, which is the code of the checkout that did it, and before
            # the folder that somebody stands in.
            "PYTHONPATH": str(self.folder),
            "PYTHONSAFEPATH": "1",
            # It is the code that was asked for.
            "SCV_CODE": "checkout",
        }


def check_out(instance: Instance, ref: str, project: Path = PROJECT) -> Release:
    """Check out a commit, branch or tag beside the others; where it stands already, keep it.

    Raises:
        NoSuchRelease: when there is no such commit, or it cannot be checked out.
    """
    commit = commit_of(ref, project)
    folder = instance.releases / commit
    release = Release(commit, folder)
    if _is_whole(folder, commit):
        _install(release, project)  # which a crash may have cut off; else it is done already
        return release
    # What a crash left half checked out is not worth keeping.
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(project, "worktree", "prune")
    # Twice: git locks what it is checking out, and a git that was killed leaves it locked.
    arguments = ("worktree", "add", "--force", "--force", "--detach", str(folder), commit)
    if git(project, *arguments) is None:
        raise NoSuchRelease(f"{commit} cannot be checked out to {folder}: see git worktree list.")
    _install(release, project)
    return release


def commit_of(ref: str, project: Path = PROJECT) -> str:
    """Return the commit that a branch, a tag or a part of a commit's name stands for.

    Raises:
        NoSuchRelease: when there is none.
    """
    found = git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    if not found:
        raise NoSuchRelease(
            f"There is no commit {ref} in {project}, and no branch or tag of that name. "
            "What there is: git branch --all, git log"
        )
    return found[:COMMIT_CHARACTERS]


def release_of_live(instance: Instance, ledger: Ledger, project: Path = PROJECT) -> Release | None:
    """Return the release that made what is live; None where an edited checkout did.

    With live goes the code: who rolls live back has rolled back the release too.
    """
    build_id = live.current(instance)
    query = sa.select(builds.c.release).where(builds.c.build_id == build_id)
    row = ledger.row(query) if build_id else None
    return (
        check_out(instance, row["release"], project) if row and _is_commit(row["release"]) else None
    )


def find(ref: str, project: Path = PROJECT) -> str:
    """Return the commit of a name, fetched where it is not here yet.

    Raises:
        NoSuchRelease: when there is none.
    """
    try:
        return commit_of(ref, project)
    except NoSuchRelease:
        fetch(project)
        return commit_of(ref, project)


def fetch(project: Path = PROJECT) -> None:
    """Get what was pushed since; where nothing can be had, what is here counts."""
    if git(project, "remote"):
        git(project, "fetch", "--quiet", "--tags")


def changed_files(project: Path, before: str, after: str, *rooms: str) -> Sequence[str]:
    """Return the files of some rooms that differ between two commits, by name."""
    told = git(project, "diff", "--name-only", before, after, "--", *rooms)
    return told.splitlines() if told else []


def _is_commit(version: str) -> bool:
    return len(version) == COMMIT_CHARACTERS and set(version) <= set("0123456789abcdef")


def _is_whole(folder: Path, commit: str) -> bool:
    if not (folder / ".git").is_file():
        return False
    at = git(folder, "rev-parse", "HEAD")
    clean = git(folder, "status", "--porcelain", "--untracked-files=no") == ""
    return at is not None and at.startswith(commit) and clean


def _install(release: Release, project: Path) -> None:
    lock = "requirements.lock"
    if filecmp.cmp(project / lock, release.folder / lock, shallow=False):
        return
    made = subprocess.run(
        ["make", "--silent", "install"], cwd=release.folder, capture_output=True, check=False
    )
    if made.returncode != 0:
        shutil.rmtree(release.folder)
        raise NoSuchRelease(
            f"What requirements.lock of {release.commit} names cannot be installed: "
            f"in a checkout of it, make install says why."
        )
