"""A control checkout that is ahead of what is live: whose code do commands of a night run?"""

from __future__ import annotations

import pytest

from tests.conftest import NIGHTS
from tests.releases.control import Control

GATE = ("gate", str(NIGHTS[-1]))
OTHERWISE = {"flows/cli.py": ("show_gate(date_of(day), what_if or [])", "print('Another gate')")}


@pytest.fixture
def ahead(control: Control) -> Control:
    """The control checkout, moved on to code that was never released."""
    return control.moved_on(OTHERWISE)


def test_where_releases_go_live_it_is_that_of_live_whatever_folder_a_person_stands_in(
    ahead: Control, control: Control
) -> None:
    answer = ahead.scv(*GATE, SCV_CODE="live")

    assert answer.code == 0, answer.err
    assert f"With the code of {control.commit}, which is live" in answer.err
    assert "Another gate" not in answer.out
    assert "win_back_email" in answer.out


def test_where_people_try_what_they_have_edited_it_is_that_of_their_folder(ahead: Control) -> None:
    answer = ahead.scv(*GATE)

    assert (answer.code, answer.err) == (0, "")
    assert "Another gate" in answer.out


def test_what_is_live_already_is_not_handed_over(control: Control) -> None:
    answer = control.scv(*GATE, SCV_CODE="live")

    assert answer.code == 0, answer.err
    assert "With the code of" not in answer.err
