"""An S3-compatible store: fsspec over the S3 client that pyarrow brings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

from flows.intake.sources.stores import Item, Meaning, Store

ATTEMPTS = 3
SAID = re.compile(r"AWS Error (\w+)(?: \(HTTP status (\d+)\))?")
REFUSED = {
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "INVALID_CLIENT_TOKEN_ID",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "OPT_IN_REQUIRED",
    "SIGNATURE_DOES_NOT_MATCH",
    "UNRECOGNIZED_CLIENT",
}


@dataclass(frozen=True)
class Account:
    """Who we are to an S3, and where it is. Without a key the machine's own role is asked for."""

    access_key: str | None
    secret_key: str | None
    endpoint: str | None
    region: str | None
    timeout_seconds: float


class Bucket(Store):
    """A prefix of a bucket."""

    def __init__(self, address: str, account: Account) -> None:
        self.shown = address.rstrip("/")
        self.root = self.shown.removeprefix("s3://")
        self.account = account
        endpoint = urlsplit(account.endpoint or "https:")
        self.filesystem = ArrowFSWrapper(
            S3FileSystem(
                access_key=account.access_key,
                secret_key=account.secret_key,
                region=account.region or "us-east-1",
                scheme=endpoint.scheme,
                endpoint_override=endpoint.netloc or None,
                connect_timeout=account.timeout_seconds,
                request_timeout=account.timeout_seconds,
                retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
            ),
            skip_instance_cache=True,
        )

    def meaning(self, error: Exception) -> Meaning | None:
        """Say what an error of pyarrow means: it has one class, and words in it."""
        if isinstance(error, FileNotFoundError):
            return "missing"
        said = SAID.search(str(error))
        if not isinstance(error, OSError) or said is None:
            return None
        if said[1] == "NO_SUCH_BUCKET" or said[2] == "404":
            return "missing"
        return "refused" if said[1] in REFUSED or said[2] in ("401", "403") else "unreachable"

    def is_within(self, path: str) -> bool:
        """True unless a name climbs: a bucket has no links."""
        return ".." not in path.split("/")

    def copy(self, item: Item, target: Path) -> None:
        """Copy block by block; the client asks again for a block that did not come."""
        self.filesystem.get_file(f"{self.root}/{item.path}", str(target))
