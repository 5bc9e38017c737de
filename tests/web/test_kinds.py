"""Each kind of request through the form, from what it says to what is kept, and handed in."""

from __future__ import annotations

from typing import Any

import pytest

from flows.desk.findings import read
from flows.web.shown import shown
from tests.desk.asked import KINDS, Content, asked
from tests.web.conftest import Served
from tests.web.test_typed import sent


def typed(content: Content) -> dict[str, Any]:
    """What a browser sends of a request that stands in the form."""
    found: dict[str, Any] = {}
    for name, text in sent(shown(content, {})):
        found.setdefault(name, []).append(text)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_kept_as_it_stood_in_the_form(served: Served, kind: str) -> None:
    content = asked(kind)
    number = served.begin(**typed(content))
    kept = served.desk.read(number).content
    before, after = read(content)[0], read(kept)[0]
    assert before is not None and after is not None
    same = {"id", "history", "status"}
    assert after.model_dump(exclude=same) == before.model_dump(exclude=same)
    page = served.visitor.get(f"/requests/{number}").text
    assert f'id="part-{kind}"' in page


def test_a_new_table_is_handed_in_after_its_examples_were_taken_in(served: Served) -> None:
    number = served.begin(**typed(asked("new_table")))
    version = served.desk.read(number).version
    answer = served.send(
        f"/requests/{number}", **typed(asked("new_table")), version=version, action="submit"
    )
    page = served.visitor.get(answer.headers["location"]).text
    assert "Handed in." in page, page
    assert served.desk.read(number).status == "submitted"


def test_a_sample_of_other_columns_keeps_a_request_here_and_is_told_at_the_files(
    served: Served,
) -> None:
    content = asked("new_table")
    number = served.begin(**typed(content))
    version = served.desk.read(number).version
    table = content["new_table"]["name"]
    told = {"version": version, "upload_sample_of": table, "upload_personal_data": "no"}
    files = {"files": {"upload": ("a.csv", b"nothing,of,it\n1,2,3\n")}}
    fields = typed(content)
    assert served.send(f"/requests/{number}/files", files, **fields, **told).status_code == 303
    kept = served.desk.read(number)
    again = typed({**content, "files": kept.content["files"]}) | {
        "files.0.sha256": kept.content["files"][0]["sha256"]
    }
    answer = served.send(f"/requests/{number}", **again, version=kept.version, action="submit")
    assert answer.status_code == 303
    assert served.desk.read(number).status == "draft"
    page = served.visitor.get(answer.headers["location"]).text
    assert "not handed in yet" in page
    assert '<a href="#q-files">' in page
