"""Files of a folder arrive whole and as named, or not at all."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import random
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flows.errors import (
    ContractWrong,
    FileBroken,
    NoSpace,
    OutsideStore,
    SettingsWrong,
    StillArriving,
    TableMissing,
)
from flows.intake.sources.declared import Files, FileTable, Form, read_sources
from flows.intake.sources.stores import Folder
from flows.settings import PROJECT
from tests.sources.fetching import DAY, MOMENTS, Desk, Moment, changing, desk

__all__ = ["desk"]

ROWS = b"".join(b"%d,%d\n" % (number, number * 7919 % 1009) for number in range(4000))
MB = 1 << 20


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(4000))}), sink)
    return sink.getvalue()


def excel() -> bytes:
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink)
    sheet = book.add_worksheet()
    for row in range(200):
        sheet.write_row(row, 0, [row, f"name {row}"])
    book.close()
    return sink.getvalue()


# What came


def test_a_file_arrives_with_its_bytes_its_name_and_its_time(desk: Desk) -> None:
    file = desk.put("2017-11-21/orders.csv", b"id\n1\n")
    os.utime(file, (1_511_300_000, 1_511_300_000))
    arrived = desk.ask("{business_date}/orders.csv", delimiter=";")
    assert arrived.parts == (desk.folder / "orders.csv",)
    assert arrived.parts[0].read_bytes() == b"id\n1\n"
    assert arrived.modified_at == dt.datetime.fromtimestamp(1_511_300_000, dt.UTC)
    assert arrived.form == Form(format="csv", delimiter=";")
    assert type(arrived.form) is Form


def test_a_date_may_be_written_as_the_client_writes_it(desk: Desk) -> None:
    desk.put("2017/11/orders_20171121.csv", b"id\n1\n")
    arrived = desk.ask("{business_date:%Y/%m}/orders_{business_date:%Y%m%d}.csv")
    assert [part.name for part in arrived.parts] == ["orders_20171121.csv"]


def test_many_parts_come_in_the_order_of_their_names(desk: Desk) -> None:
    for number in (10, 2, 1):
        desk.put(f"2017-11-21/orders-{number:02}.csv", b"id\n%d\n" % number)
    desk.put("2017-11-21/orders.txt", b"another's")
    desk.put("2017-11-20/orders-01.csv", b"yesterday's")
    arrived = desk.ask("{business_date}/orders-*.csv")
    assert [part.name for part in arrived.parts] == [f"orders-{n:02}.csv" for n in (1, 2, 10)]
    assert [part.read_bytes() for part in arrived.parts] == [b"id\n1\n", b"id\n2\n", b"id\n10\n"]


def test_parts_of_one_name_in_two_folders_are_kept_apart(desk: Desk) -> None:
    for shop in ("north", "south"):
        desk.put(f"{shop}/2017-11-21/orders.csv", shop.encode())
    arrived = desk.ask("*/{business_date}/orders.csv")
    assert [part.read_bytes() for part in arrived.parts] == [b"north", b"south"]
    assert [part.name for part in arrived.parts] == [
        "001-north-2017-11-21-orders.csv",
        "002-south-2017-11-21-orders.csv",
    ]


def test_the_newest_part_says_when_the_table_was_changed(desk: Desk) -> None:
    for number in (1, 2):
        file = desk.put(f"orders-{number}.csv", b"id\n")
        os.utime(file, (1_511_300_000 - number, 1_511_300_000 - number))
    assert desk.ask("orders-*.csv").modified_at == dt.datetime.fromtimestamp(1_511_299_999, dt.UTC)


def test_a_sample_is_of_the_first_part(desk: Desk) -> None:
    for number in (1, 2):
        desk.put(f"orders-{number}.csv", b"id\n")
    arrived = desk.ask("orders-*.csv", limit=10)
    assert [part.name for part in arrived.parts] == ["orders-1.csv"]
    assert [file.name for file in desk.folder.iterdir()] == ["orders-1.csv"]


def test_what_was_fetched_before_is_gone(desk: Desk) -> None:
    desk.put("orders-1.csv", b"id\n1\n")
    desk.put("orders-2.csv", b"id\n2\n")
    desk.ask("orders-*.csv")
    (desk.deliveries / "orders-2.csv").unlink()
    desk.ask("orders-*.csv")
    assert [file.name for file in desk.folder.iterdir()] == ["orders-1.csv"]


def test_a_store_may_be_any_folder_its_name_in_a_variable(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in[box]").mkdir()
    (tmp_path / "in[box]" / "orders.csv").write_bytes(b"id\n")
    monkeypatch.setenv("CRM_STORE", str(tmp_path / "in[box]"))
    assert desk.ask("orders.csv", store={"store": "${CRM_STORE}"}).parts[0].read_bytes() == b"id\n"


# What did not come


def test_what_is_not_there_is_missing_and_may_still_come(desk: Desk) -> None:
    desk.put("2017-11-21/customers.csv", b"id\n")
    said = desk.refused(TableMissing, "{business_date}/orders-*.csv")
    assert f"there is no {desk.deliveries}/2017-11-21/orders-*.csv" in said
    assert "Ask crm-data@client.example to send it" in said


def test_a_folder_that_is_not_there_is_as_a_file_that_is_not_there(desk: Desk) -> None:
    desk.refused(TableMissing, "nowhere/orders.csv")
    desk.refused(TableMissing, "orders.csv", store={"store": "/no/such/folder"})


def test_a_folder_or_a_pipe_of_that_name_is_no_file(desk: Desk) -> None:
    (desk.deliveries / "orders.csv").mkdir()
    desk.refused(TableMissing, "orders.csv")
    os.mkfifo(desk.deliveries / "pipe.csv")
    desk.refused(TableMissing, "pipe.csv")


@pytest.mark.parametrize(
    "name",
    ["orders-1.csv.tmp", "orders-1.csv.part", "orders-1.csv.filepart", "orders-1.csv.PARTIAL",
     ".orders-1.csv", ".orders-1.csv.x7Yb2k"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["orders-1.csv", "orders-*.csv", "orders-*"])
def test_an_upload_under_way_is_no_part(desk: Desk, name: str, path: str) -> None:
    desk.put(name, b"id\n")
    assert f"{name} is not finished" in desk.refused(StillArriving, path)


def test_parts_are_not_taken_while_another_is_on_its_way(desk: Desk) -> None:
    desk.put("orders-1.csv", b"id\n")
    desk.put("orders-2.csv.filepart", b"i")
    desk.refused(StillArriving, "orders-*.csv")


def test_what_was_given_up_beside_its_finished_self_keeps_nobody_waiting(desk: Desk) -> None:
    desk.put("orders-1.csv", b"id\n")
    desk.put("orders-1.csv.part", b"i")
    desk.put(".listing", b"")
    assert [part.name for part in desk.ask("*").parts] == ["orders-1.csv"]


def test_a_folder_that_we_may_not_read_is_refused() -> None:
    # Root may read everything: a program that stops being root asks.
    program = (
        "import os, shutil, sys\n"
        "from pathlib import Path\n"
        "from flows.errors import AccessRefused\n"
        "from tests.sources.fetching import Desk\n"
        "desk = Desk(Path(sys.argv[1]))\n"
        "desk.put('orders.csv', b'id')\n"
        "desk.ask('orders.csv')\n"
        "shutil.rmtree(desk.folder.parent)\n"
        "desk.put('shut/orders.csv', b'id').parent.chmod(0)\n"
        "desk.root.chmod(0o777)\n"
        "if os.getuid() == 0: os.seteuid(65534)\n"
        "print(desk.refused(AccessRefused, 'shut/orders.csv'))\n"
    )
    with tempfile.TemporaryDirectory() as root:
        told = program_of_its_own(program, root)
    assert "deliveries refuses our user, our key, or its folder" in told


# Where a path may not lead


@pytest.mark.parametrize(
    "path",
    ["../orders.csv", "/etc/passwd", "a/../../orders.csv", "./orders.csv", "a//orders.csv", "",
     "a/", "..", "**/orders.csv", "a\\..\\b.csv", "orders\n.csv", "{business_date:../..}/o.csv",
     "{business_date.__class__}", "{table}.csv", "{0}.csv", "{", "{business_date:{x}}", "o?.csv",
     "o[12].csv"],
)  # fmt: skip
def test_a_path_that_leaves_its_store_cannot_be_declared(path: str) -> None:
    with pytest.raises(ValidationError):
        FileTable(format="csv", path=path)


@given(path=st.text(st.sampled_from("./\\*ab~ \x00{}"), max_size=12))
def test_whatever_can_be_declared_stays_below(path: str) -> None:
    try:
        declared = FileTable(format="csv", path=path)
    except ValidationError:
        return
    below = Path("/store") / declared.path_on(DAY)
    assert Path(os.path.normpath(below)).is_relative_to("/store")
    assert os.path.normpath(below) != "/store"


@pytest.mark.parametrize("path", ["orders.csv", "*.csv", "inside/orders.csv", "*/orders.csv"])
def test_a_link_that_points_outside_is_not_followed(desk: Desk, path: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "orders.csv").write_bytes(b"not the client's\n")
    (desk.deliveries / "orders.csv").symlink_to(secret / "orders.csv")
    (desk.deliveries / "inside").symlink_to(secret)
    assert "leads out of" in desk.refused(OutsideStore, path)


def test_a_link_that_stays_inside_is_followed(desk: Desk) -> None:
    file = desk.put("2017-11-21/orders-v2.csv", b"id\n1\n")
    (desk.deliveries / "orders.csv").symlink_to(file)
    assert desk.ask("orders.csv").parts[0].read_bytes() == b"id\n1\n"


def test_a_link_to_nothing_is_no_file(desk: Desk) -> None:
    (desk.deliveries / "orders.csv").symlink_to(desk.deliveries / "gone.csv")
    desk.refused(TableMissing, "orders.csv")


@pytest.mark.parametrize("name", ["orders\n.csv", "orders\\..\\x.csv", "orders\x1b[31m.csv"])
def test_a_name_that_is_more_than_a_name_is_not_used(desk: Desk, name: str) -> None:
    desk.put(name, b"id\n")
    assert desk.refused(OutsideStore, "orders*.csv").isprintable()
    desk.put("customers.csv", b"id\n")
    desk.ask("customers.csv")


# While it is written


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_grows_while_it_is_copied_is_not_taken(desk: Desk, moment: Moment) -> None:
    file = desk.put("orders.csv", b"1,2,3\n")
    with changing(Folder, moment, lambda: written(file, "ab")):
        said = desk.refused(StillArriving, "orders.csv")
    assert "changed while it was copied" in said


def test_it_is_taken_once_the_writer_is_done(desk: Desk) -> None:
    file = desk.put("orders.csv", b"1,2,3\n")
    with changing(Folder, "after", lambda: written(file, "ab")):
        desk.refused(StillArriving, "orders.csv")
    assert desk.ask("orders.csv").parts[0].read_bytes() == file.read_bytes()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_is_replaced_by_one_of_its_size_is_not_taken(
    desk: Desk, moment: Moment
) -> None:
    file = desk.put("orders.csv", b"1,2,3\n")
    with changing(Folder, moment, lambda: written(file, "wb")):
        desk.refused(StillArriving, "orders.csv")


@pytest.mark.parametrize("moment", MOMENTS)
def test_parts_that_become_more_while_they_are_copied_are_not_taken(
    desk: Desk, moment: Moment
) -> None:
    desk.put("orders-0.csv", b"1,2,3\n")
    with changing(Folder, moment, lambda: desk.put("orders-1.csv", b"1,2,3\n")):
        desk.refused(StillArriving, "orders-*.csv")


def written(file: Path, mode: str) -> None:
    """Write a line of as many bytes as the tests' own."""
    with file.open(mode) as open_file:
        open_file.write(b"4,5,6\n")


