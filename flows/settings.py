"""One instance: where its deliveries come in and where its warehouse stands.

Read from the environment (`SCV_INSTANCE`, `SCV_WAREHOUSE`, …) and from nowhere else. Production,
QA and the demo are the same code with other values; they share no folder and no ledger.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.errors import SettingsWrong

PROJECT = Path(__file__).resolve().parents[1]
TUESDAY = 1  # as dt.date.weekday counts
EDITED = ("demo", "dev")  # instances on which people try what they have just edited


class Instance(BaseSettings):
    """Where one instance lives. Every path is absolute once read."""

    model_config = SettingsConfigDict(env_prefix="SCV_", extra="ignore")

    instance: str = Field("demo", pattern=r"^[a-z][a-z0-9_]*$", description="demo, qa, production")
    deliveries: Path = Field(Path("deliveries"), description="where the client's files arrive")
    warehouse: Path = Field(Path("warehouse"), description="landing, batches, builds, outbox")
    client: str = Field("Complete Journey Grocer", description="the name in the client's manifest")
    memory_limit: str = Field("6GB", description="what DuckDB may use before it spills to disk")
    intake_memory: str = Field("1GB", description="the same, for the intake of one table")
    threads: int = Field(2, ge=1, description="threads of DuckDB and of dbt")
    keep_builds: int = Field(14, ge=2, description="builds kept to read, fork and roll back to")
    time_zone: ZoneInfo = Field(
        ZoneInfo("America/New_York"), description="the client's: of ready_by and wait_until"
    )
    look_every_seconds: int = Field(300, ge=1, description="between two looks for a late table")
    night_starts_at: dt.datetime | None = Field(
        None, description="play a past night: the local time at which the clock starts to run"
    )
    recount_customers: int = Field(
        200, ge=0, description="about so many are counted anew each night; 0 for nobody"
    )
    build_timeout_minutes: int = Field(180, ge=1, description="after this a build is killed")
    nightly_at: dt.time = Field(
        dt.time(22), description="the client's clock: the night of that very business date starts"
    )
    redeploy_at: dt.time = Field(
        dt.time(15), description="the client's clock, every other Tuesday: a release may go live"
    )
    redeploy_closes: dt.time = Field(
        dt.time(19), description="what has not begun by then waits for the next such Tuesday"
    )
    redeploy_from: dt.date = Field(dt.date(2026, 1, 6), description="the first of those Tuesdays")
    sent_margin_minutes: int = Field(
        30, ge=0, description="so long must the day's last message be out before a release begins"
    )
    release_ref: str = Field(
        "main", description="what goes live on Tuesdays: a branch or tag, such as origin/main"
    )
    after: str | None = Field(
        None, description="the instance on which a release must have been published before: qa"
    )
    code: Literal["live", "checkout"] | None = Field(
        None, description="whose code a night by hand runs; of itself: demo and dev this folder's"
    )
    serve_port: int = Field(
        4200, ge=1024, le=65534, description="of `scv serve`; the pages are on the next one"
    )
    notify: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="who is told of failures, holds and releases: Apprise URLs and a space"
    )
    pages_url: str | None = Field(None, description="where people read the reports: for notices")
    desk_url: str = Field(
        "http://127.0.0.1:4300", description="where people reach the form: for links to clients"
    )
    desk_secret: SecretStr | None = Field(
        None, min_length=32, description="signs links to the form, and sessions"
    )
    desk_user_header: str | None = Field(
        None, description="in which a proxy says who is in, by e-mail: X-Forwarded-Email"
    )
    desk_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="addresses of proxies whose header counts, and a space"
    )
    desk_upload_mb: int = Field(20, ge=1, le=500, description="of one file that is sent along")

    @field_validator("deliveries", "warehouse")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path if path.is_absolute() else PROJECT / path

    @field_validator("nightly_at", "redeploy_at", "redeploy_closes")
    @classmethod
    def _on_the_minute(cls, time: dt.time) -> dt.time:
        # A bare number would be seconds after midnight.
        if time.second or time.microsecond or time.tzinfo is not None:
            raise ValueError("a time of the client's clock is written like 22:00")
        return time

    @field_validator("redeploy_closes")
    @classmethod
    def _after_it_opens(cls, closes: dt.time, others: ValidationInfo) -> dt.time:
        opens = others.data.get("redeploy_at")
        if opens is not None and closes <= opens:
            raise ValueError(f"it must be later than SCV_REDEPLOY_AT, which is {opens:%H:%M}")
        return closes

    @field_validator("redeploy_from")
    @classmethod
    def _a_tuesday(cls, day: dt.date) -> dt.date:
        if day.weekday() != TUESDAY:
            raise ValueError(f"{day} is a {day:%A}, and releases go live on Tuesdays")
        return day

    @field_validator("notify", "desk_proxies", mode="before")
    @classmethod
    def _apart(cls, addresses: Any) -> Any:
        return addresses.split() if isinstance(addresses, str) else addresses

    @field_validator("pages_url", "desk_url")
    @classmethod
    def _without_a_slash(cls, url: str | None) -> str | None:
        return url.rstrip("/") if url else None

    @property
    def runs_code_of_live(self) -> bool:
        """True where the code of a night is that of what is live, whoever starts it."""
        return (self.code or ("checkout" if self.instance in EDITED else "live")) == "live"

    @property
    def root(self) -> Path:
        """Everything of this instance stands below this folder."""
        return self.warehouse / self.instance

    @property
    def landing(self) -> Path:
        """Bytes as delivered, by their hash."""
        return self.root / "landing"

    @property
    def batches(self) -> Path:
        """Typed, immutable Parquet: `<table>/batch_date=<date>/v<n>.parquet`."""
        return self.root / "batches"

    @property
    def quarantine(self) -> Path:
        """Rows set aside with their text and reason, laid out like `batches`."""
        return self.root / "quarantine"

    def snapshot_of(self, table: str, day: dt.date, version: int) -> Path:
        """Keys and row hashes of a snapshot, against which the next one is held."""
        return self.root / "snapshots" / table / f"{day}-v{version}.parquet"

    @property
    def builds(self) -> Path:
        """One database a build; files here are never written to again once published."""
        return self.root / "builds"

    @property
    def live(self) -> Path:
        """A symbolic link to the published build."""
        return self.root / "live.duckdb"

    @property
    def releases(self) -> Path:
        """Releases checked out beside each other, by commit."""
        return self.root / "releases"

    @property
    def outbox(self) -> Path:
        """Campaign files, by channel."""
        return self.root / "outbox"

    @property
    def desk(self) -> Path:
        """Change requests that are drafted, or wait for an answer."""
        return self.root / "desk"

    @property
    def reports(self) -> Path:
        """Pages a person reads: the contracts, and what became of each night."""
        return self.root / "reports"

    @property
    def comparisons(self) -> Path:
        """A page for each release, and for each rerun: what it changed."""
        return self.reports / "comparisons"

    def page_of(self, day: dt.date) -> Path:
        """The page that says what became of a business date."""
        return self.reports / "nights" / f"{day}.html"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy address of the ledger."""
        return f"sqlite:///{self.root / 'ledger.sqlite'}"

    @property
    def ledger_before(self) -> str | None:
        """SQLAlchemy address of the ledger of the instance that goes first, where one does."""
        if self.after is None:
            return None
        return f"sqlite:///{self.warehouse / self.after / 'ledger.sqlite'}"


@lru_cache
def read_instance() -> Instance:
    """Return the instance that the environment names.

    Raises:
        SettingsWrong: when a variable does not have the form it must have.
    """
    try:
        return Instance()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SCV_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsWrong(f"{name} is not usable: {reason}.") from None
