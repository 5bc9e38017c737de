"""The last build of the world beside copies of it that were changed by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from flows.comparison.result import Comparison
from tests.comparison.builds import Altered, compared, copy_of
from tests.conftest import NIGHTS


@pytest.fixture(scope="session")
def build(nights: dict[dt.date, Path]) -> Path:
    """The build of the last night."""
    return nights[NIGHTS[-1]]


@pytest.fixture
def altered(build: Path, tmp_path: Path) -> Altered:
    """Compare the build with a copy in which some SQL was run."""

    def make(*statements: str) -> Comparison:
        return compared(build, copy_of(build, tmp_path / "altered", *statements))

    return make
