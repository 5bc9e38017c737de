"""Files of an SFTP server arrive whole, from the server that was meant and from no other."""

from __future__ import annotations

import datetime as dt
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from flows.errors import (
    AccessRefused,
    ContractWrong,
    OutsideStore,
    SettingsWrong,
    SourceUnreachable,
    StillArriving,
    TableMissing,
)
from flows.intake.sources.sftp import Server
from tests.sources.cutting_proxy import CuttingProxy
from tests.sources.fetching import MOMENTS, Desk, Moment, changing, desk
from tests.sources.sftp_server import SftpServer

__all__ = ["desk"]

MB = 1 << 20


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpServer]:
    """A server whose `/out` is where the client puts files."""
    (tmp_path / "server" / "out").mkdir(parents=True)
    with SftpServer(tmp_path / "server") as running:
        monkeypatch.setenv("CRM_PASSWORD", running.password)
        yield running


def put(server: SftpServer, path: str, content: bytes) -> Path:
    file = server.folder / "out" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def at(server: SftpServer, port: int | None = None, **other: Any) -> dict[str, Any]:
    """The source, as it is declared for a password."""
    declared = {
        "store": f"sftp://127.0.0.1:{port or server.port}/out",
        "username": server.username,
        "password": "${CRM_PASSWORD}",
        "host_key": server.host_key(),
        "timeout_seconds": 5,
    }
    return {name: value for name, value in (declared | other).items() if value is not None}


def test_a_file_arrives_with_its_bytes_and_its_time(desk: Desk, server: SftpServer) -> None:
    content = random.Random(1).randbytes(5 * MB + 17)
    file = put(server, "2017-11-21/orders.csv", content)
    os.utime(file, (1_511_300_000, 1_511_300_000))
    arrived = desk.ask("{business_date}/orders.csv", at(server))
    assert arrived.parts[0].read_bytes() == content
    assert arrived.modified_at == dt.datetime.fromtimestamp(1_511_300_000, dt.UTC)