# Whole

WHOLE = {
    "gzip": (gzip.compress(ROWS), {"compression": "gzip"}),
    "gzip of two members": (gzip.compress(ROWS) + gzip.compress(ROWS), {"compression": "gzip"}),
    "zstd": (zstd(ROWS), {"compression": "zstd"}),
    "zstd of two frames": (zstd(ROWS) + zstd(ROWS), {"compression": "zstd"}),
    "parquet": (parquet(), {"format": "parquet"}),
    "excel": (excel(), {"format": "excel"}),
}
# Where a cut leaves something that is whole: before the first byte, and between two members.
SEAMS = {
    "gzip": {0},
    "gzip of two members": {0, len(gzip.compress(ROWS))},
    "zstd": {0},
    "zstd of two frames": {0, len(zstd(ROWS))},
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_arrives_as_it_is(desk: Desk, kind: str) -> None:
    content, form = WHOLE[kind]
    desk.put("orders", content)
    assert desk.ask("orders", **form).parts[0].read_bytes() == content


@pytest.mark.parametrize("kind", WHOLE)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_that_was_cut_off_anywhere_is_broken(
    desk: Desk, kind: str, data: st.DataObject
) -> None:
    content, form = WHOLE[kind]
    cuts = st.integers(0, len(content) - 1).filter(lambda cut: cut not in SEAMS.get(kind, ()))
    cut = data.draw(cuts)
    desk.put("orders", content[:cut])
    said = desk.refused(FileBroken, "orders", **form)
    assert "cut off or damaged" in said
    assert "crm-data@client.example to send it again" in said


@pytest.mark.parametrize("kind", ["gzip", "excel"])
def test_a_flipped_bit_is_found_by_the_checksum(desk: Desk, kind: str) -> None:
    content, form = WHOLE[kind]
    damaged = bytearray(content)
    damaged[len(content) // 3] ^= 1
    desk.put("orders", bytes(damaged))
    desk.refused(FileBroken, "orders", **form)


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_of_another_kind_is_broken(desk: Desk, kind: str) -> None:
    _, form = WHOLE[kind]
    desk.put("orders", b"id,name\n1,anna\n" * 100)
    desk.refused(FileBroken, "orders", **form)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_packed_file_of_an_unpacked_source_is_broken(desk: Desk, kind: str) -> None:
    desk.put("orders.csv", WHOLE[kind][0])
    assert f"is packed with {kind}" in desk.refused(FileBroken, "orders.csv")


def test_one_broken_part_refuses_them_all(desk: Desk) -> None:
    desk.put("orders-1.gz", gzip.compress(ROWS))
    desk.put("orders-2.gz", gzip.compress(ROWS)[:-20])
    said = desk.refused(FileBroken, "orders-*.gz", compression="gzip")
    assert "orders-2.gz is not a whole gzip file" in said


def test_a_file_of_no_bytes_is_for_the_reader_to_judge(desk: Desk) -> None:
    desk.put("orders.gz", b"")
    assert desk.ask("orders.gz", compression="gzip").parts[0].stat().st_size == 0


# Bombs


def zeros(packer: Callable[[bytes], bytes], megabytes: int) -> bytes:
    return packer(bytes(megabytes * MB))


@pytest.mark.parametrize("packer", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_bomb_is_not_unpacked_to_its_end(desk: Desk, packer: Callable[[bytes], bytes]) -> None:
    bomb = zeros(packer, 300)
    assert len(bomb) < MB
    desk.put("orders", bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    compression = "gzip" if packer is gzip.compress else "zstd"
    said = desk.refused(FileBroken, "orders", compression=compression)
    assert "unpacks to more than 256 MB" in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_an_excel_bomb_is_refused_by_what_its_directory_says(desk: Desk) -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as book,
        book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(300):
            sheet.write(bytes(MB))
    desk.put("orders.xlsx", sink.getvalue())
    said = desk.refused(FileBroken, "orders.xlsx", format="excel")
    assert "unpacks to more than 256 MB" in said


def test_an_excel_file_that_lies_about_its_size_is_broken(desk: Desk) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", bytes(3 * MB))
    lying = sink.getvalue().replace((3 * MB).to_bytes(4, "little"), (99).to_bytes(4, "little"))
    assert lying != sink.getvalue()
    desk.put("orders.xlsx", lying)
    desk.refused(FileBroken, "orders.xlsx", format="excel")


def test_how_far_a_file_may_unpack_is_declared(desk: Desk) -> None:
    desk.put("orders", zeros(gzip.compress, 3))
    form = {"compression": "gzip", "unpack_floor_mb": 2}
    assert "unpacks to more than 2 MB" in desk.refused(FileBroken, "orders", **form)
    assert desk.ask("orders", max_unpack_ratio=2000, **form).parts


# Our own disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, on which the landing stands."""
    place = tmp_path / "landing"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True
    )
    if made.returncode != 0:
        if os.environ.get("SCV_TEST_REQUIRE") == "1":
            pytest.fail("a small disk cannot be mounted here")
        pytest.skip("a small disk cannot be mounted here: only root can")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_nothing_half_taken(desk: Desk, small_disk: Path) -> None:
    desk.put("orders-1.csv", random.Random(1).randbytes(700_000))
    desk.put("orders-2.csv", random.Random(2).randbytes(700_000))
    said = desk.refused(NoSpace, "orders-*.csv")
    assert said.startswith(f"The disk of {desk.folder} is full")
    assert list(small_disk.iterdir()) == []
    (desk.deliveries / "orders-2.csv").unlink()
    assert desk.ask("orders-*.csv").parts


def test_a_file_larger_than_we_may_write_is_a_full_disk(desk: Desk) -> None:
    desk.put("orders.csv", bytes(700_000))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tests.sources.fetching import Desk\n"
        "from flows.errors import NoSpace\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "Desk(Path(sys.argv[1])).refused(NoSpace, 'orders.csv')\n"
    )
    program_of_its_own(program, desk.root)


def program_of_its_own(program: str, root: Path | str) -> str:
    told = subprocess.run(
        [sys.executable, "-c", program, str(root)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


# What is declared


def test_every_field_of_files_says_what_it_is() -> None:
    for model in (Files, FileTable, Form):
        assert not [name for name, field in model.model_fields.items() if not field.description]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("store: sftp://files.client.example/out", "needs username and host_key"),
        ("store: sftp://scv@files.client.example/out\nusername: scv\nhost_key: x\n"
         "password: ${P}", "the user stands in username"),
        ("store: sftp://scv:hunter2@files.client.example/out", "the password is named"),
        ("store: sftp://files.client.example/out\nusername: scv\nhost_key: x",
         "a password or a private_key"),
        ("store: s3://bucket/in\naccess_key: ${A}\nregion: eu-west-1", "go together"),
        ("store: s3://bucket/in", "a region or an endpoint"),
        ("store: ftp://files.client.example", "a store is"),
        ("store: inbox", "a store is"),
        ("password: hunter2", "never written down"),
    ],
)  # fmt: skip
def test_a_store_that_lacks_something_is_refused_when_it_is_read(
    tmp_path: Path, declared: str, words: str
) -> None:
    (tmp_path / "crm.yml").write_text(f"kind: files\ndescription: x\ntables: {{}}\n{declared}\n")
    with pytest.raises(ContractWrong) as caught:
        read_sources(tmp_path)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value).replace(str(tmp_path), "")


def test_a_compression_of_what_is_compressed_cannot_be_declared() -> None:
    with pytest.raises(ValidationError):
        Form(format="parquet", compression="gzip")


@pytest.mark.parametrize("store", ["sftp://files.client.example/out", "inbox", "ftp://x/y"])
def test_an_address_in_a_variable_is_held_to_the_same_rules(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.setenv("CRM_STORE", store)
    with pytest.raises(ContractWrong):
        desk.ask("orders.csv", store={"store": "${CRM_STORE}"})


def test_a_variable_that_is_not_set_is_named(desk: Desk) -> None:
    with pytest.raises(SettingsWrong, match="CRM_STORE_OF_NOBODY"):
        desk.ask("orders.csv", store={"store": "${CRM_STORE_OF_NOBODY}"})
