"""Kills its own process when that is about to change the warehouse or the ledger for the N-th time.

Python imports this module before anything else when it stands on the path. Every file that is
opened for writing, renamed, linked, removed, and every statement that changes the ledger, is noted
as a line `ROLE N LABEL` in the file that SCV_CRASH_NOTES names. At the one that SCV_CRASH_AT asks
for, `ROLE N`, or `ROLE LABEL #K` for the K-th with that label, the run dies before it does it.
"""

import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.symlink", "os.link", "os.mkdir", "os.rmdir", "os.chmod")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ROOMS = ("landing", "batches", "quarantine", "releases", "outbox", "spill", "reports")
NAMES = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"[0-9a-f]{12,}"), "HASH"),
)
# Where the ledger is told how far a run is: the step, else the state.
TOLD = re.compile(
    r"INSERT INTO (?:nights|deploy_steps) .*? VALUES \(.*?'([a-z][^']*)'"
    r"|UPDATE (?:nights|deploys|deploy_steps) SET (?:step|state)='([^']*)'",
    re.DOTALL,
)


class Killer:
    """What one process notes of itself, and at which instant it dies."""

    def __init__(self, role, notes):
        self.role, self.at = role, os.environ.get("SCV_CRASH_AT", "")
        self.root = os.path.realpath(os.environ["SCV_WAREHOUSE"]) + os.sep
        self.notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.lock, self.number, self.pending = threading.Lock(), 0, ""
        self.seen = Counter()
        # The process that the user started is the one that dies first.
        self.main = int(os.environ.setdefault("SCV_CRASH_MAIN", str(os.getpid())))

    def hear(self, event, arguments):
        """Is told by Python of everything that the process does."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, os.PathLike)) and isinstance(flags, int) and flags & WRITES:
                self.change("write", path)
        elif event in CHANGES:
            self.change(event.removeprefix("os."), arguments[1 if event == "os.rename" else 0])
            if event == "os.symlink":
                self.change("symlink", arguments[1])

    def watch(self, connect):
        """Return a way to open SQLite that tells of every statement on the ledger."""

        def opened(database, *arguments, **named):
            connection = connect(database, *arguments, **named)
            if str(database).startswith(self.root):
                connection.set_trace_callback(self.trace)
            return connection

        return opened

    def trace(self, statement):
        """Is told by SQLite of every statement before it runs."""
        words = statement.split()
        if words[0] in ("INSERT", "UPDATE", "DELETE"):
            table = words[1] if words[0] == "UPDATE" else words[2]
            told = TOLD.match(statement)
            self.pending = f"{table}: {told[1] or told[2]}" if told else table
            self.instant(f"ledger {words[0].lower()} {self.pending}")
        elif words[0] == "COMMIT":
            self.instant(f"ledger commit {self.pending}")

    def change(self, kind, path):
        """Count a change of the disk, where it is one of the warehouse."""
        path = os.path.abspath(os.fspath(path))  # noqa: PTH100  (a link is not followed)
        if isinstance(path, str) and path.startswith(self.root):
            inside = path.removeprefix(self.root).split(os.sep, 1)[-1]
            self.instant(f"{kind} {named(inside)}")

    def instant(self, label):
        """Note an instant; die where it is the one."""
        if "_beat" in threading.current_thread().name:
            return  # the beat of a slot comes when it comes
        with self.lock:
            self.number += 1
            os.write(self.notes, f"{self.role} {self.number} {label}\n".encode())
            self.seen[label] += 1
            here = f"{self.role} {self.number}", f"{self.role} {label} #{self.seen[label]}"
            if self.at in here:
                os.kill(self.main, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)


def named(path):
    """Return a path of an instance without what differs from table to table and run to run."""
    room, _, rest = path.partition("/")
    if room in ROOMS and rest:
        file = rest.rsplit("/", 1)[-1]
        hidden = "." if file.startswith(".") else ""
        return f"{room}/…/{hidden}{Path(file.lstrip('.')).suffix or 'folder'}"
    for pattern, word in NAMES:
        path = pattern.sub(word, path)
    return path


def role_of(arguments):
    """Return which of the processes of a run this is; None for those that are not watched."""
    if "flows.cli" in arguments:
        return "main"
    if "flows.releases.remake" in arguments:
        return arguments[arguments.index("flows.releases.remake") + 1]
    return None


ROLE, NOTES = role_of(sys.orig_argv), os.environ.get("SCV_CRASH_NOTES")
if ROLE and NOTES:
    killer = Killer(ROLE, NOTES)
    sqlite3.connect = sqlite3.dbapi2.connect = killer.watch(sqlite3.connect)
    sys.addaudithook(killer.hear)
