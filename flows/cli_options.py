"""Options that several commands share: who decides, and why."""

from __future__ import annotations

from typing import Annotated

import typer


def _said(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say it: a year on somebody asks.")
    return text.strip()


Who = Annotated[str, typer.Option(help="Who decides: a name.", callback=_said)]
Why = Annotated[str, typer.Option(help="The reason, for whoever asks a year on.", callback=_said)]
