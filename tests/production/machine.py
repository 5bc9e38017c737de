"""A machine as docs/runbooks/production.md makes it, on loopback: the same files and commands.

What stands in `deploy/` is used as it is, but for its folders, ports, database and login. The
control checkout is a small repository of the project's files, with two releases in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows import watched
from flows.settings import PROJECT, Instance
from tests.releases.control import Control, Edits
from tests.sources.servers import POSTGRES, run

LOGIN = "scv:a-login-of-the-test"
# Every line that `scv` says is marked, and the last one by a module that is imported for it.
MARKED = """

_say, _show_day = say, show_day


def say(sentence, style=None):
    _say(f"[{mark}] {{sentence}}", style)


def show_day(instance, summary):
    from flows import marked

    say(f"ends with the code of the {{marked.NAME}} release")
    _show_day(instance, summary)
"""


@dataclass(frozen=True)
class Machine:
    """A machine with an instance, and its control checkout."""

    root: Path
    environment: Mapping[str, str]
    first: str  # the commits of the two releases
    second: str

    @property
    def control(self) -> Path:
        """The checkout that no release replaces."""
        return self.root / "control"

    @property
    def port(self) -> int:
        """That of the server."""
        return int(self.environment["PREFECT_SERVER_API_PORT"])

    @property
    def instance(self) -> Instance:
        """The instance of the machine."""
        return Instance(
            warehouse=self.root / "warehouse",
            deliveries=self.root / "deliveries",
            instance=self.environment["SCV_INSTANCE"],
        )

    def third(self, edits: Edits) -> str:
        """Commit some edits on the first release, beside the control checkout."""
        return Control(self.control, self.first, {}).release(edits)

    def call(self, *command: str) -> str:
        """Call a program of the control checkout, as the runbook says; return what it says."""
        done = subprocess.run(
            [str(self.control / ".venv" / "bin" / command[0]), *command[1:]],
            cwd=self.control,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def unit(self, name: str) -> Iterator[subprocess.Popen[str]]:
        """Run a unit of systemd's until the end of the block."""
        lines = (PROJECT / "deploy" / f"scv-{name}@.service").read_text().splitlines()
        line = next(line for line in lines if line.startswith("ExecStart="))
        command = line.removeprefix("ExecStart=").replace("/srv/scv", str(self.root))
        command = command.replace("%i", self.environment["SCV_INSTANCE"])
        with (self.root / f"{name}.txt").open("w") as log:
            process = watched.start(command.split(), self.control, self.environment, log, log)
            try:
                yield process
            finally:
                watched.end(process, 20)


def made(root: Path, port: int, database: str, instance: str) -> Machine:
    """Make a machine: its control checkout with two releases, and its environment file."""
    first, second = _releases(root / "control")
    text = (PROJECT / "deploy" / "instance.env").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    told = dict(line.split("=", 1) for line in lines)
    told = {name: each.replace("/srv/scv", str(root)) for name, each in told.items()}
    told = {
        name: each.replace("127.0.0.1:4200", f"127.0.0.1:{port}") for name, each in told.items()
    }
    Path(told["PREFECT_HOME"]).mkdir(parents=True)
    told |= {
        "SCV_INSTANCE": instance,
        "SCV_SERVE_PORT": str(port),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": LOGIN,
        "PREFECT_API_AUTH_STRING": LOGIN,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "SCV_NOTIFY": "",
    }
    # What the tests say to Prefect is not what a service manager says.
    bare = {name: each for name, each in os.environ.items() if not name.startswith("PREFECT_")}
    return Machine(root, bare | told, first, second)


@contextmanager
def database() -> Iterator[str]:
    """A new, empty database for Prefect in the PostgreSQL of the tests: its address."""
    url = sa.make_url(POSTGRES)
    name = f"prefect_{uuid.uuid4().hex[:12]}"
    try:
        run(url, f"create database {name}")
    except Exception as error:
        if os.environ.get("SCV_TEST_REQUIRE") == "1":
            raise
        pytest.skip(f"no server at {url.host}:{url.port} ({type(error).__name__})")
    try:
        own = url.set(drivername="postgresql+asyncpg", database=name)
        yield own.render_as_string(hide_password=False)
    finally:
        run(url, f"drop database {name} with (force)")


def _releases(control: Path) -> tuple[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (PROJECT / name).is_file() and name != ".venv":
            (control / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, control / name)
    (control / ".venv").symlink_to(sys.prefix)
    _git(control, "init", "--quiet", "--initial-branch", "main")
    (control / ".git" / "info" / "exclude").write_text(".venv\n")
    console = (control / "flows" / "console.py").read_text()
    commits = []
    for name in ("first", "second"):
        _git(control, "checkout", "--quiet", "-B", name)
        (control / "flows" / "console.py").write_text(console + MARKED.format(mark=name))
        (control / "flows" / "marked.py").write_text(f'NAME = "{name}"\n')
        _git(control, "add", "--all")
        _git(control, "commit", "--quiet", "--message", f"The {name} release")
        commits.append(_git(control, "rev-parse", "--short=12", "HEAD"))
    _git(control, "checkout", "--quiet", "first")
    return commits[0], commits[1]


def _git(control: Path, *arguments: str) -> str:
    names = ["-c", "user.name=A person", "-c", "user.email=a.person@retailer.example"]
    done = subprocess.run(
        ["git", *names, *arguments], cwd=control, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
