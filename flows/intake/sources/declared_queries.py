"""What `sources/` may say of databases and of Snowflake: where they are, and what is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from flows.intake.sources.selects import check_selects, dialect_of
from flows.intake.sources.texts import Address, Secret, Strict


class QueryTable(Strict):
    """One table read by a query: a relation, or one select of the client's own."""

    relation: str | None = Field(
        None, min_length=1, description="as the database writes it, its schema before a dot"
    )
    query: str | None = Field(
        None, min_length=1, description="one select, in the words of the database; it may not write"
    )
    changed_since: str | None = Field(
        None, description="the column that says when a row changed; without it, all rows come"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> QueryTable:
        if (self.relation is None) == (self.query is None):
            raise ValueError("name a relation or a query, one of the two")
        return self


class Database(Strict):
    """A database: PostgreSQL, MariaDB or MySQL, SQLite, DuckDB, or what SQLAlchemy can reach."""

    kind: Literal["database"]
    description: str = Field(description="what the system is, in the client's words")
    url: Address = Field(description="as SQLAlchemy writes it, its user and password named")
    timeout_seconds: int = Field(3600, ge=1, description="the longest that one table may take")
    tables: dict[str, QueryTable] = Field(description="by the name of the contract")

    @model_validator(mode="after")
    def _each_query_is_a_select(self) -> Database:
        # A URL that is named as a whole is known, and its queries read, when it is used.
        if "://" in self.url:
            dialect = dialect_of(self.url.partition("://")[0])
            check_selects(((n, t.query) for n, t in self.tables.items()), dialect)
        return self


class Snowflake(Strict):
    """A client's Snowflake: a share, or tables that we may read."""

    kind: Literal["snowflake"]
    description: str = Field(description="what the system is, in the client's words")
    account: str = Field(description="such as abc-xy12345")
    user: str = Field(description="whom we log in as")
    password: Secret | None = None
    private_key: Annotated[str | None, Field(description="path of a key file")] = None
    private_key_password: Annotated[Secret | None, Field(description="what opens it")] = None
    role: str | None = Field(None, description="else the user's own")
    warehouse: str | None = Field(None, description="what pays for the query; else the user's own")
    database: str = Field(description="where a relation without one is")
    endpoint: str | None = Field(None, description="a private link, such as https://host:443")
    timeout_seconds: int = Field(3600, ge=1, description="the longest that one table may take")
    tables: dict[str, QueryTable] = Field(description="by the name of the contract")

    @model_validator(mode="after")
    def _one_way_in(self) -> Snowflake:
        if (self.password is None) == (self.private_key is None):
            raise ValueError("name a password or a private_key, one of the two")
        check_selects(((n, t.query) for n, t in self.tables.items()), "snowflake")
        return self
