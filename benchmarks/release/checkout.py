"""Releases to measure: a clone of the project, and commits of it in which one attribute differs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.nightly.process import PROJECT, Failed
from flows.builds.release import ROOMS, git
from flows.releases.worktrees import Release, check_out
from flows.settings import Instance

WHO = ("-c", "user.name=The benchmark", "-c", "user.email=benchmark@scv.example")


@dataclass(frozen=True)
class Edit:
    """One attribute computed otherwise: the file, what stands there, and what stands instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Checkout:
    """A clone of the project as it is committed; what is not committed is not measured."""

    folder: Path

    @classmethod
    def clone(cls, folder: Path) -> Checkout:
        """Clone the project into a folder that is not there yet."""
        _git(PROJECT, "clone", "--quiet", str(PROJECT), str(folder))
        return cls(folder)

    def made(self, release: str) -> bool:
        """Tell whether a release holds the same code as this clone, so that its builds do too."""
        return git(self.folder, "diff", "--quiet", release, "HEAD", "--", *ROOMS) is not None

    def release(self, instance: Instance, edit: Edit) -> Release:
        """Commit an edit, and check it out where a deploy would have its releases.

        Raises:
            Failed: when the file does not hold what is to be edited, exactly once.
        """
        path = self.folder / edit.file
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise Failed(f"{edit.file} has {text.count(edit.old)} of: {edit.old}")
        path.write_text(text.replace(edit.old, edit.new))
        _git(self.folder, *WHO, "commit", "--quiet", "--all", "--message", f"Edit {edit.file}")
        release = check_out(instance, "HEAD", self.folder)
        _git(self.folder, "reset", "--quiet", "--hard", "HEAD~1")
        return release


def _git(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"git {' '.join(arguments)}: {done.stderr}")
