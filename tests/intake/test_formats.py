"""Whatever form a delivery has, its rows are the same rows, and each of them is accounted for."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from flows.errors import ColumnsDiffer, FileBroken
from tests.intake.desk import VISITS, Record, contract_of, landed, sort, values

CONTRACT = contract_of()
NAMES = CONTRACT.names
ROWS: list[Record] = [
    {
        "visit_id": 1,
        "who": 'Zoë "Zo" O\'Neil, 50; 40 | 30',
        "spent": Decimal("12.3400"),
        "on_day": dt.date(2017, 11, 22),
        "at_time": dt.datetime(2017, 11, 22, 10, 11, 12, 345000),
        "is_member": True,
        "steps": -7,
    },
    {
        "visit_id": 2**53 - 1,
        "who": "a line\nand another",
        "spent": Decimal("-0.5000"),
        "on_day": dt.date(2016, 2, 29),
        "at_time": dt.datetime(1999, 12, 31, 23, 59, 59),
        "is_member": False,
        "steps": 2**31 - 1,
    },
    dict.fromkeys(NAMES) | {"visit_id": 2**53},
]


def said(value: Any) -> str:
    """Return a value as a client's export writes it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_csv(rows: Sequence[Record] = ROWS, names: Sequence[str] = NAMES, **dialect: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, **({"lineterminator": "\n"} | dialect))
    writer.writerows([names, *([said(row[name]) for name in names] for row in rows)])
    return text.getvalue()


def as_json(rows: Sequence[Record] = ROWS) -> list[dict[str, Any]]:
    kept = (int, bool, type(None))
    return [{n: v if isinstance(v, kept) else str(v) for n, v in row.items()} for row in rows]


def as_lines(rows: Sequence[Record] = ROWS) -> str:
    return "".join(json.dumps(row) + "\n" for row in as_json(rows))


def as_arrow(rows: Sequence[Record] = ROWS) -> pa.Table:
    types = [pa.int64(), pa.string(), pa.decimal128(18, 4), pa.date32(), pa.timestamp("us")]
    schema = pa.schema(list(zip(NAMES, [*types, pa.bool_(), pa.int32()], strict=True)))
    return pa.Table.from_pylist(list(rows), schema)


def excel(path: Path, fill: Callable[[Any, Any], None], sheet: str = "visits") -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss.000"}) as book:
        fill(book, book.add_worksheet(sheet))
    return path


def as_excel(path: Path, rows: Sequence[Record] = ROWS) -> Path:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, NAMES)
        for number, row in enumerate(rows, 1):
            for place, name in enumerate(NAMES):
                value = row[name]
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif value is not None:
                    sheet.write(number, place, value)

    return excel(path, fill)


def pack(text: str, packed: str | None) -> bytes:
    raw = text.encode()
    if packed == "gzip":
        return gzip.compress(raw)
    return pa.compress(raw, codec="zstd", asbytes=True) if packed else raw


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_same_rows_in_every_format_make_the_same_batch(tmp_path: Path) -> None:
    table = as_arrow()
    pq.write_table(table, tmp_path / "v.parquet")
    document = json.dumps({"answer": {"rows": as_json()}})
    deliveries = {
        "csv": landed(put(tmp_path, "v.csv", as_csv()), format="csv"),
        "jsonl": landed(put(tmp_path, "v.jsonl", as_lines()), format="jsonl"),
        "array": landed(put(tmp_path, "v.json", json.dumps(as_json())), format="json"),
        "document": landed(put(tmp_path, "d.json", document), format="json", records="answer.rows"),
        "parquet": landed(tmp_path / "v.parquet", format="parquet"),
        "excel": landed(as_excel(tmp_path / "v.xlsx"), format="excel"),
    }
    for name, files in deliveries.items():
        found = sort(CONTRACT, files, tmp_path)
        assert found.accepted == ROWS, name
        assert not found.aside, name
        assert not found.drifts, name


DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "semicolons": ({"delimiter": ";"}, {"delimiter": ";"}),
    "bars": ({"delimiter": "|"}, {"delimiter": "|"}),
    "tabs": ({"delimiter": "\t"}, {"delimiter": "\t"}),
    "all quoted": ({"quoting": csv.QUOTE_ALL}, {}),
    "single quotes": ({"quotechar": "'"}, {"quote": "'", "escape": "'"}),
    "backslashes": ({"doublequote": False, "escapechar": "\\"}, {"escape": "\\"}),
    "two characters at a line's end": ({"lineterminator": "\r\n"}, {}),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("packed", [None, "gzip", "zstd"])
