"""The desk served for real: uvicorn on a free port of loopback, and a browser before it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from flows.desk.store import Desk
from flows.settings import Instance
from flows.web.app import app_of
from flows.web.rates import Rates

CLIENT = "Complete Journey Grocer"
SECRET = "a secret of tests, and of tests only: forty characters"
OFTEN = Rates(**dict.fromkeys(Rates().__dict__, "100000/minute"))
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Served:
    """A desk that answers, and somebody who asks it without a browser."""

    url: str
    instance: Instance
    desk: Desk
    visitor: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = httpx.Client(base_url=self.url, timeout=60)

    def token(self, path: str = "/requests/new", **sent: Any) -> str:
        """The token that stands in a form."""
        page = self.visitor.get(path, **sent).text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        return found.group(1)

    def send(self, path: str = "/requests", sent: Any = None, **fields: Any) -> httpx.Response:
        """Send a form as a browser does, with dots in names as two underscores here."""
        data = {name.replace("__", "."): value for name, value in fields.items()}
        if "csrf" not in data:
            data["csrf"] = self.token()
        return self.visitor.post(path, data=data, **(sent or {}))

    def begin(self, **fields: Any) -> str:
        """Keep a draft and return its number."""
        answer = self.send(**fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].split("/")[2].partition("?")[0]


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a desk with settings of the test's own."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(rates: Rates = OFTEN, **settings: Any) -> Served:
        instance = Instance(warehouse=tmp_path / "warehouse", **{"client": CLIENT, **settings})
        desk = Desk(instance.desk, tmp_path / "accepted")
        config = uvicorn.Config(
            app_of(instance, rates, desk), "127.0.0.1", 0, log_level="error", proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        return Served(f"http://127.0.0.1:{port}", instance, desk)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def served(serve: Serve) -> Served:
    """The desk of a demo: nobody is asked who they are."""
    return serve()


# Of a module and no longer: while it is open, Playwright's loop runs in this thread, and nobody
# else's can.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the tests of a module."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own; a script that fails fails the test."""
    contexts, complaints = [], []

    def opened(url: str, **context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(url)
        return page

    yield opened
    for each in contexts:
        each.close()
    assert not complaints
