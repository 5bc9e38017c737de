"""A deploy and its steps in the ledger, and who approved what.

Each step is a row, so that a deploy that was cut off is taken up where it was, and a year on
there is an answer to when, by whom and on which comparison a release went live.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flows.errors import AwaitsApproval, ReleaseRefused, SettingsWrong, Stopped
from flows.ledger import Ledger, Row, approvals, deploy_steps, deploys, now

log = logging.getLogger("scv.deploys")
UNDONE = ("waiting", "stopped", "killed", "lapsed")
SHOWN = 12  # characters of a hash that a person reads and types


@dataclass
class Step:
    """One step of a deploy that is running; `sentence` is what it came to."""

    sentence: str = ""


@dataclass(frozen=True)
class Deploy:
    """One release on its way to live, instead of one build."""

    ledger: Ledger
    deploy_id: int
    release: str
    build_id: str

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Keep the row of one step, however it ends."""
        key = self.ledger.add(
            deploy_steps,
            deploy_id=self.deploy_id,
            step=name,
            state="running",
            started_at=now(),
        )
        step = Step()
        log.info("%s: begun", name)
        try:
            yield step
        except BaseException as error:
            said = str(error) if isinstance(error, Stopped) else f"Ended by {type(error).__name__}."
            state = "waiting" if isinstance(error, AwaitsApproval) else "stopped"
            self._end_step(key, state, said)
            raise
        self._end_step(key, "done", step.sentence)
        log.info("%s: %s", name, step.sentence)

    def is_proved(self, name: str) -> bool:
        """True when a step was done before for the build that is live, by whichever deploy."""
        query = (
            sa.select(deploy_steps.c.id)
            .join(deploys, deploys.c.id == deploy_steps.c.deploy_id)
            .where(
                deploys.c.build_id == self.build_id,
                deploy_steps.c.step == name,
                deploy_steps.c.state == "done",
            )
        )
        return self.ledger.row(query) is not None

    def tell(self, **values: Any) -> None:
        """Write down what is known of the deploy now."""
        self.ledger.change(deploys, deploys.c.id == self.deploy_id, **values)

    def end(self, state: str, sentence: str) -> None:
        """Write down what became of the deploy, or what it waits for."""
        self.tell(state=state, sentence=sentence, ended_at=now())

    def _end_step(self, key: int, state: str, sentence: str) -> None:
        known = deploy_steps.c.id == key
        self.ledger.change(deploy_steps, known, state=state, sentence=sentence, ended_at=now())


def open_deploy(ledger: Ledger, release: str, build_id: str) -> Deploy:
    """Take up the deploy of a release instead of a build where it was left, or begin one.

    With the slot held, and what a crash left repaired.
    """
    query = sa.select(deploys).where(
        deploys.c.release == release,
        deploys.c.build_id == build_id,
        deploys.c.state.not_in(["published", "rolled back"]),
    )
    known = ledger.row(query.order_by(deploys.c.id.desc()))
    if known is not None:
        found = Deploy(ledger, known["id"], release, build_id)
        found.tell(state="running", sentence="", ended_at=None)
        return found
    day = dt.date.fromisoformat(build_id[:10])
    told = {"release": release, "build_id": build_id, "business_date": day}
    key = ledger.add(deploys, state="running", started_at=now(), **told)
    return Deploy(ledger, key, release, build_id)


def roll_back(ledger: Ledger, candidate_id: str, why: str = "Rolled back by hand.") -> str | None:
    """Write down that what a deploy brought live was taken back, and why; return its release."""
    known = (deploys.c.candidate_id == candidate_id) & (deploys.c.state == "published")
    row = ledger.row(sa.select(deploys).where(known))
    ledger.change(deploys, known, state="rolled back", sentence=why)
    return str(row["release"]) if row else None


def lapse(ledger: Ledger, now_live: str) -> None:
    """Close what waits for approval when live has moved: it was compared with something else."""
    for row in ledger.rows(sa.select(deploys).where(deploys.c.state == "waiting")):
        if row["build_id"] != now_live:
            told = f"It was compared with {row['build_id']}, and {now_live} is live now."
            ledger.change(deploys, deploys.c.id == row["id"], state="lapsed", sentence=told)


def end_refused(ledger: Ledger, row: Row, who: str, why: str) -> str:
    """Close the deploy that a person refused; return what that means."""
    told = str(refusal(row["release"], who, why))
    ledger.change(deploys, deploys.c.id == row["id"], state="refused", sentence=told)
    return told


def refusal(release: str, who: str, why: str) -> ReleaseRefused:
    """Return the error that says who refused a release."""
    return ReleaseRefused(
        f"{release} was refused by {who}: {why.rstrip('.')}. Mend it, and deploy what is mended."
    )


