"""A model's SQL as the house writes it: import CTEs, what each one is, and `final`.

The text is changed where something comes in, and stays as a person wrote it everywhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

CTE = re.compile(r"^(\w+) as \(\n(.*?)^\)(,?)\n", re.MULTILINE | re.DOTALL)
FINAL = "final"
ITEM, CLAUSE = " " * 8, " " * 4
_JOIN = re.compile(r"^ {4}(left|inner|full|cross) join\b")
WIDTH = 100


class NotTheGrammar(ValueError):
    """A model is not written as the house writes them, so nothing can be put into it."""


@dataclass(frozen=True)
class Model:
    """The SQL of one model."""

    text: str

    @property
    def names(self) -> list[str]:
        """Its CTEs, in order."""
        return [found.group(1) for found in CTE.finditer(self.text)]

    def body(self, cte: str) -> str:
        """Return what stands between the brackets of a CTE."""
        for found in CTE.finditer(self.text):
            if found.group(1) == cte:
                return found.group(2)
        raise NotTheGrammar(f"no CTE is called {cte}")

    def importing(self, ref: str) -> str | None:
        """Return the CTE that imports a model whole, or nothing."""
        whole = re.compile(rf"^\s*select \* from \{{\{{ ref\('{ref}'\) \}}\}}\s*$")
        return next((name for name in self.names if whole.match(self.body(name))), None)

    def free_name(self, wanted: str) -> str:
        """Return a name that no CTE has."""
        return wanted if wanted not in self.names else self.free_name(f"{wanted}_rows")

    def with_cte(self, name: str, body: str, before: str = FINAL) -> Model:
        """Return the model with a CTE more, before another one."""
        place = re.search(rf"^{before} as \($", self.text, re.MULTILINE)
        if place is None:
            raise NotTheGrammar(f"no CTE is called {before}")
        start = place.start()
        cte = f"{name} as (\n\n{body.strip(chr(10))}\n\n),\n\n"
        return replace(self, text=self.text[:start] + cte + self.text[start:])

    def with_import(self, ref: str, name: str) -> Model:
        """Return the model with a CTE that imports another one, after the imports that it has."""
        imports = [each for each in self.names if "{{ ref(" in self.body(each)]
        following = [each for each in self.names if each not in imports]
        body = f"{CLAUSE}select * from {{{{ ref('{ref}') }}}}"
        return self.with_cte(name, body, following[0] if following else FINAL)

    def with_column(self, lines: list[str], after: str | None = None) -> Model:
        """Return the model with a column more in `final`: after a line, or as the last one."""
        body = self.body(FINAL).split("\n")
        place = _last_item(body) if after is None else _line(body, after)
        is_last = not body[place].rstrip().endswith(",")
        if is_last:
            body[place] += ","
        new = [*lines[:-1], lines[-1] + ("" if is_last else ",")]
        return self._with_final([*body[: place + 1], *new, *body[place + 1 :]])

    def with_join(self, join: str) -> Model:
        """Return the model with a join more in `final`, after those on the customer."""
        body = self.body(FINAL).split("\n")
        start = next(n for n, line in enumerate(body) if line.startswith(f"{CLAUSE}from "))
        joins = [n for n in range(start, len(body)) if _JOIN.match(body[n])]
        plain = [n for n in joins if body[n].rstrip().endswith("using (customer_id)")]
        place = plain[-1] if plain else start
        return self._with_final([*body[: place + 1], f"{CLAUSE}{join}", *body[place + 1 :]])

    def _with_final(self, body: list[str]) -> Model:
        old = self.body(FINAL)
        place = self.text.rindex(f"{FINAL} as (\n{old}")
        start = place + len(f"{FINAL} as (\n")
        text = self.text[:start] + "\n".join(body) + self.text[start + len(old) :]
        return replace(self, text=text)


def item(expression: str, name: str) -> list[str]:
    """Return the lines of a column of `final`, broken where they are too long."""
    line = f"{ITEM}{expression} as {name}"
    if len(line) < WIDTH:
        return [line]
    first = f"{ITEM}{expression}"
    return [*first.split("\n"), f"{ITEM}{CLAUSE}as {name}"]


def _last_item(body: list[str]) -> int:
    start = next(n for n, line in enumerate(body) if line.startswith(f"{CLAUSE}from "))
    return max(n for n in range(start) if body[n].strip())


def _line(body: list[str], wanted: str) -> int:
    found = [n for n, line in enumerate(body) if re.match(wanted, line.strip())]
    if not found:
        raise NotTheGrammar(f"no line of final is {wanted}")
    return found[-1]
