"""A real SFTP server on loopback: asyncssh, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh


class _Doorkeeper(asyncssh.SSHServer):
    """Lets in one user, by password or by key."""

    def __init__(self, house: SftpServer) -> None:
        self.house = house

    def password_auth_supported(self) -> bool:
        """A password will do."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """True for the one user's."""
        return (username, password) == (self.house.username, self.house.password)

    def public_key_auth_supported(self) -> bool:
        """A key will do."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """True for the one user's."""
        mine = self.house.client_key.convert_to_public()
        return username == self.house.username and key == mine


@dataclass
class SftpServer:
    """Serves one folder as `/`. A context; `port` is known once it is entered."""

    folder: Path
    username: str = "scv"
    password: str = "a-password-of-the-test"
    port: int = 0
    algorithms: tuple[str, ...] = ("ssh-ed25519",)
    serves: type[asyncssh.SFTPServer] = asyncssh.SFTPServer
    client_key: asyncssh.SSHKey = field(
        default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519")
    )

    def __enter__(self) -> Self:
        self.keys = [asyncssh.generate_private_key(name) for name in self.algorithms]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._run(self._listen())
        self.port = self.server.get_port()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._leave())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def stop(self) -> None:
        """Listen no longer."""
        self.loop.call_soon_threadsafe(self.server.close)

    def host_key(self, number: int = 0) -> str:
        """The server's own key, as a source declares it."""
        return " ".join(self.keys[number].export_public_key().decode().split()[:2])

    async def _listen(self) -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Doorkeeper(self),
            server_host_keys=self.keys,
            sftp_factory=lambda channel: self.serves(channel, chroot=str(self.folder)),
        )

    async def _leave(self) -> None:
        self.server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _run(self, doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(20)