def test_a_csv_of_any_dialect_is_the_same_rows(
    dialect: str, packed: str | None, tmp_path: Path
) -> None:
    written, form = DIALECTS[dialect]
    file = put(tmp_path, "v.csv", pack(as_csv(**written), packed))
    found = sort(CONTRACT, landed(file, format="csv", compression=packed, **form), tmp_path)
    assert (found.accepted, found.aside) == (ROWS, [])


def test_a_csv_without_quotes_takes_them_as_text(tmp_path: Path) -> None:
    file = put(tmp_path, "v.tsv", 'visit_id\twho\n1\tthe "one"\n2\t"\n')
    form = {"format": "csv", "delimiter": "\t", "quote": "", "escape": ""}
    found = sort(
        contract_of({"visit_id": "bigint", "who": "varchar"}), landed(file, **form), tmp_path
    )
    assert values(found.accepted, "who") == ['the "one"', '"']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("header", [True, False])
def test_a_csv_of_any_encoding_is_the_same_rows(
    encoding: str, header: bool, tmp_path: Path
) -> None:
    text = as_csv() if header else as_csv().split("\n", 1)[1]
    file = put(tmp_path, "v.csv", text.encode(encoding))
    form = {"format": "csv", "header": header, "encoding": encoding.removesuffix("-sig")}
    found = sort(CONTRACT, landed(file, **form), tmp_path)
    assert (found.accepted, found.aside) == (ROWS, [])


def test_a_csv_in_another_encoding_is_refused_whole(tmp_path: Path) -> None:
    file = put(tmp_path, "v.csv", as_csv().encode("latin-1"))
    with pytest.raises(FileBroken, match="is not utf-8 text"):
        sort(CONTRACT, landed(file, format="csv"), tmp_path)


def test_a_word_for_nothing_is_nothing(tmp_path: Path) -> None:
    file = put(tmp_path, "v.csv", "visit_id,who,steps\n1,NULL,NULL\n2,null,3\n")
    contract = contract_of({"visit_id": "bigint", "who": "varchar", "steps": "integer"})
    found = sort(contract, landed(file, format="csv", null_text="NULL"), tmp_path)
    assert values(found.accepted, "who") == [None, "null"]
    assert values(found.accepted, "steps") == [None, 3]


TWO = contract_of({"visit_id": "bigint", "who": "varchar"})


@pytest.mark.parametrize("text", ["visit_id,who\n1,a\n\n\n2,b\n\n", "\n\nvisit_id,who\n1,a\n2,b\n"])
def test_blank_lines_of_a_csv_are_no_rows(text: str, tmp_path: Path) -> None:
    found = sort(TWO, landed(put(tmp_path, "v.csv", text), format="csv"), tmp_path)
    assert found.accepted == [{"visit_id": 1, "who": "a"}, {"visit_id": 2, "who": "b"}]


@pytest.mark.parametrize("text", ["visit_id,who\n", "visit_id,who", ""])
def test_a_csv_without_rows_has_none(text: str, tmp_path: Path) -> None:
    found = sort(TWO, landed(put(tmp_path, "v.csv", text), format="csv"), tmp_path)
    assert (found.accepted, found.aside) == ([], [])


def test_parts_of_a_csv_may_each_have_their_order(tmp_path: Path) -> None:
    texts = [
        "visit_id,who\n1,a\n",
        "who,visit_id\nb,2\n",
        "",
        "visit_id,who\n3,c\nx,d\n",
        "who,visit_id",
    ]
    parts = [put(tmp_path, f"v-{n}.csv", text) for n, text in enumerate(texts)]
    found = sort(TWO, landed(*parts, format="csv"), tmp_path)
    assert values(found.accepted, "who") == ["a", "b", "c"]
    assert found.reasons == ["visit_id is not a bigint"]
    assert found.kinds == {("reordered", "who", False)} or found.kinds == {
        ("reordered", "visit_id", False)
    }


