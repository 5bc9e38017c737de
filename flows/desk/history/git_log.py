"""The commits that touched some files, read from git at once. Where there is no git, it says so."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

NO_GIT = "There is no git here: what changed before is told by the project's repository."
SHALLOW = "This checkout has only the newest commits: what changed before those is not told here."
NOTHING = "0" * 40
FORMAT = "%x01%H%x00%P%x00%an%x00%cI%x00%s"


@dataclass(frozen=True)
class Touch:
    """A file in a commit: the blobs before and after; None where it was not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Commit:
    """One commit. `at` is when it came into the code: UTC without a zone, as in the ledger."""

    name: str
    at: dt.datetime
    who: str
    subject: str
    touches: tuple[Touch, ...]


@dataclass(frozen=True)
class Log:
    """The commits that touched what was asked for, the oldest first, with all their files.

    Args:
        commits: where they can be known.
        there: the requests' files that HEAD has; None where there is no git.
        note: what is not known, in a sentence; empty where all is.
    """

    commits: tuple[Commit, ...] = ()
    there: frozenset[str] | None = None
    note: str = ""

    def of(self, *paths: str) -> Iterator[tuple[Commit, Touch]]:
        """Yield each change of files by name, the oldest first."""
        for commit in self.commits:
            for touch in commit.touches:
                if touch.path in paths:
                    yield commit, touch


def read_log(project: Path, *paths: str, listed: str = "docs/requests") -> Log:
    """Return the commits of a checkout that touched files or folders.

    Args:
        project: the checkout.
        paths: files and folders, from its root.
        listed: the folder of which it says what HEAD has.
    """
    told = _git(project, "rev-parse", "--show-toplevel", "--is-shallow-repository")
    top, _, shallow = (told or "").partition("\n")
    # A folder that was copied into somebody else's repository has no history of its own.
    if not top or Path(top).resolve() != project.resolve():
        return Log(note=NO_GIT)
    said = _git(
        project,
        *("-c", "core.quotepath=false", "log", "--reverse", "--raw", "--no-abbrev", "--full-diff"),
        *("--no-renames", f"--format={FORMAT}", "--", *paths),
    )
    there = _git(project, "ls-tree", "-r", "--name-only", "HEAD", "--", listed) or ""
    is_shallow = shallow.strip() == "true"
    commits = tuple(_commits(said or "", is_shallow))
    return Log(commits, frozenset(there.splitlines()), SHALLOW if is_shallow else "")


def read_blobs(project: Path, names: Iterable[str]) -> Mapping[str, bytes]:
    """Return the contents of blobs; those that cannot be had are left out."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    try:
        done = subprocess.run(
            ["git", "cat-file", "--batch"],
            cwd=project,
            input="".join(f"{name}\n" for name in wanted).encode(),
            capture_output=True,
            check=False,
        )
    except OSError:
        return {}
    return dict(_blobs(done.stdout))


def _blobs(said: bytes) -> Iterator[tuple[str, bytes]]:
    here = 0
    while here < len(said):
        end = said.index(b"\n", here)
        words = said[here:end].decode().split()
        here = end + 1
        if len(words) == 3:
            size = int(words[2])
            yield words[0], said[here : here + size]
            here += size + 1


def _commits(said: str, is_shallow: bool) -> Iterator[Commit]:
    for record in said.split("\x01")[1:]:
        head, _, files = record.partition("\n")
        name, parents, who, at, subject = head.split("\0", 4)
        if is_shallow and not parents:
            continue  # where the clone was cut off every file looks new
        when = dt.datetime.fromisoformat(at).astimezone(dt.UTC).replace(tzinfo=None)
        touches = tuple(_touch(line) for line in files.splitlines() if line.startswith(":"))
        yield Commit(name, when, who, subject, touches)


def _touch(line: str) -> Touch:
    told, _, path = line.partition("\t")
    _, _, before, after, _ = told.split(" ")
    return Touch(path, *(None if each == NOTHING else each for each in (before, after)))


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout.decode(errors="replace").strip("\n") if done.returncode == 0 else None
