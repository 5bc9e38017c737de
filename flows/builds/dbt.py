"""Call dbt as a subprocess of its own process group.

A subprocess and not in process, although each call pays some seconds of imports: it can be killed
when its time is out, gives its memory and DuckDB's lock back whatever happens, and a release can
bring its own interpreter and code. See docs/decisions/0002.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.errors import BuildFailed
from flows.settings import PROJECT, Instance

Progress = Callable[[dict[str, Any]], None]


def told_to(log: logging.Logger) -> Progress:
    """Return a progress that tells a log each node that is done, and the console how many are."""

    def tell(message: dict[str, Any]) -> None:
        log.info("%s %s", message["node"], message["status"].lower(), extra={"progress": message})

    return tell


def run(
    instance: Instance,
    build: Path,
    arguments: list[str],
    progress: Progress = lambda _: None,
    workplace: str = "dbt",
    project: Path = PROJECT,
) -> Path:
    """Run dbt on a build file, wait for it, and return the folder of its artifacts.

    Raises:
        BuildFailed: when a model or a test failed, or the time was out; it names the first ones.
    """
    target = instance.root / workplace
    target.mkdir(parents=True, exist_ok=True)
    # An old result file must not be read as this run's after an early crash.
    (target / "run_results.json").unlink(missing_ok=True)
    _forget_the_parse_of_another(target, project)
    tail: deque[str] = deque(maxlen=20)
    with _child(instance, build, arguments, target, project) as child:
        for line in child.stdout or ():
            _hear(line, progress, tail)
        code = child.wait()
    if code != 0:
        raise BuildFailed(_what_failed(_results(target), tail, target))
    return target


def _forget_the_parse_of_another(target: Path, project: Path) -> None:
    # dbt's parse holds the folder that seeds are read from: another release's may be gone.
    parsed = target / "parsed_in.txt"
    if not parsed.is_file() or parsed.read_text() != str(project):
        (target / "partial_parse.msgpack").unlink(missing_ok=True)
        parsed.write_text(str(project))


@contextmanager
def _child(
    instance: Instance, build: Path, arguments: list[str], target: Path, project: Path
) -> Iterator[subprocess.Popen[str]]:
    where = ["--project-dir", project, "--profiles-dir", project, "--target-path", target]
    # What dbt tells for debugging costs a quarter of a small build; its SQL is in run/ anyway.
    quiet = ["--log-path", target, "--quiet", "--no-use-colors", "--log-format-file", "json"]
    quiet += ["--log-level-file", "info"]
    command = [sys.executable, "-m", "flows.builds.dbt_child", *quiet, *arguments, *where]
    child = subprocess.Popen(
        [str(part) for part in command],
        cwd=project,
        env=_environment(instance, build),
        stdin=subprocess.PIPE,  # closed by the kernel when we die: the child ends with us
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    timer = threading.Timer(instance.build_timeout_minutes * 60, _kill, [child])
    timer.start()
    try:
        yield child
    finally:
        timer.cancel()
        _kill(child)


def _environment(instance: Instance, build: Path) -> dict[str, str]:
    return os.environ | {
        "SCV_BUILD": str(build),
        "SCV_MEMORY_LIMIT": instance.memory_limit,
        "SCV_THREADS": str(instance.threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _kill(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _hear(line: str, progress: Progress, tail: deque[str]) -> None:
    try:
        message = json.loads(line)
    except json.JSONDecodeError:
        tail.append(line.rstrip())
        return
    if isinstance(message, dict) and "node" in message:
        progress(message)
    elif "error" not in message:
        tail.append(line.rstrip())


def _results(target: Path) -> list[dict[str, Any]]:
    path = target / "run_results.json"
    return list(json.loads(path.read_text())["results"]) if path.is_file() else []


def _what_failed(results: list[dict[str, Any]], tail: deque[str], target: Path) -> str:
    failed = [result for result in results if result["status"] in ("error", "fail")]
    if not failed:
        # No data has been read yet: what dbt quotes here are names of ours.
        said = " ".join(" ".join(tail).split())[:600] or "it said nothing"
        return f"dbt ended before it built anything: {said}. Its log is {target / 'dbt.log'}."
    first = failed[0]
    name = first["unique_id"].split(".")[2]
    kind = first["unique_id"].split(".")[0].replace("_", " ")
    reason = without_values(" ".join((first["message"] or "no reason given").split()))[:400]
    more = f" {len(failed) - 1} more failed." if len(failed) > 1 else ""
    return (
        f"The {kind} {name} failed: {reason}.{more} Live stays as it was. The whole story is in "
        f"{target / 'dbt.log'}; mend it, then run the date again."
    )


def without_values(text: str) -> str:
    """Return an engine's message without what it quotes: a quoted value may be a customer's."""
    return re.sub(r"'[^']*'", "'…'", text)