TORN = {
    "too many columns": "3,c,d",
    "too few columns": "3",
    "a quote that is not closed": '3,"c',
    "text behind a quote": '3,"c"d',
}


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_row_costs_that_row_only(torn: str, tmp_path: Path) -> None:
    last = "" if torn == "a quote that is not closed" else "4,d\n"
    file = put(tmp_path, "v.csv", f"visit_id,who\n1,a\n2,b\n{TORN[torn]}\n{last}")
    found = sort(TWO, landed(file, format="csv"), tmp_path)
    assert values(found.accepted, "who") == (["a", "b", "d"] if last else ["a", "b"])
    assert len(found.aside) == 1
    assert found.aside[0][1].startswith("the row has")
    assert "3" in found.aside[0][0]


def test_torn_rows_in_several_parts_are_each_set_aside_once(tmp_path: Path) -> None:
    texts = [f"visit_id,who\n{n},a\n{n}0,b,c\nbad,{n}\n" for n in range(1, 4)]
    texts.append("who,visit_id\nx,7\nx,y,7\n")
    parts = [put(tmp_path, f"v-{n}.csv", text) for n, text in enumerate(texts)]
    found = sort(TWO, landed(*parts, format="csv"), tmp_path)
    assert values(found.accepted, "visit_id") == [1, 2, 3, 7]
    torn = [text for text, reason in found.aside if reason.startswith("the row")]
    assert sorted(torn) == ["10,b,c", "20,b,c", "30,b,c", "x,y,7"]
    assert len(found.aside) == 7


def test_many_torn_rows_of_a_large_csv_are_all_set_aside(tmp_path: Path) -> None:
    lines = [f"{n},{'x' * 40}" if n % 100 else f"{n},a,b" for n in range(60_000)]
    file = put(tmp_path, "v.csv", "visit_id,who\n" + "\n".join(lines) + "\n")
    found = sort(TWO, landed(file, format="csv"), tmp_path)
    assert len(found.accepted) == 59_400
    assert sorted(text for text, _ in found.aside) == sorted(
        f"{n},a,b" for n in range(0, 60_000, 100)
    )


@pytest.mark.parametrize("length", [1_900_000, 2_100_000])
def test_a_line_of_two_megabytes_is_a_row_or_set_aside(length: int, tmp_path: Path) -> None:
    for name, text in {
        "csv": f"visit_id,who\n1,a\n2,{'x' * length}\n3,c\n",
        "jsonl": as_pairs([(1, "a"), (2, "x" * length), (3, "c")]),
    }.items():
        found = sort(TWO, landed(put(tmp_path, f"v.{name}", text), format=name), tmp_path)
        assert found.delivered == 3, name
        assert {1, 3} <= set(values(found.accepted, "visit_id")), name
        assert len(found.aside) == (length > 2_000_000), name


def as_pairs(rows: Sequence[tuple[Any, Any]]) -> str:
    return "".join(json.dumps({"visit_id": one, "who": two}) + "\n" for one, two in rows)


def test_a_first_line_that_is_no_header_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = put(tmp_path, "v.csv", "x" * 3_000_000)
    with pytest.raises((ColumnsDiffer, FileBroken)) as refused:
        sort(TWO, landed(file, format="csv"), tmp_path)
    assert len(str(refused.value)) < 1_000


def test_a_quoted_name_may_hold_the_delimiter_and_a_line_end(tmp_path: Path) -> None:
    contract = contract_of({"visit_id": "bigint", "who": "varchar"}, on_new_column="hold")
    file = put(tmp_path, "v.csv", 'visit_id,"the, \n note",who\n1,n,a\n')
    found = sort(contract, landed(file, format="csv"), tmp_path)
    assert found.accepted == [{"visit_id": 1, "who": "a"}]


@pytest.mark.parametrize("packed", [None, "gzip", "zstd"])
def test_json_lines_may_lack_keys_and_hold_anything(packed: str | None, tmp_path: Path) -> None:
    lines = [
        '{"visit_id": 1, "who": null, "spent": 1.25}',
        '{"visit_id": 2, "spent": "1.2500", "who": {"first": "a", "all": [1, 2.5]}}',
        '{"spent": 12345678901234.5678, "who": "\\u00e9\\ud83d\\ude00\\n", "visit_id": 3}',
        '{"visit_id": 9223372036854775807}',
        "  ",
        '{"visit_id": 5, "who": [], "spent": -0.0001}\r',
    ]
    contract = contract_of({"visit_id": "bigint", "who": "varchar", "spent": "decimal(18,4)"})
    file = put(tmp_path, "v.jsonl", pack("\n".join(lines), packed))
    found = sort(contract, landed(file, format="jsonl", compression=packed), tmp_path)
    assert found.aside == []
    whos = [None, '{"first":"a","all":[1,2.5]}', "é😀\n", "[]", None]
    assert values(found.accepted, "who") == whos
    assert values(found.accepted, "spent") == [
        Decimal("1.2500"),
        Decimal("1.2500"),
        Decimal("12345678901234.5678"),
        Decimal("-0.0001"),
        None,
    ]


