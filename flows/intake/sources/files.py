"""Files of a client, brought whole into the landing: from a folder, an SFTP server or an S3.

A file that changes while it is copied is not taken, nor one that was cut off. Nobody reads rows
here. On any failure nothing is left in the request's folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from flows.errors import (
    AccessRefused,
    DeliveryRefused,
    FileBroken,
    NoSpace,
    OutsideStore,
    SourceUnreachable,
    StillArriving,
    TableMissing,
)
from flows.intake.sources.declared import Files, FileTable, Form
from flows.intake.sources.request import Arrived, Request, sent_as
from flows.intake.sources.stores import Item, Meaning, Outside, Store, open_store
from flows.intake.sources.wholeness import NotWhole, prove

UNFINISHED = (".tmp", ".part", ".filepart", ".partial")


def fetch(source: Files, request: Request) -> Arrived:
    """Bring a table's files of a business date into the request's folder, which is emptied first.

    Raises:
        TableMissing, StillArriving, SourceUnreachable: it may still come.
        AccessRefused, OutsideStore, FileBroken: it is there, and not as agreed.
        ContractWrong, SettingsWrong: it is ours to mend.
    """
    table = source.tables[request.table]
    store = open_store(source, request)
    with _emptied(request.folder):
        with _told(store, table, request), store:
            items = _take(store, table, request)
        parts = tuple(request.folder / name for name in _names(items))
    form = Form(**{field: getattr(table, field) for field in Form.model_fields})
    return Arrived(parts, form, max(item.modified_at for item in items))


def _take(store: Store, table: FileTable, request: Request) -> Sequence[Item]:
    there = _parts(store, table, request)
    items = there[:1] if request.limit else there
    for item, name in zip(items, _names(items), strict=True):
        target = request.folder / name
        target.touch(exist_ok=False)
        store.copy(item, target)
        if target.stat().st_size != item.size:
            raise _still_arriving(request, f"{item.path} changed while it was copied")
    if _parts(store, table, request) != there:
        raise _still_arriving(request, "what is there changed while it was copied")
    return items


def _parts(store: Store, table: FileTable, request: Request) -> list[Item]:
    wanted = table.path_on(request.day)
    folders, _, pattern = wanted.rpartition("/")

    def is_wanted(name: str) -> bool:
        return any(fnmatchcase(each, pattern) for each in (name, *_once_finished(name)))

    there = store.files(folders, is_wanted)
    parts = [item for item in there if not _once_finished(item.name)]
    if coming := _unfinished(there, {item.name for item in parts}):
        raise _still_arriving(request, f"{coming[0].path} is not finished")
    if not parts:
        raise _refusal("missing", store, wanted, request)
    return parts


def _unfinished(there: Sequence[Item], finished: Set[str]) -> list[Item]:
    # What was given up beside its finished self keeps nobody waiting, nor does a hidden file
    # beside finished ones, which may be of any kind.
    return [
        item
        for item in there
        if (once := _once_finished(item.name)) and finished.isdisjoint(once)
        if not (finished and item.name.startswith("."))
    ]


def _once_finished(name: str) -> tuple[str, ...]:
    """Return what an upload under way may be called in the end; nothing for a finished one."""
    if name.lower().endswith(UNFINISHED):
        return (Path(name.removeprefix(".")).stem,)
    if name.startswith("."):
        return name[1:], Path(name[1:]).stem
    return ()


def _names(items: Sequence[Item]) -> list[str]:
    names = [item.name for item in items]
    if len(set(names)) == len(names):
        return names
    flat = [item.path.replace("/", "-") for item in items]
    return [f"{number:03}-{name}" for number, name in enumerate(flat, 1)]


def prove_whole(
    part: Path, table: FileTable, request: Request, unpack_to: Path | None = None
) -> Path:
    """Prove that a landed file is whole; return it, or what it unpacks to where that is asked for.

    Raises:
        FileBroken: cut off, damaged, packed otherwise than declared, or a bomb.
    """
    try:
        return prove(part, table, unpack_to)
    except NotWhole as wrong:
        raise FileBroken(
            f"{request.table} for {request.day}: {sent_as(part)} {wrong}. "
            f"Ask {request.owner} to send it again, {request.again}"
        ) from None


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _told(store: Store, table: FileTable, request: Request) -> Iterator[None]:
    try:
        yield
    except Outside as outside:
        raise OutsideStore(
            f"{request.table} for {request.day} was not taken: {outside} leads out of "
            f"{store.shown}. Ask {request.owner} for the file itself, {request.again}"
        ) from None
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in NoSpace.NUMBERS
        meaning = None if full else store.meaning(error)
        if meaning is None:
            raise
        raise _refusal(meaning, store, table.path_on(request.day), request) from None


def _refusal(meaning: Meaning, store: Store, wanted: str, request: Request) -> DeliveryRefused:
    what, who, again = f"{request.table} for {request.day}", request.owner, request.again
    if meaning == "missing":
        return TableMissing(
            f"{what} is not here: there is no {store.shown}/{wanted}. Ask {who} to send it, {again}"
        )
    if meaning == "refused":
        return AccessRefused(
            f"{what} cannot be read: {store.shown} refuses our user, our key, or its folder. "
            f"Ask {who} to let us in, {again}"
        )
    if meaning == "stranger":
        return AccessRefused(
            f"{what} was not fetched: {store.shown} does not show the host key that "
            f"sources/{request.source}.yml names. Ask {who} whether it changed, {again}"
        )
    return SourceUnreachable(
        f"{what} could not be fetched: {store.shown} does not answer, or stopped half-way, and "
        f"nothing was taken. Ask {who} whether it is up, {again}"
    )


def _still_arriving(request: Request, why: str) -> StillArriving:
    return StillArriving(
        f"{request.table} for {request.day} is still arriving: {why}. "
        f"Wait until {request.owner} has sent it all, {request.again}"
    )
