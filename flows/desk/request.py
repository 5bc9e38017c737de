"""One change request: who asks for what, by when, what is expected of it, and what became of it.

`docs/requests/CR-0007-loyalty-tier.yml` is one of these. What is filled in by the system stands
below what is asked: `status` and `history`, and in `released` the deploys that brought it.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, get_args

from pydantic import EmailStr, Field, StringConstraints, model_validator

from flows.comparison.expected import Expected
from flows.desk.asked import LONG, Asked, Kind, Line, Name, Notes, Words
from flows.desk.kinds import (
    ActivityHistory,
    AddedColumns,
    CustomerAttribute,
    NewTable,
    PurchaseHistory,
)

Id = Annotated[str, StringConstraints(pattern=r"^CR-\d{4,6}$")]
Status = Literal[
    "draft",
    "submitted",
    "questions",
    "accepted",
    "built",
    "in QA",
    "approved",
    "deployed",
    "rolled back",
    "closed",
]
STATUSES: tuple[Status, ...] = get_args(Status)
# What people say of a request. The rest follows from the code that is there, and from the ledgers.
SAID: tuple[Status, ...] = ("draft", "submitted", "questions", "accepted", "closed")
KindName = Literal["new_table", "columns", "attribute", "activity", "purchases"]
KINDS = {
    "new_table": "New table",
    "columns": "Columns to an existing table",
    "attribute": "Customer attribute",
    "activity": "Activity history",
    "purchases": "Purchase history",
}
TUESDAY = 1


class Use(Asked):
    """A campaign that will use what is asked for."""

    campaign: Line = Field(title="Campaign", description="its name, or what it will be")
    first: dt.date | None = Field(None, title="From", description="the first date")


class File(Asked):
    """A file that came with a request. Its bytes are not kept: the hash says which it was."""

    name: Line = Field(title="Name")
    bytes: int = Field(ge=0, title="Size")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", title="sha256")
    personal_data: bool = Field(title="Personal data in it")
    sample_of: Name | None = Field(None, title="Sample of the table")


class Said(Asked):
    """What somebody said of a request, and when."""

    status: Status
    who: Line
    at: dt.datetime = Field(description="UTC")
    note: Notes = ""


class Released(Asked):
    """A deploy that brought a request live, as the ledger of its instance has it."""

    instance: Line
    commit: Line
    business_date: dt.date
    at: dt.datetime = Field(description="UTC")
    build: Line
    comparison: str = Field(description="sha256 of the comparison's report")
    approved_by: str = ""


class ChangeRequest(Asked):
    """A request, whole and valid. A draft may be neither: it is a mapping of what was typed."""

    id: Id = Field(title="Number", json_schema_extra={"widget": "none"})
    title: Line = Field(title="Title", description="what is asked for, in a few words")
    client: Line = Field(title="Client")
    instance: Line = Field(title="Instance", description="where it is to run: production, qa …")
    project_manager: Line = Field(title="Project manager", description="on our side")
    asked_by: Line = Field(title="Your name")
    asked_by_email: EmailStr = Field(title="Your e-mail")
    more_instances: tuple[Line, ...] = Field(
        (),
        title="Further instances",
        description="if it is for more than one; QA always goes first",
    )
    about_consent: bool = Field(
        title="About consent, opt-in or opt-out",
        description="if so, a privacy approver decides as well, and the tests of consent are added",
    )
    privacy_approver: str = Field(
        "",
        title="Privacy approver",
        description="required when it is about consent",
        max_length=200,
    )
    kinds: tuple[KindName, ...] = Field(
        min_length=1, title="What is asked for", json_schema_extra={"words": dict(KINDS)}
    )
    reason: Words = Field(
        title="Business reason", json_schema_extra=LONG, description="what it is for"
    )
    used_by: tuple[Use, ...] = Field(
        (), title="Campaigns that will use it", json_schema_extra={"widget": "rows"}
    )
    wanted_on: dt.date = Field(
        title="Wanted on",
        description="a release Tuesday; each closes on the Thursday before, 17:00",
    )
    new_table: NewTable | None = Field(None, title=KINDS["new_table"])
    columns: AddedColumns | None = Field(None, title=KINDS["columns"])
    attribute: CustomerAttribute | None = Field(None, title=KINDS["attribute"])
    activity: ActivityHistory | None = Field(None, title=KINDS["activity"])
    purchases: PurchaseHistory | None = Field(None, title=KINDS["purchases"])
    expects: Expected = Field(
        Expected(), title="Expected effect", description="attributes that may change, and how much"
    )
    files: tuple[File, ...] = Field((), title="Files", json_schema_extra={"widget": "files"})
    notes: Notes = Field("", title="Notes", json_schema_extra=LONG)
    back_out: Notes = Field(
        "", title="If it has to be taken back", json_schema_extra=LONG, description="what then"
    )
    status: Status = Field("draft", json_schema_extra={"widget": "none"})
    history: tuple[Said, ...] = Field((), json_schema_extra={"widget": "none"})
    released: tuple[Released, ...] = Field((), json_schema_extra={"widget": "none"})

    @model_validator(mode="after")
    def _hangs_together(self) -> ChangeRequest:
        missing = [KINDS[kind] for kind in self.kinds if getattr(self, kind) is None]
        if missing:
            raise ValueError(f"{', '.join(missing)} is asked for, and nothing is said of it")
        unasked = [KINDS[k] for k in KINDS if k not in self.kinds and getattr(self, k) is not None]
        if unasked:
            raise ValueError(f"{', '.join(unasked)} is filled in, and not asked for")
        if self.about_consent and not self.privacy_approver.strip():
            raise ValueError("a request about consent names its privacy approver")
        if self.wanted_on.weekday() != TUESDAY:
            raise ValueError(f"{self.wanted_on} is a {self.wanted_on:%A}: releases are on Tuesdays")
        return self

    @property
    def asked(self) -> dict[str, Kind]:
        """The parts that are asked for, by kind."""
        return {kind: getattr(self, kind) for kind in self.kinds}

    @property
    def file_name(self) -> str:
        """Its file in `docs/requests/`, such as `CR-0007-loyalty-tier.yml`."""
        return f"{self.slug}.yml"

    @property
    def slug(self) -> str:
        """Its number and its title, fit for a file and a branch."""
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return f"{self.id}-{words[:48].strip('-')}"
