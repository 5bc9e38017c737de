"""The made-up answers to the survey after a purchase: who would recommend the shop, and what about.

The survey tool has faults of its own, which are intended: it tries itself by answers that are
marked so, and now and then it sends one answer twice, under two numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from demo.draw import day, moment, pick, share, whole
from demo.people import YEAR_END, YEAR_START, Household

# Shares of all households with at least so many answers in the year.
AT_LEAST = (0.34, 0.2, 0.11, 0.06, 0.03)
TRIED = 0.02  # of all answers: the tool's own
TWICE = 0.03
TOPICS = ("shop", "goods", "staff", "price", "other", None)
STARTS = date(2017, 1, 2)


@dataclass(frozen=True)
class Answer:
    """One answer: the columns of the table `survey_answers`, in its order."""

    answer_id: int
    household_id: int
    answered_at: datetime  # UTC
    score: int  # 0 to 10
    topic: str | None
    is_test: str  # true, false


def answers(change_log: Iterable[Household]) -> list[Answer]:
    """Return all answers of the year, ordered by time and number."""
    registered = {h.household_id: h.registered_on for h in change_log}
    found = [
        answer
        for household_id, since in sorted(registered.items())
        for number, of_all in enumerate(AT_LEAST, start=1)
        if share(household_id, "surveys") < of_all
        for answer in _of_survey(household_id, number, since)
    ]
    return sorted(found, key=lambda answer: (answer.answered_at, answer.answer_id))


def _of_survey(household_id: int, number: int, registered_on: date) -> Iterator[Answer]:
    """Yield an answer, and the same under another number where the tool told it twice."""
    salt, earliest = f"survey:{number}", max(registered_on, YEAR_START, STARTS)
    if earliest > YEAR_END:
        return
    on = day(earliest, YEAR_END, household_id, f"{salt}:day")
    at = moment(on, household_id, f"{salt}:time")
    mood = whole(4, 10, household_id, "survey:mood")
    score = max(0, min(10, mood + whole(-3, 2, household_id, f"{salt}:score")))
    topic = pick(TOPICS, household_id, f"{salt}:topic")
    tried = "true" if share(household_id, f"{salt}:tried") < TRIED else "false"
    first = household_id * 100 + number
    yield Answer(first, household_id, at, score, topic, tried)
    if share(household_id, f"{salt}:twice") < TWICE:
        yield Answer(first + 50, household_id, at, score, topic, tried)
