"""What stands around every request and answer: how much may come in, and what never goes out.

It is the outermost layer, below any framework: bytes are counted as they come, whatever the
headers promise; every answer carries the same headers; a fault of ours is a plain page, and the log
says where it was and never what was in it.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("flows.web")
MORE_IS_CUT = 5  # times the limit that is read and thrown away, so that the answer is seen
FORM_BYTES = 2 * 2**20  # of everything that is not a file
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
FAULT = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>A fault of ours</title>'
    b"<main><h1>A fault of ours</h1><p>Something went wrong here, and nothing was changed by it. "
    b"Go back and try once more; if it comes again, tell your project manager when it was.</p>"
    b"</main></html>"
)


class TooMuch(Exception):
    """More bytes came than may come. The answer is 413."""


@dataclass
class Guard:
    """An ASGI application around another.

    Args:
        app: what answers.
        bytes_at_most: of the body of one request.
    """

    app: ASGIApp
    bytes_at_most: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": _headers(message)}
            await send(message)

        try:
            await self.app(scope, self._counting(scope, receive), sending)
        except Exception as error:
            # What an error says may quote what somebody typed: only its kind and place are told.
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
            LOG.error("%s at %s", type(error).__name__, place)
            if begun:
                return
            kind = [(b"content-type", b"text/html; charset=utf-8")]
            await sending({"type": "http.response.start", "status": 500, "headers": kind})
            await sending({"type": "http.response.body", "body": FAULT})

    def _counting(self, scope: Scope, receive: Receive) -> Receive:
        came = 0
        has_files = any(b"multipart/form-data" in value for value in _told(scope, b"content-type"))
        limit = self.bytes_at_most if has_files else FORM_BYTES

        async def receiving() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came <= limit:
                return message
            # A browser that is still sending does not read: what it sends is let go by.
            while message.get("more_body") and came <= limit * MORE_IS_CUT:
                message = await receive()
                came += len(message.get("body", b""))
            raise TooMuch

        return receiving


def _told(scope: Scope, name: bytes) -> list[bytes]:
    return [value.lower() for key, value in scope["headers"] if key == name]


def _headers(message: Message) -> list[tuple[bytes, bytes]]:
    given = list(message.get("headers", ()))
    names = {name.lower() for name, _ in given}
    ours = [*HEADERS, *(() if b"cache-control" in names else ((b"cache-control", b"no-store"),))]
    return [*given, *(each for each in ours if each[0] not in names)]
