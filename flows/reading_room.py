"""The pages of an instance over HTTP, for those who read them: static, and only what is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.settings import Instance

if TYPE_CHECKING:
    import uvicorn

FIRST = "/index.html"


def reading_room(instance: Instance, host: str, port: int) -> uvicorn.Server:
    """Return the server of an instance's pages, ready to run."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    def first(_: Any) -> RedirectResponse:
        return RedirectResponse(FIRST)

    # Nothing has to be there yet: the first night writes it.
    pages = StaticFiles(directory=instance.reports, html=True, check_dir=False)
    app = Starlette(routes=[Route("/", first), Mount("/", pages)])
    config = uvicorn.Config(app, host, port, log_level="warning", access_log=False)
    return uvicorn.Server(config)


@contextmanager
def open_beside(instance: Instance, host: str, port: int) -> Iterator[None]:
    """Serve the pages beside what this process does."""
    server = reading_room(instance, host, port)
    thread = threading.Thread(target=server.run, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
