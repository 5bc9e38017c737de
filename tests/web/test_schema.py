"""The addresses of the desk, asked with whatever their schema allows and forbids, by Schemathesis.

Answers have the status and the type that the schema names, and never is there a fault of ours.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flows.desk.request import KINDS
from flows.settings import Instance
from flows.web.app import app_of
from tests.web.conftest import Serve
from tests.web.test_typed import TEXT, names

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 25


def addresses() -> dict[str, Any]:
    """Every way to ask that the schema knows, by its name."""
    schema = app_of(Instance(warehouse=Path(mkdtemp()))).openapi()
    found = (each.ok() for each in schemathesis.openapi.from_dict(schema).get_all_operations())
    return {each.label: each for each in found}


ADDRESSES = addresses()


@pytest.mark.parametrize("label", ADDRESSES)
def test_no_address_answers_otherwise_than_its_schema_says(serve: Serve, label: str) -> None:
    served = serve()
    number = served.begin(title="Visits")
    token = served.token()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=ADDRESSES[label].as_strategy())
    def asked(case: Any) -> None:
        # Else nearly all ends where a number or a token is looked at.
        if "request_id" in (case.path_parameters or {}):
            case.path_parameters["request_id"] = number
        if isinstance(case.body, dict):
            case.body["csrf"] = token
        case.call_and_validate(base_url=served.url, checks=CHECKS)

    asked()


def test_there_is_no_address_that_the_schema_does_not_know() -> None:
    assert set(ADDRESSES) == {
        "GET /",
        "GET /enter",
        "GET /requests/new",
        "GET /requests/new.pdf",
        "GET /requests/{request_id}",
        "GET /requests/{request_id}.pdf",
        "GET /static/{name}",
        "POST /check",
        "POST /leave",
        "POST /requests",
        "POST /requests/{request_id}",
        "POST /requests/{request_id}/files",
    }


def test_whatever_is_typed_anywhere_is_looked_at_saved_and_shown(serve: Serve) -> None:
    served = serve()
    token = served.token()
    choices = st.sampled_from(
        ["yes", "no", "1", "-0", "2026-02-30", "25:00", "csv", "a\\tb\\n1\\t2"]
    )
    fields = st.dictionaries(
        st.sampled_from([name for name, _ in names() if name != "kinds"]), TEXT | choices
    )
    kinds = st.lists(st.sampled_from([*KINDS, "nothing"]), max_size=5)

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(typed=fields, ticked=kinds, action=st.sampled_from(["save", "check", "submit"]))
    def typed_in(typed: dict[str, str], ticked: list[str], action: str) -> None:
        data = {**typed, "kinds": ticked, "csrf": token}
        assert served.visitor.post("/check", data=data).status_code == 200
        answer = served.visitor.post("/requests", data={**data, "action": action})
        assert answer.status_code == 303
        shown = served.visitor.get(answer.headers["location"])
        assert shown.status_code == 200
        number = answer.headers["location"].split("/")[2].partition("?")[0]
        assert served.visitor.get(f"/requests/{number}.pdf").status_code == 200

    typed_in()
    assert served.visitor.get("/").status_code == 200
