"""Files that are sent along: what is kept, what is refused, and when they are gone."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from flows.desk import samples
from flows.errors import SampleRefused
from flows.web.rates import Rates
from tests.web.asked import fields
from tests.web.conftest import OFTEN, Serve, Served

CSV = b"visit_id,shop\n1,north\n2,south\n"
MEGABYTE = 1 << 20


def send(served: Served, number: str, name: str, content: bytes, **more: str) -> int:
    """Send a file to a request and return the status of the answer."""
    version = served.desk.read(number).version
    files = {"files": {"upload": (name, content)}}
    path = f"/requests/{number}/files"
    return served.send(path, files, version=version, title="Visits", **more).status_code


def kept(served: Served, number: str) -> list[Path]:
    """The files that are on the disk."""
    return sorted(samples.folder_of(served.instance.desk, number).glob("*"))


def workbook() -> bytes:
    """A small workbook of Excel."""
    into = io.BytesIO()
    with xlsxwriter.Workbook(into) as book:
        book.add_worksheet().write_row(0, 0, ["visit_id", "shop"])
    return into.getvalue()


def parquet(rows: int = 3) -> bytes:
    """A Parquet of one column."""
    into = io.BytesIO()
    pq.write_table(pa.table({"visit_id": pa.array(range(rows), pa.int64())}), into)
    return into.getvalue()


def bomb(lies: bool = False) -> bytes:
    """A workbook of a few kilobytes that unpacks to very much more."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", "<workbook/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"\0" * (101 * MEGABYTE))
    content = into.getvalue()
    if lies:
        size = (101 * MEGABYTE).to_bytes(4, "little")
        assert content.count(size) == 2
        content = content.replace(size, (100).to_bytes(4, "little"))
    return content


