"""Every way to stop, as a tree. Each message says what, where and what to do next.

Stopped
  ├─ SettingsWrong          the environment or the command line asks for something that is not there
  ├─ InstanceBusy           another batch holds this instance
  ├─ ContractWrong          a contract in expectations/ cannot be read or kept
  ├─ RequestWrong           a change request cannot be read, or is not complete
  │    ├─ NoSuchRequest     no request has that number
  │    ├─ RequestChanged    somebody else saved the request meanwhile
  │    └─ SampleRefused     a file that was sent along is not kept
  ├─ DeliveryRefused        a table came, but not as agreed
  │    ├─ StillAwaited      a late table may still come: its deadline is not over
  │    ├─ NothingDelivered  no manifest: the client has not delivered this date
  │    ├─ TableMissing      the manifest or the contract names it, and it is not there
  │    │    ├─ StillArriving      it is there and still growing
  │    │    └─ SourceUnreachable  the server does not answer, or stopped half-way
  │    ├─ AccessRefused     the server answers, and does not let us in
  │    ├─ OutsideStore      a name or a link leads out of the store's folder
  │    ├─ ManifestDiffers   the bytes or the rows are not those of the manifest
  │    ├─ FewerRows         fewer rows than the manifest says
  │    ├─ FileBroken        truncated, in another encoding, or not of its format
  │    ├─ ColumnsDiffer     columns are missing or new
  │    ├─ NoRows            no rows on a day that must have some
  │    ├─ WrongDay          the rows or the manifest are of another business date
  │    ├─ AlreadyDelivered  the bytes of another business date
  │    ├─ Overtaken         a snapshot that is older than one that is taken
  │    ├─ TooManyDeletions  a snapshot lacks more rows of the last one than can be believed
  │    ├─ TooManyBadRows    more rows do not fit their types than the contract tolerates
  │    └─ ContractBroken    a critical expectation failed, or could not run
  ├─ NoSpace                the disk of the instance is full: nothing is half taken
  ├─ NoMemory               a delivery needs more memory than the intake may use
  ├─ RowsLost               rows in do not add up to rows out: a fault of ours, nothing is taken
  ├─ NightStopped           by policy nothing may be built from what came; live stays as it was
  ├─ NightFailed            the night of a release, in a process of its own, did not end well
  ├─ CorrectionRefused      rows set aside cannot be let in as asked: nothing is changed
  ├─ ServeFailed            what runs an instance by itself did not start, or ended by itself
  ├─ BuildFailed            dbt could not build a model, or a test of ours failed
  │    └─ ShapeBroken       the first night on new code is not like the afternoon that tried it
  ├─ FitFailed              no parameters of a prediction model fit the history
  │    └─ TooLittleHistory  too few customers or weeks to fit, or to hold some back
  ├─ NothingPublished       nothing is live yet: the first night has not run
  ├─ NotComparable          two builds cannot be held against each other
  ├─ CannotPublish          live cannot be moved to where it was asked to go
  └─ DeployStopped          a release does not go live; what is live stays, with its code
       ├─ NoSuchRelease     the commit is not there, or cannot be checked out
       ├─ NotAllSent        campaigns of the day are not all known to be out
       ├─ NotProvenOnQA     the release has not been published on the instance that goes first
       ├─ CannotReplay      what is live does not come out again from its own code and batches
       ├─ AwaitsApproval    a person has to read the comparison, and approve it by its hash
       ├─ ReleaseBlocked    something differs that nobody may approve, or live has moved
       ├─ ReleaseRefused    a person read its report, and refused it
       └─ WindowMissed      the closing hour has passed: the next slot takes it

No message carries a value of a customer: a message may be sent to a person, a value may not.
"""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Sequence
from pathlib import Path
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


class RequestWrong(Stopped):
    """A change request cannot be read, is not complete, or expects what nobody knows."""


class NoSuchRequest(RequestWrong):
    """No request has that number: neither on the desk nor in `docs/requests/`."""

    exit_code = 2


class RequestChanged(RequestWrong):
    """Somebody else saved the request meanwhile: nothing is written over what they said."""


class SampleRefused(RequestWrong):
    """A file that was sent along is too large, broken, or not of a kind that is read here."""


