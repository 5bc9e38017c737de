"""Notices reach a webhook and a mailbox, once, and stop nothing when they do not."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from flows.ledger import Ledger, notices
from flows.notices import notify, tell_of_a_failed_night, tell_of_held_campaigns
from flows.settings import Instance, read_instance
from tests.conftest import NEXT, Answer
from tests.production.serving import free_ports

Scv = Callable[..., Answer]
LINK = "http://127.0.0.1:4201/nights/2017-11-22.html"


class Webhook(BaseHTTPRequestHandler):
    """Takes what is sent to it, except under /closed."""

    took: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Take one notice."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        closed = self.path.startswith("/closed")
        if not closed:
            self.took.append(json.loads(body))
        self.send_response(503 if closed else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Mailbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.took: list[Message] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take one mail."""
        self.took.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A real HTTP server: its address for Apprise, and what it took."""
    took: list[dict[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Own", (Webhook,), {"took": took}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}", took
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mailbox() -> Iterator[tuple[str, list[Message]]]:
    """A real SMTP server: the address of a mailbox for Apprise, and what it took."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=(port := free_ports(1)))
    controller.start()
    sender = "from=scv@retailer.example&to=nights@retailer.example"
    yield f"mailto://127.0.0.1:{port}/?{sender}&mode=insecure", box.took
    controller.stop()


def told(root: Path, *addresses: str) -> Instance:
    """An instance that tells some addresses."""
    place = {"warehouse": root / "warehouse", "deliveries": root / "deliveries"}
    return Instance(notify=" ".join(addresses), pages_url="http://127.0.0.1:4201/", **place)


def test_a_webhook_and_a_mailbox_get_what_happened_and_where_to_read_on(
    webhook: tuple[str, list[dict[str, Any]]],
    mailbox: tuple[str, list[Message]],
    tmp_path: Path,
) -> None:
    instance = told(tmp_path, webhook[0], mailbox[0])
    assert notify(instance, "waiting", "approval wanted", "The hash is 1a2b.", LINK) == 2
    (posted,) = webhook[1]
    assert (posted["title"], posted["type"]) == ("demo: approval wanted", "warning")
    assert posted["message"] == f"The hash is 1a2b.\n\n{LINK}"
    (mail,) = mailbox[1]
    assert mail["Subject"] == "demo: approval wanted"
    assert "nights@retailer.example" in mail["To"]
    assert LINK in mail.as_string()


def test_an_address_that_takes_nothing_is_told_of_without_what_is_secret_in_it(
    webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = webhook[0].replace("json://", "json://ann:password@") + "/closed/token"
    nobody = "mailto://ann:password@127.0.0.1:1/?from=a@b.example&mode=insecure"
    instance = told(tmp_path, closed, webhook[0], nobody, "password-without-a-scheme")
    with caplog.at_level(logging.DEBUG):
        assert notify(instance, "failed", "the night stopped", "The disk is full.") == 1
    assert len(webhook[1]) == 1
    assert "address 1 of 4 in SCV_NOTIFY (json)" in caplog.text
    assert "address 3 of 4 in SCV_NOTIFY (mailto)" in caplog.text
    assert "address 4 of 4 in SCV_NOTIFY (no URL)" in caplog.text
    assert "password" not in caplog.text
    assert "token" not in caplog.text


def test_the_same_is_told_once_and_something_else_again(
    webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    instance = told(tmp_path, webhook[0])
    ledger = Ledger(instance.ledger_url)
    tomorrow = NEXT + dt.timedelta(days=1)
    tell_of_a_failed_night(instance, ledger, NEXT, "The disk is full.")
    tell_of_a_failed_night(instance, ledger, NEXT, "The disk is full.")
    tell_of_a_failed_night(instance, ledger, NEXT, "The model x failed.")
    tell_of_a_failed_night(instance, ledger, tomorrow, "The disk is full.")
    tell_of_held_campaigns(instance, ledger, NEXT, {})
    tell_of_held_campaigns(instance, ledger, NEXT, {"b": "until 09:00", "a": "until 09:00"})
    tell_of_held_campaigns(instance, ledger, NEXT, {"a": "until 09:30", "b": "until 09:30"})
    tell_of_held_campaigns(instance, ledger, NEXT, {"a": "until 09:30"})
    assert [each["title"] for each in webhook[1]] == [
        "demo: the night of 2017-11-22 stopped",
        "demo: the night of 2017-11-22 stopped",
        "demo: the night of 2017-11-23 stopped",
        "demo: 2 campaigns are held on 2017-11-22",
        "demo: 1 campaign is held on 2017-11-22",
    ]
    assert webhook[1][0]["message"].endswith(LINK)


def test_what_nobody_took_is_told_the_next_time(
    webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    closed, instance = told(tmp_path, f"{webhook[0]}/closed"), told(tmp_path, webhook[0])
    ledger = Ledger(instance.ledger_url)
    tell_of_a_failed_night(closed, ledger, NEXT, "The disk is full.")
    tell_of_a_failed_night(instance, ledger, NEXT, "The disk is full.")
    assert len(webhook[1]) == 1


def test_a_trial_says_whether_everybody_is_reached(
    webhook: tuple[str, list[dict[str, Any]]], scv: Scv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for addresses, code, said in (
        ("", 2, "SCV_NOTIFY names nobody"),
        (webhook[0], 0, "1 of 1 addresses took it"),
        (f"{webhook[0]} {webhook[0]}/closed", 2, "1 of 2 addresses took the notice: see above"),
    ):
        monkeypatch.setenv("SCV_NOTIFY", addresses)
        read_instance.cache_clear()
        answer = scv("notify")
        assert (answer.code, said in answer.out + answer.err) == (code, True)
    read_instance.cache_clear()


@pytest.fixture
def telling(
    instance: Instance,
    webhook: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    prefect_server: None,
) -> list[dict[str, Any]]:
    """What the test's own instance tells the webhook."""
    monkeypatch.setenv("SCV_NOTIFY", webhook[0])
    read_instance.cache_clear()
    return webhook[1]


def test_a_night_that_stops_is_told_once(
    delivered: Path, ledger: Ledger, telling: list[dict[str, Any]], scv: Scv
) -> None:
    (delivered / "manifest.json").write_text("cut off {")
    for _ in range(2):
        assert scv("run", str(NEXT)).code == 1
    (one,) = telling
    assert one["title"] == f"demo: the night of {NEXT} stopped"
    assert "is not a manifest" in one["message"]
    assert scv("run", "2017-11-20").code == 1, "refused before there is a night: whoever asked sees"
    assert len(telling) == len(ledger.rows(sa.select(notices))) == 1


def test_held_campaigns_are_told_once_and_the_night_goes_on_when_nobody_listens(
    delivered: Path,
    telling: list[dict[str, Any]],
    scv: Scv,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (delivered / "coupon_redemptions.jsonl").unlink()
    monkeypatch.setenv("SCV_NOTIFY", os.environ["SCV_NOTIFY"] + "/closed")
    read_instance.cache_clear()
    assert scv("run", str(NEXT)).code == 0
    assert not telling
    monkeypatch.setenv("SCV_NOTIFY", os.environ["SCV_NOTIFY"].removesuffix("/closed"))
    read_instance.cache_clear()
    for _ in range(2):
        assert scv("run", str(NEXT)).code == 0
    (one,) = telling
    assert one["title"] == f"demo: 1 campaign is held on {NEXT}"
    assert one["message"].startswith("coupon_lovers_email: ")
    assert "coupon_redemptions for 2017-11-22 is missing" in one["message"]
