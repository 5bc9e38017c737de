"""What differs, as a request would declare it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from flows.comparison.expected import Expected
from flows.settings import Instance
from tests.conftest import Answer


def test_it_holds_all_that_differs_and_waits_for_its_reasons(
    instance: Instance, scv: Callable[..., Answer]
) -> None:
    answer = scv("diff", "2017-11-20", "2017-11-21", "--expects")

    assert answer.code == 1, answer.err
    told = YAML(typ="safe", pure=True).load(answer.out)["expects"]
    with pytest.raises(ValidationError, match="why"):
        Expected.model_validate(told)
    for each in told["attributes"].values():
        each["why"] = "A day has passed."
    expected = Expected.model_validate(told)
    days = expected.attributes["days_since_last_order"]
    assert 0.9 < days.share_at_most <= 1
    assert 0 < expected.attributes["last_order_date"].share_at_most < 1
    assert "customer_id" not in expected.attributes