GOOD = {
    "visits.csv": CSV,
    "visits.json": json.dumps([{"visit_id": 1}]).encode(),
    "visits.jsonl": b'{"visit_id": 1}\n{"visit_id": 2}\n',
    "visits.parquet": parquet(),
    "visits.xlsx": workbook(),
    "latin.csv": "visit_id,shop\n1,Zürich\n".encode("latin-1"),
    "wide.csv": "visit_id,shop\n1,north\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_is_what_it_says_is_kept_by_its_hash(served: Served, name: str) -> None:
    number = served.begin(title="Visits")
    told = {"upload_sample_of": "store_visits", "upload_personal_data": "no"}
    assert send(served, number, name, GOOD[name], **told) == 303
    digest = hashlib.sha256(GOOD[name]).hexdigest()
    file = {"name": name, "bytes": len(GOOD[name]), "sha256": digest}
    content = served.desk.read(number).content
    assert content["files"] == [{**file, "personal_data": False, "sample_of": "store_visits"}]
    (path,) = kept(served, number)
    assert path.read_bytes() == GOOD[name]
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0
    assert samples.samples_of(served.instance.desk, content) == {"store_visits": path}


BAD = {
    "visits.exe": CSV,
    "visits.csv.gz": CSV,
    "visits": CSV,
    "empty.csv": b"",
    "binary.csv": b"a,b\n\0\0\0",
    "packed.csv": workbook(),
    "page.csv": b"<!DOCTYPE html><html><script>alert(1)</script>",
    "text.json": b"visit_id",
    "array.jsonl": b"[1, 2]\n",
    "text.parquet": b"PAR1 not at all PAR1",
    "rows.parquet": parquet(1_000_001),
    "text.xlsx": CSV,
    "zip.xlsx": b"PK\x05\x06" + b"\0" * 18,
    "bomb.xlsx": bomb(),
    "lie.xlsx": bomb(lies=True),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_what_it_says_is_not_kept(served: Served, name: str) -> None:
    number = served.begin(title="Visits")
    assert send(served, number, name, BAD[name]) == 422
    assert kept(served, number) == []
    assert "files" not in served.desk.read(number).content
    assert served.desk.read(number).title == "Visits", "what was typed beside it is saved"


def test_a_file_that_is_too_large_is_refused_and_what_was_typed_is_saved(serve: Serve) -> None:
    served = serve(desk_upload_mb=1)
    number = served.begin(title="Visits")
    assert send(served, number, "a.csv", b"a,b\n" * (MEGABYTE // 2), notes="typed") == 422
    # Cut off while it comes: the form itself came before it.
    assert send(served, number, "b.csv", b"a,b\n" * MEGABYTE, notes="kept") == 413
    assert kept(served, number) == []
    assert served.desk.read(number).content["notes"] == "kept"


@pytest.mark.parametrize(
    ("sent", "called"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\temp\\visits.csv", "visits.csv"),
        ("a\"<script>'b.csv", "a__script__b.csv"),
        ("Ω visits 2026.csv", "Ω visits 2026.csv"),
        ("x" * 300 + ".csv", "x" * 100 + ".csv"),
        ("..", "file"),
    ],
)
def test_a_name_is_a_name_and_no_way_to_a_folder(sent: str, called: str) -> None:
    assert samples.named(sent) == called


def test_a_file_is_taken_out_with_its_bytes(served: Served) -> None:
    number = served.begin(title="Visits")
    assert send(served, number, "a.csv", CSV) == 303
    assert len(kept(served, number)) == 1
    version = served.desk.read(number).version
    assert served.send(f"/requests/{number}", version=version, title="Visits").status_code == 303
    assert kept(served, number) == []
    assert "files" not in served.desk.read(number).content


def test_a_hash_that_was_never_sent_is_no_file(served: Served) -> None:
    number = served.begin(title="Visits")
    version = served.desk.read(number).version
    made_up = {"files.0.sha256": "a" * 64, "files.0.name": "x.csv", "version": version}
    assert served.send(f"/requests/{number}", title="Visits", **made_up).status_code == 303
    assert "files" not in served.desk.read(number).content


def test_a_request_has_so_many_files_and_no_more(tmp_path: Path) -> None:
    for number in range(samples.FILES_AT_MOST):
        samples.keep(tmp_path, "CR-0001", "a.csv", io.BytesIO(b"a\n%d" % number), 100)
    with pytest.raises(SampleRefused, match="one file too many"):
        samples.keep(tmp_path, "CR-0001", "a.csv", io.BytesIO(b"a\nb"), 100)


def test_files_are_gone_once_a_request_is_handed_in(served: Served) -> None:
    number = served.begin(**fields())  # type: ignore[arg-type]
    version = served.desk.read(number).version
    sent = {"files": {"upload": ("a.csv", CSV)}}
    told = {**fields(), "version": version, "upload_personal_data": "no"}
    assert served.send(f"/requests/{number}", sent, **told).status_code == 303  # type: ignore[arg-type]
    digest = hashlib.sha256(CSV).hexdigest()
    told |= {"version": served.desk.read(number).version, "action": "submit"}
    told |= {"files.0.sha256": digest, "files.0.personal_data": "no"}
    answer = served.send(f"/requests/{number}", **told)  # type: ignore[arg-type]
    assert "submitted" in answer.headers["location"], answer.text
    assert served.desk.read(number).status == "submitted"
    assert served.desk.read(number).content["files"][0]["sha256"] == digest
    assert kept(served, number) == []


def test_files_of_old_drafts_are_removed_and_new_ones_stay(tmp_path: Path) -> None:
    for number, name in ((1, "old"), (2, "new")):
        samples.keep(tmp_path, f"CR-000{number}", "a.csv", io.BytesIO(name.encode()), 100)
    (old,) = samples.folder_of(tmp_path, "CR-0001").glob("*")
    eight_days_ago = time.time() - 8 * 86400
    os.utime(old, (eight_days_ago, eight_days_ago))
    assert samples.forget_old(tmp_path) == 1
    assert not old.exists()
    assert len(list(samples.folder_of(tmp_path, "CR-0002").glob("*"))) == 1


def test_files_come_only_so_often(serve: Serve) -> None:
    served = serve(Rates(**{**OFTEN.__dict__, "upload": "1/hour"}))
    number = served.begin(title="Visits")
    assert send(served, number, "a.csv", CSV) == 303
    assert send(served, number, "b.csv", CSV + b"3,east\n") == 429
    assert len(kept(served, number)) == 1
