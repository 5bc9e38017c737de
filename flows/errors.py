"""Every way to stop, as a tree. Each message says what, where and what to do next.

Stopped
  ├─ SettingsWrong          the environment or the command line asks for something that is not there
  ├─ InstanceBusy           another batch holds this instance
  ├─ ContractWrong          a contract in expectations/ cannot be read or kept
  ├─ DeliveryRefused        a table came, but not as agreed
  │    ├─ NothingDelivered  no manifest: the client has not delivered this date
  │    ├─ TableMissing      the manifest or the contract names it, and it is not there
  │    ├─ ManifestDiffers   the bytes or the rows are not those of the manifest
  │    ├─ FewerRows         fewer rows than the manifest says
  │    ├─ FileBroken        truncated, in another encoding, or not of its format
  │    ├─ ColumnsDiffer     columns are missing or new
  │    ├─ NoRows            no rows on a day that must have some
  │    ├─ WrongDay          the rows or the manifest are of another business date
  │    ├─ AlreadyDelivered  the bytes of another business date
  │    ├─ TooManyBadRows    more rows do not fit their types than the contract tolerates
  │    └─ ContractBroken    a critical expectation failed, or could not run
  ├─ NightStopped           by policy nothing may be built from what came; live stays as it was
  ├─ BuildFailed            dbt could not build a model, or a test of ours failed
  └─ CannotPublish          live cannot be moved to where it was asked to go

No message carries a value of a customer: a message may be sent to a person, a value may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Stopped(Exception):
    """Something stopped, live is whole, and `str(error)` is fit to send to a person."""

    exit_code = 1


class SettingsWrong(Stopped):
    """The environment or the command line asks for something that is not there."""

    exit_code = 2


class InstanceBusy(Stopped):
    """Another batch holds this instance."""


class ContractWrong(Stopped):
    """A contract in `expectations/` cannot be read, or asks for a check that does not exist."""


class DeliveryRefused(Stopped):
    """A table came, but not as agreed. `state` is the word the ledger keeps.

    `found` is what the checks came to before it was refused, so that the ledger can tell.
    """

    state = "invalid"

    def __init__(self, sentence: str, found: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.found = found


class NothingDelivered(DeliveryRefused):
    """No manifest: the client has not delivered this date."""

    state = "missing"


class TableMissing(DeliveryRefused):
    """The table is not where its contract says."""

    state = "missing"


class ManifestDiffers(DeliveryRefused):
    """The bytes or the rows are not those that the manifest names."""


class FewerRows(DeliveryRefused):
    """Fewer rows came than the manifest says."""

    state = "short"


class FileBroken(DeliveryRefused):
    """The file is truncated, in another encoding, or not of its format."""


class ColumnsDiffer(DeliveryRefused):
    """Columns are missing or new."""


class NoRows(DeliveryRefused):
    """No rows came on a day that must have some."""

    state = "empty"


class WrongDay(DeliveryRefused):
    """The rows or the manifest are of another business date."""

    state = "wrong_day"


class AlreadyDelivered(DeliveryRefused):
    """The same bytes were delivered for another business date."""

    state = "duplicate"


class TooManyBadRows(DeliveryRefused):
    """More rows do not fit their types than the contract tolerates."""


class ContractBroken(DeliveryRefused):
    """A critical expectation failed, or could not run."""


class NightStopped(Stopped):
    """By policy nothing may be built from what came. Live stays as it was."""


class BuildFailed(Stopped):
    """dbt could not build a model, or a test of ours failed. Live stays as it was."""


class CannotPublish(Stopped):
    """Live cannot be moved to where it was asked to go."""