def is_any_open(ledger: Ledger) -> bool:
    """True while a deploy is running, or was when it was killed."""
    return bool(_open(ledger))


def repair(ledger: Ledger, now_live: str | None) -> list[str]:
    """Close what a crash left running; say what was done. Call with the slot held.

    A deploy that was killed when its candidate had gone live is published all the same: whether
    this commit has proven itself here is asked by the instances that come after.

    Args:
        ledger: brought up to the link before.
        now_live: the build that live points to.
    """
    said = []
    for row in _open(ledger):
        is_live = row["candidate_id"] is not None and row["candidate_id"] == now_live
        state, step_state = ("published", "done") if is_live else ("killed", "killed")
        went = f"and {now_live} is live" if is_live else "and is taken up when it is run again"
        step = running_step(ledger, row["id"])
        told = f"The deploy of {row['release']} was killed{step}, {went}."
        ended = {"sentence": told, "ended_at": now()}
        with ledger.write() as connection:
            for table, key, word in (
                (deploy_steps, deploy_steps.c.deploy_id, step_state),
                (deploys, deploys.c.id, state),
            ):
                running = (key == row["id"]) & (table.c.state == "running")
                connection.execute(sa.update(table).where(running).values(state=word, **ended))
        said.append(told)
    return said


def _open(ledger: Ledger) -> list[Row]:
    return ledger.rows(sa.select(deploys).where(deploys.c.state == "running"))


def running_step(ledger: Ledger, deploy_id: int) -> str:
    """Return at which step a deploy is, in words; nothing before the first."""
    running = [row["step"] for row in steps_of(ledger, deploy_id) if row["state"] == "running"]
    return f" at the step {running[-1]}" if running else ""


def latest(ledger: Ledger) -> Row | None:
    """Return the row of the newest deploy."""
    return ledger.row(sa.select(deploys).order_by(deploys.c.id.desc()))


def what_next(row: Row) -> str:
    """Say what to do about a deploy, or that nothing is to be done."""
    if row["state"] == "killed":
        return f"It was killed. Take it up again: scv redeploy {row['release']}"
    if row["state"] in ("stopped", "lapsed"):
        return f"{row['sentence'].rstrip('.')}. Then: scv redeploy {row['release']}"
    return str(row["sentence"])


def steps_of(ledger: Ledger, deploy_id: int) -> list[Row]:
    """Return the steps of a deploy, in order."""
    query = sa.select(deploy_steps).where(deploy_steps.c.deploy_id == deploy_id)
    return ledger.rows(query.order_by(deploy_steps.c.id))


def has_published(ledger: Ledger, release: str) -> bool:
    """True when a release was published by a deploy of this ledger's instance."""
    query = sa.select(deploys.c.id).where(
        deploys.c.release == release, deploys.c.state == "published"
    )
    return ledger.row(query) is not None


def decision_on(ledger: Ledger, report_hash: str) -> Row | None:
    """Return the newest decision of a person on a report, by its hash."""
    query = sa.select(approvals).where(approvals.c.report_hash == report_hash)
    return ledger.row(query.order_by(approvals.c.id.desc()))


def decide(ledger: Ledger, report_hash: str, decision: str, who: str, why: str) -> Row:
    """Write down what a person decided on the report that waits; return the deploy's row.

    What stands there already is not written once more: a run that goes on decides it again.

    Args:
        ledger: of the instance.
        report_hash: the hash, or at least its first twelve characters.
        decision: approved or refused.
        who: the person, by name.
        why: the reason.

    Raises:
        SettingsWrong: when no report with that hash waits.
    """
    waiting = ledger.rows(sa.select(deploys).where(deploys.c.state == "waiting"))
    found = [row for row in waiting if _is_meant(str(row["report_hash"]), report_hash)]
    if not found:
        named = [f"{str(row['report_hash'])[:SHOWN]} ({row['release']})" for row in waiting]
        raise SettingsWrong(
            f"No report that waits has the hash {report_hash}: "
            f"{'waiting are ' + ', '.join(named) if named else 'none is waiting'}. "
            "A candidate that was made anew has another hash: read its report first"
        )
    told = {"decision": decision, "who": who, "why": why}
    known = decision_on(ledger, found[-1]["report_hash"]) or {}
    if told != {key: known.get(key) for key in told}:
        ledger.add(approvals, report_hash=found[-1]["report_hash"], made_at=now(), **told)
    return found[-1]


def awaits(report_hash: str, release: str, why: str) -> AwaitsApproval:
    """Return the error that says what a person has to do."""
    return AwaitsApproval(
        f"{release} waits for approval: {why} Read the report, then: scv approve "
        f"{report_hash[:SHOWN]} --who NAME --why REASON, and scv redeploy {release}"
    )


def _is_meant(report_hash: str, typed: str) -> bool:
    return len(typed) >= SHOWN and report_hash.startswith(typed.lower())
