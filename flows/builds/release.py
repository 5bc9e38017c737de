"""Which code a build is made with: the git commit, and a hash where the files differ from it."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from flows.settings import PROJECT

ROOMS = (
    *("expectations", "seeds", "models", "macros", "tests/data", "dbt_project.yml"),
    *("flows", "requirements.lock"),
)


def code_version(project: Path = PROJECT) -> str:
    """Return `<commit>` for a clean checkout, `<commit>+<hash>` for an edited one.

    Only what a build is made of counts: contracts, seeds, models, macros, tests of data, our code
    and the versions of others'.
    """
    commit = git(project, "rev-parse", "--short=12", "HEAD") or "no-commit"
    edited = git(project, "status", "--porcelain", "--", *ROOMS)
    return commit if edited == "" else f"{commit}+{_digest(project)}"


def git(project: Path, *args: str) -> str | None:
    """Return what git says, or None where it refuses."""
    answer = subprocess.run(
        ["git", *args], cwd=project, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else None


def _digest(project: Path) -> str:
    sha = hashlib.sha256()
    for room in ROOMS:
        path = project / room
        files = [path] if path.is_file() else sorted(path.rglob("*.*"))
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                sha.update(str(file.relative_to(project)).encode())
                sha.update(file.read_bytes())
    return sha.hexdigest()[:8]
