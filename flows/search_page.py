"""One search over all that the pages tell: attributes to requests, nights, and ways to stop.

The index stands in the page itself, so that it works from a folder as from a server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from markupsafe import Markup

from flows.campaigns.attributes import Attribute
from flows.campaigns.lineage import Reads
from flows.contracts.contract import Contract
from flows.desk.field_history import Known
from flows.desk.history.touched import touched
from flows.failures import read_failures
from flows.ledger import Ledger, deploys, nights
from flows.settings import PROJECT
from flows.templates import write

RUNS = 31  # nights and releases that can be found; as many nights have a page that is kept new
LONGEST = 260  # characters of what stands under a title


@dataclass(frozen=True)
class Found:
    """One thing that can be found: its kind, name and words, and where it stands."""

    kind: str
    title: str
    text: str
    link: str


def write_search(
    ledger: Ledger,
    folder: Path,
    attributes: Sequence[Attribute],
    contracts: Iterable[Contract],
    reads: Mapping[str, Reads],
    known: Known,
) -> None:
    """Write `search.html`.

    Args:
        ledger: the last nights and releases.
        folder: where it goes, beside the pages that it leads to.
        attributes: those of the view.
        contracts: of all raw tables.
        reads: the campaigns, and what each reads.
        known: the requests, and what was done.
    """
    found = [
        *_of_attributes(attributes),
        *_of_contracts(contracts),
        *(Found("campaign", n, "", f"attributes.html#campaign-{n}") for n in reads),
        *_of_requests(known),
        *_of_runs(ledger),
        *_of_failures(),
        *_of_decisions(),
    ]
    # In a script nothing ends it but its own end.
    index = json.dumps([list(asdict(each).values()) for each in found]).replace("<", "\\u003c")
    write(folder / "search.html", "search.html.j2", index=Markup(index), count=len(found))  # noqa: S704


def _of_attributes(attributes: Sequence[Attribute]) -> Iterator[Found]:
    for each in attributes:
        link = f"attributes.html#{each.name}"
        yield Found("attribute", each.name, _short(each.meaning), link)


def _of_contracts(contracts: Iterable[Contract]) -> Iterator[Found]:
    for each in contracts:
        link = f"contracts.html#{each.table}"
        yield Found("raw table", each.table, _short(each.description), link)
        runbook = f"runbooks/tables/{each.table}.html"
        yield Found("runbook", each.table, f"When {each.table} does not come.", runbook)
        for column in each.columns:
            name = f"{each.table}.{column.name}"
            yield Found("raw column", name, _short(column.description), f"contracts.html#{name}")


def _of_requests(known: Known) -> Iterator[Found]:
    for each in known.documents:
        told = [each.title, known.standings[each.id].status, str(each.content.get("asked_by", ""))]
        told += [str(each.content.get("reason", "")), *touched(each.content)]
        title = f"{each.id} {each.title}"
        yield Found("request", title, _short(" · ".join(told[1:])), f"requests/{each.id}.html")


def _of_runs(ledger: Ledger) -> Iterator[Found]:
    newest = sa.select(deploys).order_by(deploys.c.id.desc()).limit(RUNS)
    for row in ledger.rows(newest):
        text = f"{row['state']} · {row['candidate_id'] or row['build_id']} · {row['sentence']}"
        link = f"releases/index.html#deploy-{row['id']}"
        yield Found("release", row["release"], _short(text), link)
    by_day = sa.select(nights).order_by(nights.c.id)
    last = {row["business_date"]: row for row in ledger.rows(by_day)}
    for day, row in sorted(last.items(), reverse=True)[:RUNS]:
        text = f"{row['state']} · {row['sentence']}"
        yield Found("night", str(day), _short(text), f"nights/{day}.html")


def _of_failures() -> Iterator[Found]:
    for each in read_failures().values():
        link = f"runbooks/failures/{each.name}.html"
        yield Found("way to stop", each.name, _short(each.means), link)


def _of_decisions() -> Iterator[Found]:
    for path in sorted((PROJECT / "docs" / "decisions").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0].lstrip("# ")
        yield Found("decision", title, f"docs/decisions/{path.name} in the repository", "")


def _short(text: str) -> str:
    said = " ".join(re.sub(r"[*`_]{2,}|`", "", text).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 2].rpartition(' ')[0]} …"
