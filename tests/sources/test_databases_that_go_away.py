"""Lines that break, servers that are gone or too slow: nothing is taken, and it may still come."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.errors import SourceUnreachable
from flows.intake.sources import databases
from flows.intake.sources.declared import Database
from tests.sources.cutting_proxy import CuttingProxy
from tests.sources.servers import Server, left_in, read, request, run, source

LONG = {
    "postgresql": "select n, repeat('x', 100) as a from generate_series(1, 300000) as s(n)",
    "mysql": "select seq as n, repeat('x', 100) as a from seq_1_to_50000",
}
SLOW = {
    "postgresql": "select n, pg_sleep(0.01)::text as a from generate_series(1, 1000) as s(n)",
    "mysql": "select seq as n, sleep(0.01) as a from seq_1_to_1000",
}


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers that a line leads to."""
    found: Server = request.getfixturevalue(request.param)
    return found


def test_the_proxy_lets_a_whole_table_through(server: Server, tmp_path: Path) -> None:
    query = LONG[server.url.get_backend_name()]
    with CuttingProxy(server.url.host or "", server.url.port or 0, 100_000_000) as proxy:
        assert len(read(tmp_path, _at(server, proxy.port), query=query)) in (300_000, 50_000)


@pytest.mark.parametrize("after", [1, 400, 3_000, 500_000, 4_000_000])
def test_a_line_that_is_cut_leaves_nothing(server: Server, tmp_path: Path, after: int) -> None:
    query = LONG[server.url.get_backend_name()]
    with (
        CuttingProxy(server.url.host or "", server.url.port or 0, after) as proxy,
        pytest.raises(SourceUnreachable, match="does not answer, or stopped half-way") as gone,
    ):
        databases.fetch(source(_at(server, proxy.port), query=query), request(tmp_path))
    assert gone.value.may_still_come
    assert left_in(tmp_path) == []


def test_a_server_that_is_gone_may_come_back(server: Server, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceUnreachable, match=r"Ask till@client\.example .*scv run 2017-11-21"):
        read(tmp_path, _at(server, port))
    elsewhere = server.url.set(host="no.such.host.invalid").render_as_string(hide_password=False)
    with pytest.raises(SourceUnreachable) as gone:
        read(tmp_path, elsewhere)
    assert "no.such.host" not in str(gone.value)
    assert left_in(tmp_path) == []


def test_a_query_that_takes_too_long_is_given_up(server: Server, tmp_path: Path) -> None:
    slow = source(server.address, query=SLOW[server.url.get_backend_name()])
    impatient: Database = slow.model_copy(update={"timeout_seconds": 1})
    with pytest.raises(SourceUnreachable, match=r"57014|1969|2013"):
        databases.fetch(impatient, request(tmp_path))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_file_that_another_process_writes_to_may_come_later(tmp_path: Path, kind: str) -> None:
    url = f"{kind}:///{tmp_path / 'client.db'}"
    run(sa.make_url(url), "create table orders as select 1 as id")
    writes = (
        "import sys, duckdb, sqlite3\n"
        "if sys.argv[1] == 'duckdb': held = duckdb.connect(sys.argv[2])\n"
        "else:\n"
        "    held = sqlite3.connect(sys.argv[2], isolation_level=None)\n"
        "    held.execute('begin exclusive')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writes, kind, str(tmp_path / "client.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        with pytest.raises(SourceUnreachable):
            read(tmp_path, url)
        assert left_in(tmp_path) == []
        writer.communicate()
    assert read(tmp_path, url) == [{"id": "1"}]


def _at(server: Server, port: int) -> str:
    return server.url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
