"""What `sources/` may say of files: how they are read, and where they are."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from flows.intake.sources.texts import Address, PathBelow, Secret, Strict, what_a_store_lacks


class Form(Strict):
    """How the bytes of a file are to be read. What a format does not know keeps its default."""

    format: Literal["csv", "jsonl", "json", "parquet", "excel"] = Field(
        description="csv; jsonl: one object a line; json: one document; parquet; excel: .xlsx"
    )
    compression: Literal["gzip", "zstd"] | None = Field(
        None, description="of csv, jsonl and json; Parquet and Excel have their own"
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="between fields of a csv")
    quote: str = Field('"', max_length=1, description="around fields of a csv; empty: none")
    escape: str = Field('"', max_length=1, description="before a quote within a field; empty: none")
    encoding: Literal["utf-8", "latin-1", "utf-16"] = Field("utf-8", description="of csv and json")
    header: bool = Field(True, description="false: the fields come in the contract's order")
    null_text: str = Field("", description="what a csv writes where there is no value")
    records: str | None = Field(
        None, description="where a json document holds its rows: its keys, with dots between them"
    )
    sheet: str | None = Field(None, description="the sheet of a workbook, by name; else its first")

    as_text: bool = Field(
        False, exclude=True, description="set by sources whose types are ours, not the client's"
    )

    @model_validator(mode="after")
    def _compresses_once(self) -> Self:
        if self.compression and self.format in ("parquet", "excel"):
            raise ValueError(f"{self.format} has its own compression: leave compression out")
        return self


class FileTable(Form):
    """One table sent as files, in as many parts as its path matches."""

    path: PathBelow = Field(
        description="below the store: {business_date}, {business_date:%Y%m%d}, * for many parts"
    )
    in_manifest: bool = Field(True, description="false: the file itself says that it is there")
    max_unpack_ratio: int = Field(100, ge=2, description="unpacked to packed bytes: else a bomb")
    unpack_floor_mb: int = Field(256, ge=0, description="megabytes that any file may unpack to")

    def path_on(self, day: dt.date) -> str:
        """The path of a business date, below the store's folder."""
        return self.path.format(business_date=day)

    def may_unpack_to(self, packed: int) -> int:
        """How many bytes a file of so many packed bytes may come to."""
        return max(self.unpack_floor_mb << 20, self.max_unpack_ratio * packed)


class Files(Strict):
    """Files in a folder, on an SFTP server, or in an S3-compatible store."""

    kind: Literal["files"] = Field(description="files")
    description: str = Field(description="what the system is, and who runs it")
    store: Address = Field(
        "{deliveries}", description="a folder, sftp://host:port/folder, or s3://bucket/prefix"
    )
    username: str | None = Field(None, description="whom an SFTP server knows us as")
    password: Secret | None = Field(None, description="for SFTP: a password, or a private key")
    private_key: str | None = Field(None, description="for SFTP: the path of a key file")
    host_key: str | None = Field(
        None, description="the SFTP server's own, type and base64, as ssh-keyscan prints them"
    )
    access_key: Secret | None = Field(None, description="for S3; without one, the machine's role")
    secret_key: Secret | None = Field(None, description="for S3: what belongs to the access key")
    endpoint: str | None = Field(None, description="of an S3 that is not Amazon's, with its scheme")
    region: str | None = Field(None, description="of an S3; where there is no endpoint, it must be")
    timeout_seconds: float = Field(60, gt=0, description="how long a server may be silent")
    tables: dict[str, FileTable] = Field(description="each table that comes from here, by its name")

    @model_validator(mode="after")
    def _has_what_its_store_needs(self) -> Self:
        if lacking := what_a_store_lacks(self, self.store):
            raise ValueError(lacking)
        return self
