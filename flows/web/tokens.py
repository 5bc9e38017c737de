"""What is signed: links for clients, sessions, and that a form came from us."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from flows.errors import SettingsWrong
from flows.settings import Instance

FORM_DAYS = 7  # that a page may stay open


@dataclass(frozen=True)
class Grant:
    """What a link lets in: one person of one client, until a moment."""

    client: str
    email: str
    until: dt.datetime
    session: str = ""


class Signer:
    """Signs with one secret, each kind of token with a key of its own."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @classmethod
    def of(cls, instance: Instance) -> Signer:
        """Return the signer of an instance: with its secret, else with a key that it keeps."""
        if instance.desk_secret is not None:
            return cls(instance.desk_secret.get_secret_value())
        return cls(_kept_key(instance.desk))

    def link(self, grant: Grant) -> str:
        """Return what stands in the address that a client gets."""
        return self._granted("link", grant)

    def read_link(self, token: str, now: dt.datetime) -> Grant | None:
        """Return what a link lets in; None for one that is forged, or over."""
        return self._read("link", token, now)

    def session(self, grant: Grant) -> str:
        """Return the cookie of somebody who opened a link, with a name of its own."""
        kept = Grant(grant.client, grant.email, grant.until, secrets.token_hex(8))
        return self._granted("session", kept)

    def read_session(self, token: str, now: dt.datetime) -> Grant | None:
        """Return whose cookie it is; None for one that is forged, or over."""
        return self._read("session", token, now)

    def form(self, binding: str) -> str:
        """Return the token of a form that is shown to somebody."""
        signed = self._timed("form").dumps(_short(binding))
        return signed.decode() if isinstance(signed, bytes) else signed

    def is_ours(self, token: str, binding: str) -> bool:
        """True when a form was shown to the very same person, and not too long ago."""
        try:
            told = self._timed("form").loads(token, max_age=FORM_DAYS * 86400)
        except BadData:
            return False
        return isinstance(told, str) and hmac.compare_digest(told, _short(binding))

    def _timed(self, kind: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret, f"desk-{kind}", signer_kwargs=_HOW)

    def _granted(self, kind: str, grant: Grant) -> str:
        told = [grant.client, grant.email, grant.until.isoformat(), grant.session]
        serializer = URLSafeSerializer(self._secret, f"desk-{kind}", signer_kwargs=_HOW)
        signed = serializer.dumps(told)
        return signed.decode() if isinstance(signed, bytes) else signed

    def _read(self, kind: str, token: str, now: dt.datetime) -> Grant | None:
        serializer = URLSafeSerializer(self._secret, f"desk-{kind}", signer_kwargs=_HOW)
        try:
            client, email, until, session = serializer.loads(token)
            grant = Grant(client, email, dt.datetime.fromisoformat(until), session)
        except (BadData, ValueError, TypeError):
            return None
        return grant if now < grant.until else None


_HOW: dict[str, Any] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


def link_of(instance: Instance, client: str, email: str, until: dt.datetime) -> str:
    """Return the address that lets one person of a client in.

    Raises:
        SettingsWrong: when the instance has no secret to sign with.
    """
    if instance.desk_secret is None:
        raise SettingsWrong(
            "Links are signed with SCV_DESK_SECRET, and the environment has none. Make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    token = Signer.of(instance).link(Grant(client, email, until))
    return f"{instance.desk_url}/enter?link={token}"


def _short(binding: str) -> str:
    return hashlib.sha256(binding.encode()).hexdigest()[:32]


def _kept_key(folder: Path) -> str:
    """Return the key of a desk without a secret, so that open forms outlive a restart."""
    path = folder / ".key"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()
