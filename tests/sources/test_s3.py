"""Files of an S3-compatible store arrive whole, and only for who may read them."""

from __future__ import annotations

import json
import random
import shutil
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from flows.errors import (
    AccessRefused,
    ContractWrong,
    FileBroken,
    OutsideStore,
    SourceUnreachable,
    StillArriving,
    TableMissing,
)
from tests.sources.cutting_proxy import CuttingProxy
from tests.sources.fetching import AGAIN, Desk, desk

__all__ = ["desk"]

MB = 1 << 20
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetObject"],
            "Resource": [
                f"arn:aws:s3:::{name}{below}" for name in ("ours", "absent") for below in ("", "/*")
            ],
        }
    ],
}


@dataclass(frozen=True)
class Bucket:
    """A running server, a bucket `ours` of a reader's, and one, `others`, that is not."""

    port: int
    access_key: str
    secret_key: str
    owner: Any

    def put(self, key: str, content: bytes, bucket: str = "ours") -> None:
        """Deliver an object, as the bucket's owner."""
        self.owner.put_object(Bucket=bucket, Key=key, Body=content)

    def source(self, port: int | None = None, **other: Any) -> dict[str, Any]:
        """The source, as it is declared."""
        return {
            "store": "s3://ours/in",
            "endpoint": f"http://127.0.0.1:{port or self.port}",
            "region": "eu-west-1",
            "access_key": "${CRM_ACCESS_KEY}",
            "secret_key": "${CRM_SECRET_KEY}",
            "timeout_seconds": 2,
        } | other


@pytest.fixture(scope="module")
def running() -> Iterator[Bucket]:
    """A server that asks who is there once it is made."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    _tell(port, "reset")
    _tell(port, "reset-auth", b"inf")
    iam = _client("iam", port, "root", "root")
    for user in ("owner", "reader"):
        iam.create_user(UserName=user)
    whole = json.loads(json.dumps(POLICY).replace('"s3:ListBucket", "s3:GetObject"', '"s3:*"'))
    whole["Statement"][0]["Resource"] = ["*"]
    keys = {}
    for user, policy in (("owner", whole), ("reader", POLICY)):
        iam.put_user_policy(UserName=user, PolicyName="it", PolicyDocument=json.dumps(policy))
        keys[user] = iam.create_access_key(UserName=user)["AccessKey"]
    owner = _client("s3", port, keys["owner"]["AccessKeyId"], keys["owner"]["SecretAccessKey"])
    _tell(port, "reset-auth", b"0")
    yield Bucket(port, keys["reader"]["AccessKeyId"], keys["reader"]["SecretAccessKey"], owner)
    _tell(port, "reset-auth", b"inf")
    server.stop()


@pytest.fixture
def bucket(running: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The server with its buckets empty."""
    monkeypatch.setenv("CRM_ACCESS_KEY", running.access_key)
    monkeypatch.setenv("CRM_SECRET_KEY", running.secret_key)
    for name in ("ours", "others"):
        running.owner.create_bucket(Bucket=name)
        for item in running.owner.list_objects_v2(Bucket=name).get("Contents", []):
            running.owner.delete_object(Bucket=name, Key=item["Key"])
    return running


def _tell(port: int, what: str, body: bytes = b"") -> None:
    # moto wants the count as it is, not as a form.
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/moto-api/{what}",
        data=body,
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request).close()


def _client(service: str, port: int, key: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
    )


def test_a_file_arrives_with_its_bytes_and_its_time(desk: Desk, bucket: Bucket) -> None:
    content = random.Random(1).randbytes(9 * MB + 17)
    bucket.put("in/2017-11-21/orders.csv", content)
    arrived = desk.ask("{business_date}/orders.csv", bucket.source())
    assert arrived.parts[0].read_bytes() == content
    head = bucket.owner.head_object(Bucket="ours", Key="in/2017-11-21/orders.csv")
    assert arrived.modified_at == head["LastModified"]


def test_many_parts_come_in_the_order_of_their_names(desk: Desk, bucket: Bucket) -> None:
    for number in (3, 1, 2):
        bucket.put(f"in/2017-11-21/orders-{number}.csv", b"id\n%d\n" % number)
    bucket.put("in/2017-11-21/customers.csv", b"id\n")
    bucket.put("in/2017-11-21/", b"")
    bucket.put("orders-0.csv", b"another's\n")
    for path in ("{business_date}/orders-*.csv", "*/orders-*.csv"):
        arrived = desk.ask(path, bucket.source())
        assert [part.name for part in arrived.parts] == [f"orders-{n}.csv" for n in (1, 2, 3)]
        assert [part.read_bytes() for part in arrived.parts] == [b"id\n1\n", b"id\n2\n", b"id\n3\n"]


def test_a_bucket_may_be_the_store_whole(desk: Desk, bucket: Bucket) -> None:
    bucket.put("orders.csv", b"id\n")
    assert desk.ask("orders.csv", bucket.source(store="s3://ours")).parts


