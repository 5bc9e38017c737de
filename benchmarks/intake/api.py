"""Pages of an API on loopback, against httpx and json alone."""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import time

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.intake import sales
from benchmarks.intake.case import Case, Place, Work
from flows.intake.sources import api
from flows.intake.sources.declared import Api, ApiTable, Paging

PAGE = 5_000
# Imported before the clock runs, as it is in a night that has read a table before.
WAY = api


def _prepare(place: Place) -> None:
    sales.prepare(place)
    reader = sales.arrow(place).read_all()
    pages = [reader.slice(start, PAGE) for start in range(0, reader.num_rows, PAGE)]
    for number, page in enumerate(pages):
        after = f"/{number + 1}.json" if number + 1 < len(pages) else None
        said = {"items": page.to_pylist(), "next": after}
        (place.sent / f"{number}.json").write_text(json.dumps(said, default=str))


def _served(place: Place) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    command += ["--protocol", "HTTP/1.1", "--directory", str(place.sent)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(server.kill)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    raise RuntimeError("the server of the benchmark did not start")


def _ours(place: Place) -> Work:
    paging = Paging(kind="link", next="next")
    table = ApiTable(path="/0.json", records="items", paging=paging)
    source = Api(kind="api", description="tills", url=_served(place), tables={sales.TABLE: table})
    return sales.taken_in(place, source)


def _bare(place: Place) -> Work:
    url = _served(place)

    def work() -> None:
        rows, after = [], "/0.json"
        with httpx.Client(base_url=url) as client:
            while after:
                page = json.loads(client.get(after).content)
                rows += page["items"]
                after = page["next"]
        pq.write_table(pa.Table.from_pylist(rows), place.written, compression="zstd")

    return work


def cases() -> list[Case]:
    """Return the one case."""
    return [Case("api", _ours, _bare, "httpx and json, to Parquet", _prepare, 0.2)]
