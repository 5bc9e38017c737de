"""Pages are written from the templates in `docs/pages`, whole or not at all."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from flows import drawing
from flows.settings import PROJECT

TEMPLATES = PROJECT / "docs" / "pages"


def write(path: Path, template: str, root: str = "", **values: Any) -> None:
    """Write one page.

    Args:
        path: where it is written; its folder is made.
        template: a file of `docs/pages`.
        root: the way from the page to the front page, such as `../`.
        values: what the template shows.
    """
    put(path, _environment().get_template(template).render(root=root, **values))


def render(template: str, **values: Any) -> str:
    """Return one page, for who serves it."""
    return _environment().get_template(template).render(**values)


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all: a deploy may end while a night does, and both write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arriving = path.with_name(f".{os.getpid()}-{path.name}")
    arriving.write_text(text, encoding="utf-8")
    arriving.replace(path)


def in_code(text: str) -> Markup:
    """Return a description with what stands in backticks set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["in_code"] = in_code
    environment.globals.update(
        histogram=drawing.histogram,
        before_and_after=drawing.before_and_after,
        flow=drawing.flow,
        share=drawing.in_share,
        kind_of_move=drawing.kind_of_move,
    )
    return environment