BAD_LINES = {
    "torn": '{"visit_id": 2, "who": "b',
    "a number": "17",
    "an array": '[{"visit_id": 2}]',
    "null": "null",
    "two objects": '{"visit_id": 2} {"visit_id": 3}',
    "a control character": '{"visit_id": 2, "who": "\x01b"}',
    "a delimiter of ours": "a\x01b",
    "a repeated key": '{"visit_id": 2, "who": "b", "visit_id": 3}',
}


@pytest.mark.parametrize("bad", BAD_LINES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_is_no_object_costs_that_line_only(bad: str, end: str, tmp_path: Path) -> None:
    good = as_pairs([(1, "a"), (4, "d")]).splitlines()
    text = end.join([good[0], BAD_LINES[bad], good[1]]) + end
    found = sort(TWO, landed(put(tmp_path, "v.jsonl", text), format="jsonl"), tmp_path)
    assert values(found.accepted, "visit_id") == [1, 4]
    assert [text for text, _ in found.aside] == [BAD_LINES[bad]]


def test_json_lines_in_another_encoding_are_read_or_refused_never_altered(tmp_path: Path) -> None:
    text = '{"visit_id": 1, "who": "Zoë"}\n'
    for encoding in ("latin-1", "utf-16", "utf-8-sig"):
        file = put(tmp_path, "v.jsonl", text.encode(encoding))
        form = {"format": "jsonl", "encoding": encoding.removesuffix("-sig")}
        assert values(sort(TWO, landed(file, **form), tmp_path).accepted, "who") == ["Zoë"]
    file = put(tmp_path, "v.jsonl", text.encode("latin-1"))
    with pytest.raises(FileBroken):
        sort(TWO, landed(file, format="jsonl"), tmp_path)


def test_no_bytes_and_blank_lines_are_no_objects(tmp_path: Path) -> None:
    parts = [put(tmp_path, f"v-{n}.jsonl", text) for n, text in enumerate(["", "\n \n", ""])]
    assert sort(TWO, landed(*parts, format="jsonl"), tmp_path).delivered == 0
    assert sort(TWO, landed(parts[0], format="jsonl"), tmp_path).delivered == 0


@pytest.mark.parametrize("packed", [None, "gzip", "zstd"])
def test_a_json_document_may_come_in_pages(packed: str | None, tmp_path: Path) -> None:
    pages = [{"it": {"rows": [{"visit_id": 1, "who": "a"}, 17]}}, {"it": {"rows": []}}]
    pages.append({"it": {"rows": [{"who": "c", "visit_id": 3}, {"visit_id": 4}, None]}})
    parts = [
        put(tmp_path, f"p-{n}.json", pack(json.dumps(page, indent=1), packed))
        for n, page in enumerate(pages)
    ]
    form = {"format": "json", "records": "it.rows", "compression": packed}
    found = sort(TWO, landed(*parts, **form), tmp_path)
    assert values(found.accepted, "visit_id") == [1, 3, 4]
    assert sorted(text for text, _ in found.aside) == ["17", "null"]


def test_a_json_array_of_nothing_has_no_rows(tmp_path: Path) -> None:
    found = sort(TWO, landed(put(tmp_path, "v.json", "[]"), format="json"), tmp_path)
    assert found.delivered == 0


def test_a_json_number_of_many_digits_keeps_them_in_a_document_too(tmp_path: Path) -> None:
    contract = contract_of({"visit_id": "bigint", "spent": "decimal(18,4)"})
    text = '{"data": [{"visit_id": 1, "spent": 99999999999999.9999}]}'
    file = put(tmp_path, "v.json", text)
    found = sort(contract, landed(file, format="json", records="data"), tmp_path)
    assert values(found.accepted, "spent") == [Decimal("99999999999999.9999")]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('{"rows": {"visit_id": 1}}', "rows"),
        ('{"rows": [{"visit_id": 1}]}', "row"),
        ('{"rows": [{"visit_id": 1}]}', None),
        ('{"rows": [{"visit_id": 1}', "rows"),
        ("17", None),
    ],
)
def test_a_json_document_without_its_array_is_refused(
    text: str, records: str | None, tmp_path: Path
) -> None:
    file = put(tmp_path, "v.json", text)
    with pytest.raises(FileBroken, match=r"Ask shop@client\.example"):
        sort(TWO, landed(file, format="json", records=records), tmp_path)


