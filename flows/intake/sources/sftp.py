"""An SFTP server as a store: fsspec over paramiko, its host key held against the declared one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from fsspec.implementations.sftp import SFTPFileSystem
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from flows.intake.sources.stores import Item, Meaning, Store

REQUESTS_AT_ONCE = 64
UNREADABLE = (paramiko.SSHException, paramiko.pkey.UnknownKeyType)


@dataclass(frozen=True)
class Login:
    """Who we are to an SFTP server, and who it must be to us."""

    username: str
    password: str | None
    private_key: paramiko.PKey | None
    host_key: paramiko.PKey
    timeout_seconds: float


def read_host_key(text: str) -> paramiko.PKey | None:
    """Return the key of a text such as `ssh-ed25519 AAAA…`, or None when it is none."""
    try:
        entry = HostKeyEntry.from_line(f"server {text}")
    except (InvalidHostKey, paramiko.SSHException):
        return None
    return entry.key if entry else None


def read_private_key(path: Path) -> paramiko.PKey | None:
    """Return the key of a file, or None when there is none that opens without a passphrase."""
    try:
        return paramiko.PKey.from_path(path)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, *UNREADABLE):
        return None


class _Known(SFTPFileSystem):  # type: ignore[misc]
    """fsspec's, which would take any host key that it is shown."""

    def _connect(self) -> None:
        options = dict(self.ssh_kwargs)
        key, seconds = options.pop("host_key"), options["timeout"]
        port = options["port"]
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        name = self.host if port == paramiko.config.SSH_PORT else f"[{self.host}]:{port}"
        self.client.get_host_keys().add(name, key.get_name(), key)
        try:
            self.client.connect(self.host, **options)
            self.ftp = self.client.open_sftp()
            self.ftp.get_channel().settimeout(seconds)
        except BaseException:
            self.client.close()
            raise


class Server(Store):
    """A folder of an SFTP server. Connected to on entering, left on leaving."""

    def __init__(self, address: str, login: Login) -> None:
        split = urlsplit(address)
        self.host, self.port = split.hostname or "", split.port or 22
        self.root = split.path.rstrip("/")
        self.shown = f"sftp://{self.host}:{self.port}{self.root}"
        self.login = login

    def __enter__(self) -> Self:
        login = self.login
        self.filesystem = _Known(
            self.host,
            port=self.port,
            username=login.username,
            password=login.password,
            pkey=login.private_key,
            host_key=login.host_key,
            allow_agent=False,
            look_for_keys=False,
            skip_instance_cache=True,
            **dict.fromkeys(
                ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"),
                login.timeout_seconds,
            ),
        )
        try:
            self.real_root = self._real(self.root or "/")
        except BaseException:
            self.filesystem.client.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.filesystem.client.close()

    def meaning(self, error: Exception) -> Meaning | None:
        """Say what an error of paramiko means."""
        if isinstance(error, FileNotFoundError):
            return "missing"
        strange = (paramiko.BadHostKeyException, paramiko.ssh_exception.IncompatiblePeer)
        if isinstance(error, strange):
            return "stranger"
        if isinstance(error, (PermissionError, paramiko.AuthenticationException)):
            return "refused"
        away = (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError)
        return "unreachable" if isinstance(error, away) else None

    def is_within(self, path: str) -> bool:
        """True when the server says that a path, links followed, is below the folder."""
        return self._real(path or "/").is_relative_to(self.real_root)

    def copy(self, item: Item, target: Path) -> None:
        """Copy with many requests under way, as far as the file goes."""
        client: Any = self.filesystem.ftp
        with target.open("wb") as ours, closing(client.open(f"{self.root}/{item.path}")) as theirs:
            theirs.prefetch(item.size, REQUESTS_AT_ONCE)
            while block := theirs.read(1 << 20):
                ours.write(block)

    def _real(self, path: str) -> PurePosixPath:
        return PurePosixPath(self.filesystem.ftp.normalize(path))
