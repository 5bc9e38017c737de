"""A control checkout as production has one, and releases of it, each a commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flows.ledger import Ledger, builds, deploy_steps, deploys, now
from flows.releases.worktrees import COMMIT_CHARACTERS
from flows.settings import PROJECT
from tests.conftest import NIGHTS, Answer

LIVE = f"{NIGHTS[-1]}-01"
Edits = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Control:
    """A clone of the project, as it stands, with everything committed."""

    folder: Path
    commit: str
    environment: Mapping[str, str]

    @classmethod
    def clone(cls, folder: Path, environment: Mapping[str, str]) -> Control:
        """Clone the project and commit what is not committed yet."""
        _git(folder.parent, "clone", "--quiet", str(PROJECT), str(folder))
        told = _git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, told.split("\0")):
            if (PROJECT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        return cls(folder, _commit(folder, "Stand as the project stands"), environment)

    def release(self, edits: Edits, files: Mapping[str, str | None] | None = None) -> str:
        """Commit some edits (file: what is there, what stands there instead) beside the control's.

        `files` are written whole, or removed where they are None.

        The control checkout itself stays where it is, as one does that only deploys.
        """
        return self.moved_on(edits, files).commit

    def moved_on(self, edits: Edits, files: Mapping[str, str | None] | None = None) -> Control:
        """Return a checkout of the same repository that is some edits ahead of this one."""
        there = self.folder.with_name(f"release-{len(list(self.folder.parent.iterdir()))}")
        _git(self.folder, "worktree", "add", "--quiet", "--detach", str(there), self.commit)
        for name, (old, new) in edits.items():
            text = (there / name).read_text()
            assert text.count(old) == 1, f"{name} has {text.count(old)} of {old}"
            (there / name).write_text(text.replace(old, new))
        for name, text in (files or {}).items():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            (there / name).write_text(text) if text is not None else (there / name).unlink()
        return replace(self, folder=there, commit=_commit(there, "Change something"))

    def scv(self, *arguments: str, **variables: str) -> Answer:
        """Call the command line of the control checkout, as a person does."""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=self.folder,
            env=os.environ | self.environment | {"PYTHONPATH": str(self.folder)} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def made_what_is_live(self, ledger: Ledger) -> None:
        """Let the nights of the world be this checkout's, whose very code made them."""
        with ledger.write() as connection:
            connection.execute(builds.update().values(release=self.commit))


def is_proved(ledger: Ledger) -> None:
    """Let live be proved to come out again, as the test that proves it has shown."""
    told = {"release": "0" * COMMIT_CHARACTERS, "build_id": LIVE, "business_date": NIGHTS[-1]}
    key = ledger.add(deploys, state="stopped", started_at=now(), **told)
    ledger.add(deploy_steps, deploy_id=key, step="replay", state="done", started_at=now())


def _commit(folder: Path, message: str) -> str:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return _git(folder, "rev-parse", "HEAD")[:COMMIT_CHARACTERS]


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A reviewer", "-c", "user.email=reviewer@scv.example"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
