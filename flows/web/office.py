"""What every page needs: whose desk it is, who is in, how often they may ask, and what is shown."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from flows import clock, schedules, templates
from flows.desk.known import closes, next_tuesday
from flows.desk.store import Desk
from flows.settings import Instance
from flows.web import files
from flows.web.knowledge import Knowledge
from flows.web.rates import Meter, Rates
from flows.web.tokens import Signer
from flows.web.users import User, address_of, user_of

TUESDAYS = 4  # that are suggested


class Refused(Exception):
    """An answer that is none: its status, a heading and a sentence that says what to do.

    `typed` is what came with it, to be shown again: nothing that somebody typed is thrown away.
    """

    def __init__(
        self,
        status: HTTPStatus,
        sentence: str,
        *,
        wait: int = 0,
        typed: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status, self.wait, self.typed = status, wait, typed


@dataclass
class Office:
    """One instance's desk, as it is served."""

    instance: Instance
    desk: Desk
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        self.signer = Signer.of(self.instance)
        self.meter = Meter(self.rates)
        self.knowledge = Knowledge(self.instance, self.desk)
        # A thorough check takes seconds and half a gigabyte: one at a time.
        self.checking = threading.Lock()

    def user(self, request: Request) -> User | None:
        """Return who asks, or None."""
        return user_of(request, self.instance, self.signer, dt.datetime.now(dt.UTC))

    def let_in(self, request: Request, what: str = "look") -> User:
        """Return who asks.

        Raises:
            Refused: when nobody is in, or they ask too often.
        """
        self.slow_down("address", address_of(request, self.instance))
        user = self.user(request)
        if user is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, NOBODY)
        self.slow_down(what, user.name)
        return user

    def slow_down(self, what: str, who: str, typed: Mapping[str, Any] | None = None) -> None:
        """Count one more of what somebody does.

        Raises:
            Refused: when it is too often.
        """
        wait = self.meter.wait(what, who)
        if wait:
            sentence = f"That was too often in a short time. Wait {wait} seconds, then try again."
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, sentence, wait=wait, typed=typed)

    def tuesdays(self) -> list[tuple[dt.date, dt.datetime]]:
        """Return the next releases that a request can still be on, and when each closes."""
        moment = clock.now(self.instance)
        first = next_tuesday(schedules.next_redeploy(self.instance, moment), moment)
        days = [first + dt.timedelta(days=14 * n) for n in range(TUESDAYS)]
        return [(day, closes(day, moment)) for day in days]

    def page(
        self,
        template: str,
        user: User | None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """Return a page, with the token that a form on it needs."""
        text = templates.render(
            template,
            user=user,
            name=self.instance.instance,
            csrf=self.signer.form(user.binding) if user else "",
            static=files.address,
            **values,
        )
        return HTMLResponse(text, status, dict(headers or {}))


NOBODY = (
    "Nobody is signed in here. Open the link that you were sent once more; if it is over, ask your "
    "project manager for another."
)