def one(contract_type: str, values: Sequence[Any], arrow: Any, folder: Path) -> Any:
    """Deliver a Parquet column of a type of the client's, for a column of a type of ours."""
    table = pa.table({"visit_id": list(range(len(values))), "value": pa.array(values, arrow)})
    pq.write_table(table, folder / "v.parquet")
    contract = contract_of({"visit_id": "bigint", "value": contract_type})
    return sort(contract, landed(folder / "v.parquet", format="parquet"), folder)


MOMENT = dt.datetime(2017, 11, 22, 10, 11, 12, 123456)
SAME_IN_PARQUET = [
    ("bigint", [1, None, -5], pa.int8(), [1, None, -5]),
    ("bigint", [255], pa.uint8(), [255]),
    ("bigint", [2**63 - 1], pa.uint64(), [2**63 - 1]),
    ("bigint", [17.0, None], pa.float64(), [17, None]),
    ("integer", [2**31 - 1], pa.int64(), [2**31 - 1]),
    ("integer", [-3.0], pa.float32(), [-3]),
    ("integer", [Decimal("12")], pa.decimal128(9, 0), [12]),
    ("decimal(18,4)", [Decimal("1.5")], pa.decimal128(9, 1), [Decimal("1.5000")]),
    ("decimal(18,4)", [Decimal("1.500000")], pa.decimal128(19, 6), [Decimal("1.5000")]),
    ("decimal(18,4)", [7], pa.int64(), [Decimal("7.0000")]),
    ("decimal(18,4)", [7.25], pa.float64(), [Decimal("7.2500")]),
    ("date", [dt.datetime(2017, 11, 22)], pa.timestamp("ms"), [dt.date(2017, 11, 22)]),
    ("timestamp", [dt.date(2017, 11, 22)], pa.date32(), [dt.datetime(2017, 11, 22)]),
    ("timestamp", [MOMENT], pa.timestamp("us", "UTC"), [MOMENT]),
    ("timestamp", [MOMENT], pa.timestamp("us", "Europe/Paris"), [MOMENT]),
    ("timestamp", [MOMENT], pa.timestamp("ns"), [MOMENT]),
    (
        "timestamp",
        [MOMENT.replace(microsecond=0)],
        pa.timestamp("s"),
        [MOMENT.replace(microsecond=0)],
    ),
    ("boolean", ["true", "F"], pa.string(), [True, False]),
    ("varchar", [12], pa.int32(), ["12"]),
    ("varchar", ["a", "b"], pa.dictionary(pa.int8(), pa.string()), ["a", "b"]),
    ("varchar", ["", " "], pa.large_string(), ["", " "]),
]


@pytest.mark.parametrize(("wanted", "sent", "arrow", "taken"), SAME_IN_PARQUET)
def test_a_parquet_value_of_another_type_is_the_same_value(
    wanted: str, sent: list[Any], arrow: Any, taken: list[Any], tmp_path: Path
) -> None:
    found = one(wanted, sent, arrow, tmp_path)
    assert (values(found.accepted, "value"), found.aside) == (taken, [])


@pytest.mark.parametrize(
    ("wanted", "sent", "arrow"),
    [
        ("bigint", [17.5], pa.float64()),
        ("bigint", [2**64 - 1], pa.uint64()),
        ("integer", [2**31], pa.int64()),
        ("bigint", [float("nan")], pa.float64()),
        ("bigint", [1e300], pa.float64()),
        ("decimal(18,4)", [Decimal("1.00001")], pa.decimal128(19, 5)),
        ("decimal(18,4)", [0.1 + 0.2], pa.float64()),
        ("date", [MOMENT], pa.timestamp("us")),
        ("timestamp", [1], pa.int64()),
    ],
)
def test_a_parquet_value_that_would_change_is_set_aside(
    wanted: str, sent: list[Any], arrow: Any, tmp_path: Path
) -> None:
    found = one(wanted, sent, arrow, tmp_path)
    assert found.accepted == []
    assert found.reasons == [f"value is not a {wanted}"]