class DeliveryRefused(Stopped):
    """A table came, but not as agreed. `state` is the word the ledger keeps.

    `found` is what the checks came to before it was refused, so that the ledger can tell.
    """

    state = "invalid"
    may_still_come = False

    def __init__(self, sentence: str, found: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.found = found


class StillAwaited(DeliveryRefused):
    """A late table may still come: its deadline is not over."""

    state = "late"


class NothingDelivered(DeliveryRefused):
    """No manifest: the client has not delivered this date."""

    state = "missing"


class TableMissing(DeliveryRefused):
    """The table is not where its contract says. Until `wait_until` it is waited for."""

    state = "missing"
    may_still_come = True


class StillArriving(TableMissing):
    """The file is there and still growing: it is not read before it is whole."""


class SourceUnreachable(TableMissing):
    """The server does not answer, or went away half-way: nothing was taken."""


class AccessRefused(DeliveryRefused):
    """The server answers and does not let us in: waiting does not help."""

    state = "missing"


class OutsideStore(DeliveryRefused):
    """A name or a link leads out of the store's folder: it is not followed."""


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


class Overtaken(DeliveryRefused):
    """A snapshot is older than one that is taken: it would undo what that one says."""


class TooManyDeletions(DeliveryRefused):
    """A snapshot lacks more rows of the last one than the contract believes were deleted."""


class TooManyBadRows(DeliveryRefused):
    """More rows do not fit their types than the contract tolerates."""


class ContractBroken(DeliveryRefused):
    """A critical expectation failed, or could not run."""


class NoSpace(Stopped):
    """The disk of the instance is full: nothing is half taken."""

    NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

    @classmethod
    def on(cls, folder: Path, day: dt.date) -> NoSpace:
        """Return the error for a folder of the instance and the date that it stopped."""
        return cls(
            f"The disk of {folder} is full, and nothing of what was being taken in was kept. "
            f"Make room (df -h {folder}), then run: scv run {day}"
        )


class NoMemory(Stopped):
    """A delivery needs more memory than the intake may use: nothing is half taken."""


class RowsLost(Stopped):
    """Accepted and set-aside rows do not add up to those that came: nothing is taken."""


class CorrectionRefused(Stopped):
    """Rows that were set aside cannot be let in as asked. Nothing is changed."""


class NightStopped(Stopped):
    """By policy nothing may be built from what came. Live stays as it was."""


class NightFailed(Stopped):
    """The night of a release, in a process of its own, did not end well. Its sentence says why."""


class ServeFailed(Stopped):
    """What runs an instance by itself did not start, or one of its processes ended by itself."""


class BuildFailed(Stopped):
    """dbt could not build a model, or a test of ours failed. Live stays as it was."""


class ShapeBroken(BuildFailed):
    """The first night on new code is not like the afternoon that tried it. Nothing is sent."""


class FitFailed(Stopped):
    """No parameters of a prediction model fit the history. The seed stays as it was."""


class TooLittleHistory(FitFailed):
    """Too few customers or weeks to fit a prediction model, or to hold some back."""


class NothingPublished(Stopped):
    """Nothing is live yet: the first night has not run."""


class NotComparable(Stopped):
    """Two builds cannot be held against each other: one cannot be read, or memory is short."""


class CannotPublish(Stopped):
    """Live cannot be moved to where it was asked to go."""


class DeployStopped(Stopped):
    """A release does not go live. What is live stays, with the code that made it."""


class NoSuchRelease(DeployStopped):
    """The commit is not there, or cannot be checked out."""

    exit_code = 2


class NotAllSent(DeployStopped):
    """Campaigns of the day are not all known to be sent, held or cancelled."""


class NotProvenOnQA(DeployStopped):
    """The release has not been published on the instance that goes first."""


class CannotReplay(DeployStopped):
    """What is live does not come out again from its own code and batches."""


class AwaitsApproval(DeployStopped):
    """A person has to read the comparison, and approve it by its hash."""

    exit_code = 3


class ReleaseBlocked(DeployStopped):
    """Something differs that nobody may approve, or live has moved since it was compared."""


class ReleaseRefused(DeployStopped):
    """A person read the report of a release, and refused it."""


class WindowMissed(DeployStopped):
    """The closing hour has passed: the release waits for the next slot."""
