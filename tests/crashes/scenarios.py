"""What is killed: a command on an instance, in a checkout of its own, begun from the same state."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.delivery import Client
from flows.releases.worktrees import COMMIT_CHARACTERS
from flows.settings import PROJECT, Instance
from tests.conftest import NEXT, NIGHTS, _share

HOOK = Path(__file__).with_name("hook") / "sitecustomize.py"
LATE = "coupon_redemptions"
MODEL = Path("models", "marts", "customer_service.sql")
REQUEST = """\
title: One household in fifty counts a case more
asked_by: quality
why: A release that changes one attribute of few customers.
expects:
  attributes:
    cases_90d:
      share_at_most: 0.05
      why: every fiftieth household counts one case more
"""


@dataclass(frozen=True)
class Scenario:
    """A command that is killed. Its instance stands at the same path in every trial."""

    name: str
    command: tuple[str, ...]
    day: dt.date  # whose campaigns it may send
    root: Path

    @property
    def checkout(self) -> Path:
        """The project, with the hook that kills."""
        return self.root / "checkout"

    @property
    def instance(self) -> Instance:
        """The instance of the trial that is running."""
        return Instance(
            instance="demo",
            warehouse=self.root / "instance" / "warehouse",
            deliveries=self.root / "instance" / "deliveries",
        )

    def begin(self) -> None:
        """Put the instance back to the state from which every trial begins."""
        shutil.rmtree(self.root / "instance", ignore_errors=True)
        _share(self.root / "start", self.root / "instance")

    def keep_parse(self) -> None:
        """Begin with dbt's parse of the project from now on, as one night does after another."""
        parse = self.root / "start" / "warehouse" / "demo" / "dbt"
        shutil.rmtree(parse, ignore_errors=True)
        shutil.copytree(self.instance.root / "dbt", parse)

    def environment(self, **more: str) -> Mapping[str, str]:
        """Return the variables under which the command runs."""
        return os.environ | {
            "PYTHONPATH": str(self.checkout),
            "SCV_INSTANCE": "demo",
            "SCV_WAREHOUSE": str(self.instance.warehouse),
            "SCV_DELIVERIES": str(self.instance.deliveries),
            "SCV_RECOUNT_CUSTOMERS": "0",
            **more,
        }

    def keep_all(self) -> None:
        """Begin with the instance as it stands now from now on."""
        shutil.rmtree(self.root / "start")
        (self.root / "instance").rename(self.root / "start")

    def start(self, said: Path, **more: str) -> subprocess.Popen[bytes]:
        """Start the command as its user does, in a process group of its own."""
        return self.start_another(self.command, said, **more)

    def start_another(
        self, command: Sequence[str], said: Path, **more: str
    ) -> subprocess.Popen[bytes]:
        """Start another command than the one that is killed."""
        with said.open("w") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "flows.cli", *command],
                cwd=self.checkout,
                env=dict(self.environment(**more)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def night(root: Path, world: Path) -> Scenario:
    """The night after those of the world: four campaigns are due."""
    start = _begin_with(root, world)
    Client(start / "warehouse" / "demo" / "outbox").deliver(NEXT, False, start / "deliveries")
    check_out(root / "checkout")
    return Scenario("night", ("run", str(NEXT)), NEXT, root)


def rerun(root: Path, world: Path) -> Scenario:
    """The same date once more, with a file that was late for its night: one campaign was held."""
    start = _begin_with(root, world)
    Client(start / "warehouse" / "demo" / "outbox").deliver(NEXT, False, start / "deliveries")
    check_out(root / "checkout")
    scenario = Scenario("rerun", ("rerun", str(NEXT), "--table", LATE), NEXT, root)
    scenario.begin()
    file, said = scenario.instance.deliveries / str(NEXT) / f"{LATE}.jsonl", root / "night.txt"
    late = file.rename(root / file.name)
    assert scenario.start_another(("run", str(NEXT)), said).wait() == 0, said.read_text()
    late.rename(file)
    scenario.keep_all()
    return scenario


def redeploy(root: Path, world: Path) -> Scenario:
    """A release of one changed model instead of the code that made the world's last night."""
    start = _begin_with(root, world)
    before = check_out(root / "checkout")
    release = _change(root / "checkout")
    with sqlite3.connect(start / "warehouse" / "demo" / "ledger.sqlite") as ledger:
        ledger.execute("update builds set release = ?", [before])
    return Scenario("redeploy", ("redeploy", release), NIGHTS[-1], root)


SCENARIOS: dict[str, Callable[[Path, Path], Scenario]] = {
    "night": night,
    "rerun": rerun,
    "redeploy": redeploy,
}


def check_out(folder: Path) -> str:
    """Clone the project as it stands here, with the hook beside it; return the commit."""
    shutil.rmtree(folder, ignore_errors=True)
    _git(PROJECT, "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(folder))
    _git(folder, "remote", "remove", "origin")
    new = _git(PROJECT, "ls-files", "--others", "--exclude-standard").splitlines()
    for name in [*_git(PROJECT, "diff", "--name-only", "HEAD").splitlines(), *new]:
        if (PROJECT / name).is_file() and name != ".venv":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    shutil.copy2(HOOK, folder)
    return _commit(folder, "Add the hook that kills")


def _change(folder: Path) -> str:
    path = folder / MODEL
    sql = path.read_text()
    counted = "coalesce(counted.cases_90d, desk.nothing)"
    more = f"{counted} + case when households.customer_id % 50 = 7 then 1 else 0 end"
    changed = sql.replace(counted, more)
    assert changed != sql, "the model that is changed here has changed"
    path.write_text(changed)
    request = folder / "docs" / "requests" / "0001-one-case-more.yml"
    request.parent.mkdir(parents=True, exist_ok=True)
    request.write_text(REQUEST)
    return _commit(folder, "Count one case more")


def _commit(folder: Path, message: str) -> str:
    _git(folder, "add", "--all")
    who = ("-c", "user.name=crash", "-c", "user.email=crash@example.com")
    _git(folder, *who, "commit", "--quiet", "--no-verify", "-m", message)
    return _git(folder, "rev-parse", "HEAD")[:COMMIT_CHARACTERS]


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def _begin_with(root: Path, world: Path) -> Path:
    start = root / "start"
    shutil.rmtree(root, ignore_errors=True)
    for part in ("deliveries", "warehouse"):
        _share(world / part, start / part)
    return start