def test_parquet_parts_may_each_have_their_order_and_types(tmp_path: Path) -> None:
    large = 2**53 + 1
    tables = [
        pa.table({"visit_id": pa.array([large], pa.int64()), "who": ["a"]}),
        pa.table({"who": ["b"], "visit_id": pa.array([2.0], pa.float64())}),
        pa.table({"visit_id": pa.array(["3", "x"]), "who": ["c", "d"]}),
    ]
    for number, table in enumerate(tables):
        pq.write_table(table, tmp_path / f"v-{number}.parquet")
    parts = sorted(tmp_path.glob("v-*.parquet"))
    found = sort(TWO, landed(*parts, format="parquet"), tmp_path)
    assert sorted(values(found.accepted, "visit_id")) == [2, 3, large]
    assert found.reasons == ["visit_id is not a bigint"]


def test_a_parquet_part_that_lacks_a_column_is_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"visit_id": [1], "who": ["a"]}), tmp_path / "v-1.parquet")
    pq.write_table(pa.table({"visit_id": [2]}), tmp_path / "v-2.parquet")
    parts = sorted(tmp_path.glob("v-*.parquet"))
    with pytest.raises(ColumnsDiffer, match=r"v-2\.parquet lacks who"):
        sort(TWO, landed(*parts, format="parquet"), tmp_path)
    lenient = contract_of({"visit_id": "bigint", "who": "varchar"}, on_missing_column="null")
    found = sort(lenient, landed(*parts, format="parquet"), tmp_path)
    assert values(found.accepted, "who") == ["a", None]
    assert found.kinds == {("missing", "who", False)}


def test_a_csv_part_that_lacks_a_column_keeps_that_of_the_others(tmp_path: Path) -> None:
    parts = [put(tmp_path, "1.csv", "visit_id,who\n1,a\n"), put(tmp_path, "2.csv", "visit_id\n2\n")]
    lenient = contract_of({"visit_id": "bigint", "who": "varchar"}, on_missing_column="null")
    found = sort(lenient, landed(*parts, format="csv"), tmp_path)
    assert values(found.accepted, "who") == ["a", None]


def test_a_cell_of_a_workbook_is_its_value(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        book.add_worksheet("other").write_row(0, 0, ["no", "table"])
        sheet.write_row(2, 1, ["visit_id", "who", "spent", "on_day"])
        sheet.write_row(3, 1, [1, "007", 0.1, "2017-11-22"])
        sheet.write_datetime(5, 4, dt.datetime(2017, 11, 23), day)
        sheet.write_row(5, 1, [2, 17, 1e-4])
        sheet.write_formula(7, 1, "=1+2", None, 3)
        sheet.write_formula(7, 2, '="a"&"b"', None, "ab")
        sheet.write_blank(9, 1, None, day)

    names = {"visit_id": "bigint", "who": "varchar", "spent": "decimal(18,4)", "on_day": "date"}
    file = excel(tmp_path / "v.xlsx", fill, "our visits")
    found = sort(contract_of(names), landed(file, format="excel", sheet="our visits"), tmp_path)
    assert found.aside == []
    assert [tuple(row.values()) for row in found.accepted] == [
        (1, "007", Decimal("0.1000"), dt.date(2017, 11, 22)),
        (2, "17", Decimal("0.0001"), dt.date(2017, 11, 23)),
        (3, "ab", None, None),
    ]


def test_an_error_in_a_cell_is_never_taken_for_nothing(tmp_path: Path) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["visit_id", "who", "steps"])
        sheet.write_row(1, 0, [1, "a", 5])
        sheet.write_row(2, 0, [2, "b"])
        sheet.write_formula(2, 2, "=1/0", None, "#DIV/0!")
        sheet.write_row(3, 0, [3, "c"])

    names = {"visit_id": "bigint", "who": "varchar", "steps": "integer"}
    file = excel(tmp_path / "v.xlsx", fill)
    found = sort(contract_of(names), landed(file, format="excel"), tmp_path)
    assert values(found.accepted, "steps") == [5, None]
    assert found.reasons == ["steps is not a integer"]
    assert json.loads(found.aside[0][0])["steps"] == "#DIV/0!"