def test_many_parts_come_in_the_order_of_their_names(desk: Desk, server: SftpServer) -> None:
    for number in (3, 1, 2):
        put(server, f"2017-11-21/orders-{number}.csv", b"id\n%d\n" % number)
    put(server, "2017-11-21/customers.csv", b"id\n")
    arrived = desk.ask("*/orders-*.csv", at(server))
    assert [part.read_bytes() for part in arrived.parts] == [b"id\n1\n", b"id\n2\n", b"id\n3\n"]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_a_private_key_opens_as_a_password_does(
    desk: Desk, server: SftpServer, tmp_path: Path, kind: str
) -> None:
    server.client_key = asyncssh.generate_private_key(kind)
    # paramiko cannot read each ECDSA key in asyncssh's OpenSSH form; it can in ssh-keygen's.
    form = "openssh" if kind == "ssh-ed25519" else "pkcs1-pem"
    server.client_key.write_private_key(tmp_path / "key", form)
    put(server, "orders.csv", b"id\n")
    source = at(server, password=None, private_key=str(tmp_path / "key"))
    assert desk.ask("orders.csv", source).parts


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_the_host_key_may_be_any_one_that_the_server_has(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
    (tmp_path / "out").mkdir()
    with SftpServer(tmp_path, algorithms=kinds) as server:
        monkeypatch.setenv("CRM_PASSWORD", server.password)
        put(server, "orders.csv", b"id\n")
        source = at(server, host_key=server.host_key(kinds.index(kind)))
        assert desk.ask("orders.csv", source).parts


# Who may not


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa"])
def test_a_server_of_another_host_key_is_not_told_the_password(
    desk: Desk, server: SftpServer, kind: str
) -> None:
    put(server, "orders.csv", b"id\n")
    other = asyncssh.generate_private_key(kind).export_public_key().decode()
    said = desk.refused(AccessRefused, "orders.csv", store=at(server, host_key=other))
    assert "does not show the host key that sources/crm.yml names" in said
    assert server.password not in said


@pytest.mark.parametrize("wrong", [{"username": "anna"}, {"password": "${WRONG_PASSWORD}"}])
def test_a_wrong_user_or_password_is_refused_and_not_told(
    desk: Desk, server: SftpServer, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", "something-else")
    put(server, "orders.csv", b"id\n")
    said = desk.refused(AccessRefused, "orders.csv", store=at(server, **wrong))
    assert f"sftp://127.0.0.1:{server.port}/out refuses our user" in said
    assert "something-else" not in said and server.password not in said


def test_a_wrong_key_is_refused(desk: Desk, server: SftpServer, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key")
    source = at(server, password=None, private_key=str(tmp_path / "key"))
    desk.refused(AccessRefused, "orders.csv", store=source)


@pytest.mark.parametrize("content", [None, "this is no key\n", "behind a passphrase"])
def test_a_key_file_that_cannot_be_read_is_ours_to_mend(
    desk: Desk, server: SftpServer, tmp_path: Path, content: str | None
) -> None:
    key = tmp_path / "key"
    if content == "behind a passphrase":
        server.client_key.write_private_key(key, passphrase="open", rounds=1)
    elif content:
        key.write_text(content)
    with pytest.raises(SettingsWrong, match=str(key)):
        desk.ask("orders.csv", at(server, password=None, private_key=str(key)))


@pytest.mark.parametrize("host_key", ["x", "ssh-ed25519 AAAA", "ssh-ed25519 ====", "ssh-foo QUJD"])
def test_a_host_key_that_is_none_is_ours_to_mend(
    desk: Desk, server: SftpServer, host_key: str
) -> None:
    with pytest.raises(ContractWrong, match="host_key is not a type and a key"):
        desk.ask("orders.csv", at(server, host_key=host_key))


# What did not come


def test_what_is_not_there_is_missing(desk: Desk, server: SftpServer) -> None:
    said = desk.refused(TableMissing, "{business_date}/orders.csv", store=at(server))
    assert f"there is no sftp://127.0.0.1:{server.port}/out/2017-11-21/orders.csv" in said
    elsewhere = at(server, store=f"sftp://127.0.0.1:{server.port}/nowhere")
    desk.refused(TableMissing, "orders.csv", store=elsewhere)


def test_an_upload_under_way_is_no_part(desk: Desk, server: SftpServer) -> None:
    put(server, "orders.csv.filepart", b"i")
    desk.refused(StillArriving, "orders.csv", store=at(server))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_grows_while_it_is_copied_is_not_taken(
    desk: Desk, server: SftpServer, moment: Moment
) -> None:
    file = put(server, "orders.csv", b"1,2,3\n")

    def append() -> None:
        with file.open("ab") as growing:
            growing.write(b"4,5,6\n")

    with changing(Server, moment, append):
        said = desk.refused(StillArriving, "orders.csv", store=at(server))
    assert "changed while it was copied" in said
    assert desk.ask("orders.csv", at(server)).parts[0].read_bytes() == file.read_bytes()


@pytest.mark.parametrize("path", ["orders.csv", "*.csv", "inside/orders.csv", "*/orders.csv"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    desk: Desk, server: SftpServer, path: str
) -> None:
    secret = server.folder / "another-client"
    secret.mkdir()
    (secret / "orders.csv").write_bytes(b"not this client's\n")
    (server.folder / "out" / "orders.csv").symlink_to("../another-client/orders.csv")
    (server.folder / "out" / "inside").symlink_to("../another-client")
    assert "leads out of" in desk.refused(OutsideStore, path, store=at(server))


def test_a_link_that_stays_inside_is_followed(desk: Desk, server: SftpServer) -> None:
    put(server, "v2/orders.csv", b"id\n1\n")
    (server.folder / "out" / "orders.csv").symlink_to("v2/orders.csv")
    assert desk.ask("orders.csv", at(server)).parts[0].read_bytes() == b"id\n1\n"


class Climbing(asyncssh.SFTPServer):
    """Lists a name that climbs out of wherever it is put."""

    async def scandir(self, _path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Whatever is asked for."""
        attributes = asyncssh.SFTPAttrs(type=1, size=3, permissions=0o100644, atime=0, mtime=0)
        yield asyncssh.SFTPName(b"../../orders.csv", attrs=attributes)


def test_a_listing_that_names_a_path_is_not_believed(
    desk: Desk, server: SftpServer, tmp_path: Path
) -> None:
    put(server, "orders.csv", b"id\n")
    with SftpServer(server.folder, password=server.password, serves=Climbing) as climbing:
        said = desk.refused(OutsideStore, "*.csv", store=at(climbing))
    assert "../../orders.csv leads out of" in said
    assert list(tmp_path.rglob("orders.csv")) == [server.folder / "out" / "orders.csv"]


# When the network fails


def test_a_server_that_is_gone_is_unreachable(desk: Desk, server: SftpServer) -> None:
    server.stop()
    said = desk.refused(SourceUnreachable, "orders.csv", store=at(server))
    assert "does not answer" in said


def test_a_server_of_no_such_name_is_unreachable(desk: Desk, server: SftpServer) -> None:
    source = at(server, store="sftp://no-such-host.invalid/out")
    desk.refused(SourceUnreachable, "orders.csv", store=source)


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_agreed(
    desk: Desk, server: SftpServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        begun = time.monotonic()
        desk.refused(SourceUnreachable, "orders.csv", store=at(server, port, timeout_seconds=0.5))
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("after_bytes", [0, 30, 1500, 4000, MB, 3 * MB])
def test_a_connection_that_is_cut_leaves_nothing(
    desk: Desk, server: SftpServer, after_bytes: int
) -> None:
    put(server, "orders.csv", random.Random(1).randbytes(4 * MB))
    with CuttingProxy("127.0.0.1", server.port, after_bytes) as proxy:
        begun = time.monotonic()
        desk.refused(SourceUnreachable, "orders.csv", store=at(server, proxy.port))
        assert time.monotonic() - begun < 8
        assert proxy.passed == after_bytes
    assert len(desk.ask("orders.csv", at(server)).parts[0].read_bytes()) == 4 * MB
