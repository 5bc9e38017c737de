"""A real HTTP server on loopback that answers as a client's API does, and misbehaves on demand.

An `Api` says how a sane server answers; a fault spoils one such answer. Faults are taken in the
order of the requests, one each; None leaves the answer as it is.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Rows = list[dict[str, Any]]
Query = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What goes over the wire. `cut_at`: so many bytes of the body, then the connection is closed.

    `hang`: seconds before the rest after `cut_at`; `drip`: seconds between two bytes.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunked: bool = False
    cut_at: int | None = None
    hang: float = 0
    drip: float = 0
    silent: bool = False


Fault = Callable[[Answer], Answer]
Sane = Callable[[Query], Answer]


@dataclass
class Server:
    """The server: what it was asked (paths with their queries), and how it answers next."""

    url: str
    answers: Sane
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lets_in: Callable[[dict[str, str], Query], bool] = lambda *_: True

    @property
    def queries(self) -> list[Query]:
        """The parameters of each request."""
        return [query_of(path) for path in self.asked]


def query_of(path: str) -> Query:
    """The parameters of an address."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}


@contextmanager
def serving(answers: Sane) -> Iterator[Server]:
    """Run a server on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement

        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            query = query_of(self.path)
            if not state.lets_in(state.headers[-1], query):
                sane = Answer(401, {}, b'{"error": "who are you"}')
            else:
                sane = state.answers(query)
            fault = state.faults.pop(0) if state.faults else None
            try:
                _send(self, fault(sane) if fault else sane)
            except OSError:
                self.close_connection = True  # a client that was killed, or had enough

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    state = Server(f"http://127.0.0.1:{http.server_address[1]}", answers)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.silent:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return
    handler.send_response(answer.status)
    headers = {"Content-Type": "application/json"} | answer.headers
    if answer.chunked:
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers.setdefault("Content-Length", str(len(answer.body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer.body), answer.body)
    body = whole if answer.chunked else answer.body
    if answer.drip:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(answer.drip)
        return
    handler.wfile.write(body[: answer.cut_at])
    handler.wfile.flush()
    time.sleep(answer.hang)
    if answer.cut_at is not None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    """An answer with JSON in it; in the names of headers `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(document).encode())


def at_once(rows: Rows) -> Sane:
    """An API of one answer: an array."""
    return lambda _: answer(200, rows)


def by_number(rows: Rows, size: int, first: int = 1) -> Sane:
    """An API of numbered pages: `{"data": {"items": […]}, "meta": {"total": n}}`."""

    def sane(query: Query) -> Answer:
        begin = (int(query.get("page", first)) - first) * size
        return _items(rows, begin, begin + size)

    return sane


def by_cursor(rows: Rows, size: int) -> Sane:
    """An API whose answers say under `meta.next` what to ask `after`."""

    def sane(query: Query) -> Answer:
        begin = int(query.get("after", "c0")[1:])
        end = begin + size
        more = {"next": f"c{end}"} if end < len(rows) else {}
        return _items(rows, begin, end, **more)

    return sane


def by_link(rows: Rows, size: int) -> Sane:
    """An API whose answers name the next page, relative to this one, in the header `Link`."""

    def sane(query: Query) -> Answer:
        begin = int(query.get("from", "0"))
        end = begin + size
        link = {"Link": f'<?from={end}>; rel="next", <?from=0>; rel="first"'}
        made = _items(rows, begin, end)
        return replace(made, headers=link if end < len(rows) else {})

    return sane


def by_link_in_body(rows: Rows, size: int) -> Sane:
    """The same, with the next page under `meta.next`."""

    def sane(query: Query) -> Answer:
        begin = int(query.get("from", "0"))
        end = begin + size
        return _items(rows, begin, end, next=f"?from={end}" if end < len(rows) else None)

    return sane


def _items(rows: Rows, begin: int, end: int, **meta: Any) -> Answer:
    meta |= {"total": len(rows)}
    return answer(200, {"data": {"items": rows[begin:end]}, "meta": meta})


def says(status: int, **headers: str) -> Fault:
    """The status instead of the answer."""
    return lambda sane: replace(answer(status, {"error": "no"}, **headers), chunked=sane.chunked)


def cut(sane: Answer) -> Answer:
    """Half the body, and the connection closed: Content-Length promised all of it."""
    return replace(sane, cut_at=len(sane.body) // 2)


def cut_chunks(sane: Answer) -> Answer:
    """A chunked body that stops in the middle of a chunk."""
    return replace(sane, chunked=True, cut_at=len(sane.body) // 2)


def hang_half_way(sane: Answer) -> Answer:
    """Half the body, and then nothing for a long time."""
    return replace(sane, cut_at=len(sane.body) // 2, hang=20)


def drip(sane: Answer) -> Answer:
    """A byte now and then, for ever."""
    return replace(sane, drip=0.05)


def vanish(sane: Answer) -> Answer:
    """The connection closed without a word."""
    return replace(sane, silent=True)


def html(sane: Answer) -> Answer:
    """An error page with the status of a good answer."""
    return Answer(200, {"Content-Type": "text/html"}, b"<html>We are working on it</html>")


def half_json(sane: Answer) -> Answer:
    """A body that ends in the middle, while its length says that this is all."""
    return replace(sane, body=sane.body[: len(sane.body) // 2])


def in_latin_1(sane: Answer) -> Answer:
    """JSON in another encoding."""
    return replace(sane, body=b'[{"name": "Andr\xe9"}]')


def packed(sane: Answer) -> Answer:
    """As gzip, and said so."""
    return replace(sane, headers=sane.headers | _GZIP, body=gzip.compress(sane.body))


def cut_gzip(sane: Answer) -> Answer:
    """A gzip that lacks its end, while the length says that this is all."""
    return replace(sane, headers=sane.headers | _GZIP, body=gzip.compress(sane.body)[:-9])


def not_gzip(sane: Answer) -> Answer:
    """Plain text that is said to be gzip."""
    return replace(sane, headers=sane.headers | _GZIP)


def brotli(sane: Answer) -> Answer:
    """An encoding that nobody asked for."""
    return replace(sane, headers=sane.headers | {"Content-Encoding": "br"})


def twice_packed(sane: Answer) -> Answer:
    """Two encodings on top of each other: the way to make a bomb of a bomb."""
    body = gzip.compress(gzip.compress(sane.body))
    return replace(sane, headers=sane.headers | {"Content-Encoding": "gzip, gzip"}, body=body)


def bomb(megabytes: int) -> Fault:
    """A small gzip of very many blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    blanks = b" " * (1 << 20)
    body = b"".join(packer.compress(blanks) for _ in range(megabytes)) + packer.flush()
    return lambda sane: replace(sane, headers=sane.headers | _GZIP, body=body)


def sent_to(url: str, status: int = 302) -> Fault:
    """A redirect."""
    return says(status, Location=url)


_GZIP = {"Content-Encoding": "gzip"}