def test_a_workbook_without_a_header_has_the_contract_s_columns_or_is_refused(
    tmp_path: Path,
) -> None:
    form = {"format": "excel", "header": False}
    good = excel(tmp_path / "1.xlsx", lambda _, sheet: sheet.write_row(0, 0, [1, "a"]))
    assert sort(TWO, landed(good, **form), tmp_path).accepted == [{"visit_id": 1, "who": "a"}]
    wide = excel(tmp_path / "2.xlsx", lambda _, sheet: sheet.write_row(0, 0, [1, "a", 3]))
    with pytest.raises(FileBroken, match="has no header and 3 columns"):
        sort(TWO, landed(wide, **form), tmp_path)


def test_a_workbook_of_nothing_has_no_rows(tmp_path: Path) -> None:
    file = excel(tmp_path / "1.xlsx", lambda _book, _sheet: None)
    assert sort(TWO, landed(file, format="excel"), tmp_path).delivered == 0


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = as_excel(tmp_path / "v.xlsx")
    with pytest.raises(FileBroken, match="no Excel workbook with a sheet 'x'"):
        sort(CONTRACT, landed(file, format="excel", sheet="x"), tmp_path)


NAMES_OF_FILES = ["a[1]", "b*", "c?", "d'x", 'e"x', "f{1,2}", "g[!a]", "i%s"]
OTHERS = ["a1", "bb", "cc", "f1"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet", "excel"])
def test_a_name_is_never_taken_for_a_pattern(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "landing [1] *'s"
    folder.mkdir()
    for number, name in enumerate([*NAMES_OF_FILES, *OTHERS]):
        _write(folder / f"{name}.{form}", number, form)
    parts = [folder / f"{name}.{form}" for name in NAMES_OF_FILES]
    found = sort(TWO, landed(*parts, format=form), folder)
    assert values(found.accepted, "visit_id") == list(range(len(NAMES_OF_FILES)))
    for number, part in enumerate(parts):
        found = sort(TWO, landed(part, format=form), folder)
        assert values(found.accepted, "visit_id") == [number]


def _write(path: Path, number: int, form: str) -> None:
    if form == "parquet":
        pq.write_table(pa.table({"visit_id": [number], "who": ["a"]}), path)
    elif form == "excel":
        excel(path, lambda _, sheet: _two_rows(sheet, number))
    else:
        row = {"visit_id": number, "who": "a"}
        texts = {"csv": f"visit_id,who\n{number},a\n", "jsonl": json.dumps(row)}
        path.write_text(texts.get(form, json.dumps([row])))


def _two_rows(sheet: Any, number: int) -> None:
    sheet.write_row(0, 0, ["visit_id", "who"])
    sheet.write_row(1, 0, [number, "a"])


FORMULAS = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "\t=1"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("may", [True, False])
def test_a_formula_is_set_aside_unless_the_contract_lets_it_pass(
    form: str, may: bool, tmp_path: Path
) -> None:
    whos = [*FORMULAS, "a=1", "+1 555 0100", "-"]
    rows = [{"visit_id": number, "who": who} for number, who in enumerate(whos)]
    contract = contract_of({"visit_id": "bigint", "who": "varchar"})
    open_column = contract.columns[1].model_copy(update={"may_begin_like_a_formula": may})
    contract = contract.model_copy(update={"columns": (contract.columns[0], open_column)})
    path = tmp_path / f"v.{form}"
    match form:
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        case "csv":
            put(tmp_path, path.name, as_csv(rows, ["visit_id", "who"], quoting=csv.QUOTE_ALL))
        case _:
            put(tmp_path, path.name, "".join(json.dumps(row) + "\n" for row in rows))
    found = sort(contract, landed(path, format=form), tmp_path)
    assert len(found.accepted) == (7 if may else 3)
    assert set(found.reasons) == (set() if may else {"who begins like a spreadsheet formula"})


def test_every_type_of_a_contract_is_kept_as_that_type(tmp_path: Path) -> None:
    file = put(tmp_path, "v.csv", as_csv())
    sort(CONTRACT, landed(file, format="csv"), tmp_path)
    with duckdb.connect() as connection:
        described = connection.execute(
            "describe select * from read_parquet(?)", [str(tmp_path / "batch.parquet")]
        ).fetchall()
    kinds = {row[0]: row[1].lower() for row in described}
    assert kinds == VISITS
