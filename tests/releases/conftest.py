"""A control checkout for the tests of releases, and an instance whose live it made."""

from __future__ import annotations

import pytest

from flows.ledger import Ledger
from tests.releases.control import Control


@pytest.fixture(scope="session")
def checkout(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Control:
    """The control checkout, once for all tests of a worker."""
    from prefect.settings import PREFECT_API_URL

    # One server for all of them: a temporary one for each would cost more than what is tested.
    told = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "SCV_SENT_MARGIN_MINUTES": "0"}
    return Control.clone(tmp_path_factory.mktemp("control") / "checkout", told)


@pytest.fixture
def control(checkout: Control, ledger: Ledger) -> Control:
    """The control checkout, whose code made what is live."""
    checkout.made_what_is_live(ledger)
    return checkout
