"""What an engineer at night does about each way to stop: one YAML a family, for people to write.

`docs/runbooks/failures/` says of every class of `flows/errors.py` what it means, what is safe
meanwhile, what to do, and whom to call; a test holds the two against each other. The ledger keeps
the sentence of what stopped a night, and the words in it lead back to the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from flows import errors
from flows.errors import Stopped
from flows.settings import PROJECT

FOLDER = PROJECT / "docs" / "runbooks" / "failures"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Written(_Strict):
    """What a person wrote of one class; what it leaves out is said by its family."""

    means: str
    safe: str = ""
    do: tuple[str, ...] = Field(min_length=1)
    call: str = ""
    said: tuple[str, ...] = ()


class Family(_Strict):
    """One file: what its classes have in common."""

    title: str
    safe: str
    call: str
    failures: dict[str, Written]


@dataclass(frozen=True)
class Failure:
    """One way to stop, as its page tells it.

    Args:
        name: of the class.
        family: the title of its family.
        sentence: what its class says of itself.
        kind_of: the classes that it is one of, the nearest first.
        exit_code: what `scv` ends with.
        said: words of the sentences that it comes with.
    """

    name: str
    family: str
    sentence: str
    kind_of: tuple[str, ...]
    exit_code: int
    means: str
    safe: str
    do: tuple[str, ...]
    call: str
    said: tuple[str, ...]


def ways_to_stop() -> dict[str, type[Stopped]]:
    """Return every class of `flows/errors.py` by its name, in its order."""
    return {
        name: each
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, Stopped)
    }


@lru_cache
def read_failures(folder: Path = FOLDER) -> dict[str, Failure]:
    """Return what is written of every class, by its name, in the order of the classes.

    Raises:
        pydantic.ValidationError: when a file says what no runbook says.
    """
    written = {
        name: (family, each)
        for path in sorted(folder.glob("*.yml"))
        for family in [Family.model_validate(YAML(typ="safe", pure=True).load(path.read_text()))]
        for name, each in family.failures.items()
    }
    return {
        name: _told(name, found, *written[name])
        for name, found in ways_to_stop().items()
        if name in written
    }


def failures_in(sentence: str | None) -> list[str]:
    """Return the classes whose words stand in a sentence of the ledger."""
    found = read_failures().values()
    return [each.name for each in found if any(words in (sentence or "") for words in each.said)]


def _told(name: str, found: type[Stopped], family: Family, written: Written) -> Failure:
    above = tuple(each.__name__ for each in found.__mro__[1:] if issubclass(each, Stopped))
    return Failure(
        name,
        family.title,
        " ".join((found.__doc__ or "").split()),
        above,
        found.exit_code,
        written.means,
        written.safe or family.safe,
        written.do,
        written.call or family.call,
        written.said,
    )
