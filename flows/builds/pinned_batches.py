"""Which batches a build was made of, kept beside it: so that it can be made again, exactly.

The ledger says which batch of a date is newest now; a build was made of those that were newest
then. A redeploy, a replay and a recount read these and no others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from flows.builds.pins import Pinned
from flows.contracts.contract import Contract
from flows.contracts.policy import Verdict


@dataclass(frozen=True)
class _Kept:
    verdict: Verdict
    dates: tuple[dt.date, ...]
    paths: tuple[str, ...]
    hashes: tuple[str, ...]
    quarantines: tuple[str | None, ...]


_FILE = TypeAdapter(list[_Kept])


def keep(path: Path, pinned: Sequence[Pinned]) -> None:
    """Write what a build is made of."""
    told = [_Kept(p.verdict, p.dates, p.paths, p.hashes, p.quarantines) for p in pinned]
    arriving = path.with_name(f".{path.name}")
    arriving.write_bytes(_FILE.dump_json(told))
    arriving.replace(path)


def read(path: Path, contracts: Mapping[str, Contract]) -> list[Pinned]:
    """Return what a build was made of, as contracts of any release see it.

    A table that they do not know is left out; one that the build did not know has no rows yet.
    """
    kept = {each.verdict.table: each for each in _FILE.validate_json(path.read_bytes())}
    return [
        _pinned(contract, kept[table]) if table in kept else _not_yet(contract)
        for table, contract in contracts.items()
    ]


def _pinned(contract: Contract, kept: _Kept) -> Pinned:
    return Pinned(contract, kept.verdict, kept.dates, kept.paths, kept.hashes, kept.quarantines)


def _not_yet(contract: Contract) -> Pinned:
    verdict = Verdict(
        table=contract.table,
        state="not_due",
        policy=contract.if_missing,
        as_of=None,
        may_build=True,
        hold="nothing",
        sentence=f"{contract.table} is new: its first rows come with the next night",
        decided=contract.decided,
        is_consent=contract.is_consent,
    )
    return Pinned(contract, verdict, (), (), (), ())
