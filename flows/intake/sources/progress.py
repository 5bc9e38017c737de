"""The pages of an API that are here already, so that only the rest is asked for.

In the folder: `page-00001.json` as delivered, `page-00001.next` with what was found in it, and
`.asked`, the fingerprint of what was asked. A name without a dot before it stands for a whole page.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.intake.sources.paging import Page


@dataclass(frozen=True)
class Progress:
    """The pages in a folder, as long as they answer the same question."""

    folder: Path
    fingerprint: str

    def page(self, number: int) -> Path:
        """Return where a page stands; the first is 1."""
        return self.folder / f"page-{number:05}.json"

    def resume(self) -> list[Page]:
        """Return what is here of the same question, in order; of another one all is removed."""
        try:
            if self._asked.read_text() == self.fingerprint:
                return self._whole_pages()
        except (OSError, ValueError, TypeError):
            pass  # nothing was begun, or the machine went down while it was written
        return self.start_over()

    def start_over(self) -> list[Page]:
        """Remove all pages, and begin with none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.forget()
        for pattern in ("page-*", ".page-*"):
            for path in self.folder.glob(pattern):
                path.unlink()
        self._write(self._asked, self.fingerprint.encode())
        return []

    def keep(self, number: int, body: bytes, page: Page) -> None:
        """Write a page as it was delivered; what was found in it comes first."""
        self._write(self.page(number).with_suffix(".next"), json.dumps(asdict(page)).encode())
        self._write(self.page(number), body)

    def forget(self) -> None:
        """Let the next call begin anew. The pages stay until then."""
        self._asked.unlink(missing_ok=True)

    @property
    def _asked(self) -> Path:
        return self.folder / ".asked"

    def _whole_pages(self) -> list[Page]:
        pages: list[Page] = []
        while (path := self.page(len(pages) + 1)).is_file():
            pages.append(Page(**json.loads(path.with_suffix(".next").read_text())))
        return pages

    def _write(self, path: Path, body: bytes) -> None:
        hidden = path.with_name(f".{path.name.lstrip('.')}.arriving")
        hidden.write_bytes(body)
        hidden.replace(path)