def test_more_objects_than_one_listing_holds_are_all_there(
    desk: Desk, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        bucket.put(f"in/orders-{number}.csv", b"id\n")
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    assert len(bucket.owner.list_objects_v2(Bucket="ours")["Contents"]) == 3
    assert len(desk.ask("orders-*.csv", bucket.source()).parts) == 10


@pytest.mark.parametrize("store", ["s3://ours/in", "s3://ours/nowhere", "s3://absent/in"])
def test_what_is_not_there_is_missing(desk: Desk, bucket: Bucket, store: str) -> None:
    said = desk.refused(
        TableMissing, "{business_date}/orders.csv", store=bucket.source(store=store)
    )
    assert f"there is no {store}/2017-11-21/orders.csv" in said


def test_an_upload_under_way_is_no_part(desk: Desk, bucket: Bucket) -> None:
    bucket.put("in/orders.csv.tmp", b"i")
    desk.refused(StillArriving, "orders.csv", store=bucket.source())


def test_a_key_that_climbs_is_not_followed(desk: Desk, bucket: Bucket) -> None:
    bucket.put("in/a/..\\..\\orders.csv", b"id\n")
    desk.refused(OutsideStore, "a/*.csv", store=bucket.source())


def test_a_file_that_was_cut_off_before_it_was_put_is_broken(desk: Desk, bucket: Bucket) -> None:
    bucket.put("in/orders.csv.gz", b"\x1f\x8b\x08\x00")
    desk.refused(FileBroken, "orders.csv.gz", store=bucket.source(), compression="gzip")


class Repeated:
    """Does something again and again in a thread, from before the block to after it."""

    def __init__(self, act: Callable[[int], object]) -> None:
        self.act, self.done, self.begun = act, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        turn = 0
        while not self.done.is_set():
            self.act(turn)
            self.begun.set()
            turn += 1
            time.sleep(0.0005)

    def __enter__(self) -> None:
        self.thread.start()
        assert self.begun.wait(5)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


def test_an_object_that_is_replaced_while_it_is_copied_is_not_taken(
    desk: Desk, bucket: Bucket
) -> None:
    bucket.put("in/orders.csv", bytes(12 * MB))
    replacing = Repeated(lambda turn: bucket.put("in/orders.csv", bytes(12 * MB + turn % 100)))
    with replacing, pytest.raises(StillArriving, match=AGAIN):
        # On a busy machine a copy may be quicker than who replaces it: that one is whole.
        for _ in range(50):
            desk.ask("orders.csv", store=bucket.source())
            shutil.rmtree(desk.folder)
    assert not desk.folder.exists()


# Who may not


@pytest.mark.parametrize(
    "wrong", [{"access_key": "${WRONG_KEY}"}, {"secret_key": "${WRONG_KEY}"}], ids=str
)
def test_a_wrong_key_is_refused_and_not_told(
    desk: Desk, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setenv("WRONG_KEY", "AKIAWRONGWRONGWRONG1")
    bucket.put("in/orders.csv", b"id\n")
    said = desk.refused(AccessRefused, "orders.csv", store=bucket.source(**wrong))
    assert "s3://ours/in refuses our user" in said
    for secret in (bucket.access_key, bucket.secret_key, "AKIAWRONG"):
        assert secret not in said


def test_a_bucket_that_is_not_ours_is_refused(desk: Desk, bucket: Bucket) -> None:
    bucket.put("in/orders.csv", b"id\n", bucket="others")
    desk.refused(AccessRefused, "orders.csv", store=bucket.source(store="s3://others/in"))


def test_an_endpoint_says_whether_it_is_encrypted(desk: Desk, bucket: Bucket) -> None:
    with pytest.raises(ContractWrong, match="endpoint begins with https"):
        desk.ask("orders.csv", bucket.source(endpoint="files.client.example:9000"))


def test_an_encrypted_endpoint_is_not_asked_in_the_clear(desk: Desk, bucket: Bucket) -> None:
    source = bucket.source(endpoint=f"https://127.0.0.1:{bucket.port}")
    desk.refused(SourceUnreachable, "orders.csv", store=source)


# When the network fails


def test_a_server_that_is_gone_is_unreachable(desk: Desk, bucket: Bucket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = desk.refused(SourceUnreachable, "orders.csv", store=bucket.source(port))
    assert "s3://ours/in does not answer" in said


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(desk: Desk, bucket: Bucket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun = time.monotonic()
        source = bucket.source(mute.getsockname()[1], timeout_seconds=0.5)
        desk.refused(SourceUnreachable, "orders.csv", store=source)
        assert time.monotonic() - begun < 15


@pytest.mark.parametrize("after_bytes", [0, 200, 3 * MB, 7 * MB])
def test_a_connection_that_is_cut_leaves_nothing(
    desk: Desk, bucket: Bucket, after_bytes: int
) -> None:
    bucket.put("in/orders.csv", random.Random(1).randbytes(9 * MB))
    with CuttingProxy("127.0.0.1", bucket.port, after_bytes) as proxy:
        desk.refused(SourceUnreachable, "orders.csv", store=bucket.source(proxy.port))
        assert proxy.passed == after_bytes
    assert desk.ask("orders.csv", bucket.source()).parts[0].stat().st_size == 9 * MB
