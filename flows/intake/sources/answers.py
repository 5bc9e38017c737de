"""One answer of an API: asked for again when it is torn, bounded, and never from another host.

An answer is read to its end inside the transport that httpx-retries repeats, so that a body that is
cut off is asked for again like a connection that is refused.
"""

from __future__ import annotations

import gzip
import io
import logging
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from httpx_retries import Retry, RetryTransport

from flows.errors import (
    AccessRefused,
    DeliveryRefused,
    FileBroken,
    SettingsWrong,
    SourceUnreachable,
    TableMissing,
)
from flows.intake.sources.declared import Api, Bearer, resolve
from flows.intake.sources.request import Request

TRANSIENT = (429, 500, 502, 503, 504)
MEGABYTE = 1 << 20
# What httpx would still unpack, or what no longer holds once the body is unpacked.
_SPENT = ("content-encoding", "content-length", "transfer-encoding")


@contextmanager
def open_client(source: Api, request: Request, home: httpx.URL) -> Iterator[httpx.Client]:
    """Yield a client that lets itself in, asks again, and asks nobody but the host of `home`.

    Raises:
        SettingsWrong: when the token or key is not set, or cannot be sent.
    """
    # These loggers write addresses with their query, where a key may be; from WARNING on they
    # do not. Set on every use, because whoever sets up logging may have set them since.
    for name in ("httpx", "httpcore", "httpx_retries"):
        logging.getLogger(name).setLevel(logging.WARNING)
    headers, parameters = _credentials(source, request)
    again = Retry(
        total=source.retries,
        allowed_methods=["GET"],
        status_forcelist=TRANSIENT,
        backoff_factor=source.backoff_seconds,
        max_backoff_wait=source.patience_seconds,
        total_timeout=source.patience_seconds,
    )
    url = httpx.URL(resolve(source.url, request.instance, request.source))
    with httpx.Client(
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", **headers},
        auth=(url.username, url.password) if url.userinfo else None,
        transport=RetryTransport(Whole(source), again),
        timeout=source.timeout_seconds,
        follow_redirects=True,
        event_hooks={"request": [_keep_home(home, parameters)]},
    ) as client:
        yield client


def ask(client: httpx.Client, url: httpx.URL) -> httpx.Response:
    """Return the answer to a GET, whatever its status, once it is whole.

    Raises:
        SourceUnreachable: when there is none after all retries, or the server asks for too long.
        FileBroken: when it is larger than a page may be, or packed otherwise than it says.
        DeliveryRefused: when the server sends us on to another host, or round in circles.
    """
    try:
        return client.get(url)
    except httpx.TooManyRedirects:
        raise DeliveryRefused("sends us on without end.") from None
    except httpx.TransportError as error:
        raise SourceUnreachable(f"gave no whole answer ({type(error).__name__}).") from None


def judge(response: httpx.Response) -> None:
    """Refuse what is no answer to take rows from.

    Raises:
        AccessRefused, TableMissing, SourceUnreachable, DeliveryRefused: each with the status.
    """
    status = response.status_code
    if status == 200:
        return
    kinds = {401: AccessRefused, 403: AccessRefused, 404: TableMissing, 429: SourceUnreachable}
    kind = kinds.get(status, SourceUnreachable if status >= 500 else DeliveryRefused)
    raise kind(f"answered {status}.")


class Whole(httpx.BaseTransport):
    """A transport whose answers are read to their end: unpacked, and within the source's bounds."""

    def __init__(self, source: Api) -> None:
        self._source = source
        self._most = int(source.max_page_megabytes * MEGABYTE)
        self._transport = httpx.HTTPTransport()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its body in it; only a 200 has one.

        Raises:
            SourceUnreachable, FileBroken: as `ask`. What httpx raises is asked for again.
        """
        response = self._transport.handle_request(request)
        try:
            self._refuse_to_wait(response)
            body = self._body(response) if response.status_code == 200 else b""
        finally:
            response.close()
        headers = [pair for pair in response.headers.multi_items() if pair[0] not in _SPENT]
        return httpx.Response(response.status_code, headers=headers, content=body)

    def _refuse_to_wait(self, response: httpx.Response) -> None:
        asked = response.headers.get("retry-after")
        if response.status_code not in TRANSIENT or asked is None:
            return
        try:
            seconds = Retry().parse_retry_after(asked)
        except ValueError:
            return
        except OverflowError:
            seconds = float("inf")
        # httpx-retries would come back sooner than it was asked to.
        if seconds > self._source.patience_seconds:
            raise SourceUnreachable(
                f"answered {response.status_code} and asks us to stay away longer than the "
                f"{self._source.patience_seconds:g} seconds of patience_seconds."
            )

    def _body(self, response: httpx.Response) -> bytes:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", "x-gzip", ""):
            raise FileBroken("answered packed in another way than gzip, which was asked for.")
        body = self._received(response)
        return self._unpacked(body) if coding.endswith("gzip") else body

    def _received(self, response: httpx.Response) -> bytes:
        until = time.monotonic() + self._source.page_timeout_seconds
        received = bytearray()
        for chunk in response.iter_raw():
            received += chunk
            self._refuse_more_than_a_page(len(received))
            # A server that drips never lets the timeout of a single read run out.
            if time.monotonic() > until:
                raise httpx.ReadTimeout("the page is not whole in time")
        return bytes(received)

    def _unpacked(self, packed: bytes) -> bytes:
        # Not left to httpx, which takes a gzip that was cut off for a whole one, and unpacks a
        # bomb before anybody can count.
        try:
            with gzip.open(io.BytesIO(packed)) as file:
                body = file.read(self._most + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise FileBroken("answered with a gzip that is damaged or cut off.") from None
        self._refuse_more_than_a_page(len(body))
        return body

    def _refuse_more_than_a_page(self, size: int) -> None:
        if size > self._most:
            most = f"{self._source.max_page_megabytes:g} MB"
            raise FileBroken(f"answered more than {most} for one page (max_page_megabytes).")


def _credentials(source: Api, request: Request) -> tuple[dict[str, str], dict[str, str]]:
    if source.auth is None:
        return {}, {}
    named = source.auth.token if isinstance(source.auth, Bearer) else source.auth.key
    secret = resolve(named, request.instance, request.source)
    if not (secret.isascii() and secret.isprintable() and secret == secret.strip() != ""):
        raise SettingsWrong(
            f"The source {request.source} needs the variable {named}, and what the environment "
            "has there is empty, or has blanks around it or letters that no header can carry: "
            "set it, then run again."
        )
    if isinstance(source.auth, Bearer):
        return {"Authorization": f"Bearer {secret}"}, {}
    if source.auth.header:
        return {source.auth.header: secret}, {}
    return {}, {source.auth.parameter or "": secret}


def _keep_home(home: httpx.URL, parameters: dict[str, str]) -> Callable[[httpx.Request], None]:
    # httpx calls this before every request, those of redirects too: nothing leaves without it.
    def check(request: httpx.Request) -> None:
        if _origin(request.url) != _origin(home):
            raise DeliveryRefused(
                f"sends us on to {_origin(request.url)}, and only {_origin(home)} is declared: "
                "nothing was asked there."
            )
        if parameters:
            request.url = request.url.copy_merge_params(parameters)

    return check


def _origin(url: httpx.URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}"
