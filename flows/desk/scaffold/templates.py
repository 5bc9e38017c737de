"""SQL and YAML from the templates beside this: what is ours in [[ ]], what is dbt's in {{ }}."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def filled(template: str, **values: Any) -> str:
    """Return a template with its values."""
    return _environment().get_template(f"{template}.j2").render(**values)


@lru_cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 (it writes SQL and YAML, no HTML)
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
