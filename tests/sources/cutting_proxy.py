"""A TCP proxy that hangs up after so many bytes of answer, as networks do at a bad moment."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

CHUNK = 1 << 14


class CuttingProxy:
    """Passes on to a server and cuts every connection once `after_bytes` have come back.

    The count runs over all connections, so that an attempt to connect again is cut at once. A
    context; `port` is where to connect to. `passed` says how many bytes came back so far.
    """

    def __init__(self, target_host: str, target_port: int, after_bytes: int) -> None:
        self.target = (target_host, target_port)
        self.after_bytes = after_bytes
        self.passed = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._door, *self._open):
            with contextlib.suppress(OSError):
                each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self.target)
                self._open += [client, server]
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := client.recv(CHUNK):
                server.sendall(block)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := server.recv(CHUNK):
                left = self.after_bytes - self.passed
                client.sendall(block[: max(left, 0)])
                self.passed += len(block[: max(left, 0)])
                if len(block) > left:
                    # Reset rather than closed in order, as when a cable is pulled or a host dies.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
        for each in (client, server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
                each.close()
