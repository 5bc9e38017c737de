"""A checkout of the project that is written to, file by file; what was written is remembered."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.errors import RequestWrong

WORDS = (
    "coalesce",
    "cast",
    "as",
    "money",
    "local_date",
    "local_time",
    "local_hour",
    "lower",
    "trim",
)
# What is asked of every table, column and attribute, and written by a person who has the time.
BENCHMARK, ORACLE = "benchmarks/nightly/empty.yml", "tests/not_recomputed.yml"
NO_GENERATOR, NO_ORACLE = "no generator yet", "its examples, and nothing more, yet"


@dataclass
class Project:
    """The files of a checkout.

    Args:
        folder: the checkout.
        request_id: whose request is written into it.
        changed: what was written, in order.
        to_do: what a person has to decide, each with its place.
    """

    folder: Path
    request_id: str
    changed: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """True when there is such a file."""
        return (self.folder / name).is_file()

    def read(self, name: str) -> str:
        """Return a file's text."""
        return (self.folder / name).read_text(encoding="utf-8")

    def names(self, pattern: str) -> list[str]:
        """Return the files that fit a pattern, sorted."""
        found = sorted(self.folder.glob(pattern))
        return [path.relative_to(self.folder).as_posix() for path in found]

    def create(self, name: str, text: str) -> None:
        """Write a file that is not there yet.

        Raises:
            RequestWrong: when it is: accepting writes over nobody's work.
        """
        if self.has(name):
            raise RequestWrong(
                f"{name} is there already, and {self.request_id} would make it. Is the request "
                "built? Else name it otherwise, in a request of its own."
            )
        self._write(name, text)

    def rewrite(self, name: str, text: str) -> None:
        """Write what has become of a file."""
        self._write(name, text)

    def find(self, name: str) -> str:
        """Return the one file below `models/` that a model is.

        Raises:
            RequestWrong: when there is no such model.
        """
        found = self.names(f"models/**/{name}.sql")
        if len(found) != 1:
            raise RequestWrong(f"There is no model {name} that {self.request_id} could go into.")
        return found[0]

    def refs(self, model: str) -> list[str]:
        """Return the models and seeds that a model reads, in order."""
        return list(dict.fromkeys(re.findall(r"ref\('(\w+)'\)", self.read(self.find(model)))))

    def staging_of(self, table: str) -> str | None:
        """Return the staging model of a raw table, if exactly one reads it."""
        staging = self.names("models/staging/stg_*.sql")
        found = [each for each in staging if f"source('raw', '{table}')" in self.read(each)]
        return Path(found[0]).stem if len(found) == 1 else None

    def raw_table(self, model: str) -> str | None:
        """Return the raw table that a model comes from: by the first that each reads."""
        while self.names(f"models/**/{model}.sql"):
            found = re.search(r"(ref|source)\('(\w+)'(?:, '(\w+)')?\)", self.read(self.find(model)))
            if found is None:
                return None
            if found.group(1) == "source":
                return found.group(3)
            model = found.group(2)
        return None

    def thresholds(self, model: str) -> list[dict[str, Any]]:
        """Return the rows of the decided numbers that a model asks for, for its unit tests."""
        asked = re.findall(r"threshold\('(\w+)'\)", self.read(self.find(model)))
        with (self.folder / "seeds" / "thresholds.csv").open(newline="") as file:
            rows = {row["name"]: row["value"] for row in csv.DictReader(file)}
        return [{"name": name, "value": float(rows[name])} for name in dict.fromkeys(asked)]

    def staged_names(self, staging: str) -> dict[str, str]:
        """Return what staging calls the raw columns that it passes on."""
        sql = self.read(self.find(staging))
        lines = [line.strip().rstrip(",") for line in sql.split("final as (")[-1].splitlines()]
        named = re.compile(r"(.+) as (\w+)$")
        found = {line: line for line in lines if re.fullmatch(r"[a-z]\w*", line)}
        made = [match.groups() for line in lines if (match := named.match(line))]
        plain = {said: name for said, name in made if re.fullmatch(r"[a-z]\w*", said)}
        derived = {}
        for said, name in made:
            # What is made of one column, such as coalesce(page_views, 0), stands for it.
            words = [word for word in re.findall(r"[a-z]\w*", said) if word not in WORDS]
            if len(set(words)) == 1:
                derived[words[0]] = name
        return {**derived, **plain, **found}

    def leave(self, place: str, what: str) -> None:
        """Remember what a person has to decide."""
        self.to_do.append(f"{place}: {what}")

    def leave_to_others(self, file: str, names: list[str], why: str) -> None:
        """Say in a list of what is not done, beside the tests that ask for it, that this is not."""
        if self.has(file):
            lines = [f"{name}: {self.request_id} has {why}\n" for name in names]
            self.rewrite(file, self.read(file) + "".join(lines))

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if name not in self.changed:
            self.changed.append(name)
