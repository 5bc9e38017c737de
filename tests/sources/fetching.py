"""What the tests of files have in common: an instance of their own, a source, a request."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from flows.errors import FileBroken, Stopped
from flows.intake.sources.declared import Files, FileTable
from flows.intake.sources.fetching import fetch
from flows.intake.sources.files import prove_whole
from flows.intake.sources.request import Arrived, Request
from flows.intake.sources.stores import Item, Store
from flows.settings import Instance

DAY = dt.date(2017, 11, 21)
AGAIN = "then run: scv run 2017-11-21"


@dataclass(frozen=True)
class Desk:
    """Where a test asks for the table `orders` of 2017-11-21."""

    root: Path

    @property
    def deliveries(self) -> Path:
        """Where the client puts files."""
        return self.root / "deliveries"

    @property
    def folder(self) -> Path:
        """The request's own."""
        return self.root / "landing" / "orders"

    def put(self, path: str, content: bytes) -> Path:
        """Deliver a file."""
        file = self.deliveries / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def request(self, limit: int | None = None) -> Request:
        """What is asked for: all of it, or a sample."""
        return Request(
            instance=Instance(deliveries=self.deliveries, warehouse=self.root / "warehouse"),
            source="crm",
            table="orders",
            owner="crm-data@client.example",
            day=DAY,
            earliest=None,
            folder=self.folder,
            limit=limit,
        )

    def ask(
        self, path: str, store: dict[str, Any] | None = None, limit: int | None = None, **form: Any
    ) -> Arrived:
        """Fetch and prove the files of a path, by default as CSV from the deliveries folder."""
        table = FileTable(**{"format": "csv", "path": path} | form)
        described = {"kind": "files", "description": "a till", "tables": {"orders": table}}
        request = self.request(limit)
        arrived = fetch(Files(**described | (store or {})), request)
        try:
            for part in arrived.parts:
                prove_whole(part, table, request)
        except FileBroken:
            # In the intake it stays in the landing, refused.
            shutil.rmtree(self.folder)
            raise
        return arrived

    def refused(self, error: type[Stopped], path: str, **asked: Any) -> str:
        """Fetch what must be refused, with nothing left behind; return the sentence."""
        with pytest.raises(error) as caught:
            self.ask(path, **asked)
        assert type(caught.value) is error
        assert not self.folder.exists()
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        said = str(caught.value)
        assert AGAIN in said
        return said


Moment = Literal["before", "after"]
MOMENTS = get_args(Moment)


@contextmanager
def changing(store: type[Store], moment: Moment, change: Callable[[], object]) -> Iterator[None]:
    """Let the client change what the intake has listed: before each copy, or after it.

    A thread of the client's would come between only where the machine lets it.
    """
    copied = store.copy

    def copy(itself: Store, item: Item, target: Path) -> None:
        if moment == "before":
            change()
        copied(itself, item, target)
        if moment == "after":
            change()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "copy", copy)
        yield


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of the test's own, with nothing delivered yet."""
    (tmp_path / "deliveries").mkdir()
    return Desk(tmp_path)
