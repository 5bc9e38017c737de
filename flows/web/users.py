"""Who is in: by a proxy's word, by a link that we signed, or on a demo that only this machine sees.

A person of a client sees the requests of that client. Whom the proxy names is one of us and sees
all. Without proxy and secret the desk is open, and answers on loopback only.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from starlette.requests import Request

from flows.settings import Instance
from flows.web.tokens import Signer

COOKIE = "scv_desk"
DEMO = "demo"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class User:
    """Somebody who is in.

    Args:
        name: an e-mail address, or `demo`.
        client: whose requests are seen; None for all.
        binding: what the tokens of forms are bound to.
    """

    name: str
    client: str | None
    binding: str

    def sees(self, content: Mapping[str, Any]) -> bool:
        """True when a request may be shown."""
        return self.client is None or content.get("client") == self.client

    @property
    def is_demo(self) -> bool:
        """True where nobody was asked who they are."""
        return self.name == DEMO


def is_open(instance: Instance) -> bool:
    """True when no way in is set up: the desk is open, and may answer on loopback only."""
    return instance.desk_user_header is None and instance.desk_secret is None


def user_of(request: Request, instance: Instance, signer: Signer, now: dt.datetime) -> User | None:
    """Return who sends a request, or None when nobody is in."""
    header = instance.desk_user_header
    if header and is_proxy(request, instance) and header.lower() in request.headers:
        email = _email(request.headers[header.lower()])
        return User(email, None, f"proxy {email}") if email else None
    if instance.desk_secret is not None:
        grant = signer.read_session(request.cookies.get(COOKIE, ""), now)
        if grant is not None:
            return User(grant.email, grant.client, f"session {grant.session}")
    if is_open(instance) and _is_on_loopback(request):
        return User(DEMO, None, DEMO)
    return None


def is_proxy(request: Request, instance: Instance) -> bool:
    """True when the other end of the connection is a proxy of ours."""
    return request.client is not None and request.client.host in instance.desk_proxies


def address_of(request: Request, instance: Instance) -> str:
    """Return the address that a request comes from, as the nearest proxy of ours says it."""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if told and is_proxy(request, instance):
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            pass
    return request.client.host if request.client else "nowhere"


def is_https(request: Request, instance: Instance) -> bool:
    """True when the browser speaks to us, or to our proxy, over TLS."""
    told = request.headers.get("x-forwarded-proto", "")
    return (
        request.url.scheme == "https"
        or (told == "https" and is_proxy(request, instance))
        or instance.desk_url.startswith("https://")
    )


def is_from_our_page(request: Request, instance: Instance) -> bool:
    """True unless the browser says that another site sent a form."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    ours = {request.headers.get("host", ""), urlsplit(instance.desk_url).netloc}
    try:
        return urlsplit(origin).netloc in ours - {""}
    except ValueError:
        return False


def _is_on_loopback(request: Request) -> bool:
    # The name, too: a page elsewhere may let its own name point here.
    peer = request.client.host if request.client else ""
    return peer in LOOPBACK and (request.url.hostname or "") in LOOPBACK


def _email(text: str) -> str | None:
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
