"""A contract as a Great Expectations suite, strictly.

GX logs and drops an expectation whose type it does not know; here that is an error. A `warning`
sets the failing rows aside, so it must be a check of single rows.
"""

from __future__ import annotations

import difflib
import warnings
from typing import Any

from flows.contracts.contract import Contract, Expectation
from flows.errors import ContractWrong

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation import ColumnMapExpectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )


def suite_of(contract: Contract) -> gx.ExpectationSuite:
    """Return the contract's suite, with every check in it that the contract names.

    Raises:
        ContractWrong: for a type that GX does not know, for words that the type does not take, for
            a column that the table does not have, and for a warning that cannot name its rows.
    """
    suite = gx.ExpectationSuite(
        name=contract.table,
        expectations=[_configured(contract, each) for each in contract.expectations],
    )
    if len(suite.expectations) != len(contract.expectations):
        raise ContractWrong(
            f"expectations/{contract.table}.yml: {len(contract.expectations)} checks are written, "
            f"{len(suite.expectations)} were kept: two of them are the same."
        )
    return suite


def _configured(contract: Contract, expectation: Expectation) -> Any:
    known = _implementation(contract, expectation)
    _columns_exist(contract, expectation)
    if expectation.severity == "warning" and not issubclass(known, ColumnMapExpectation):
        raise _wrong(
            contract,
            f"{expectation.type} cannot be a warning: a warning sets failing rows aside, and this "
            "check does not look at single rows. Make it critical or info",
        )
    configuration = ExpectationConfiguration(
        type=expectation.type, kwargs=expectation.kwargs, severity=expectation.severity
    )
    try:
        return configuration.to_domain_obj()
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise _wrong(
            contract, f"{expectation.type} does not take what it is given: {reason}"
        ) from None


def _implementation(contract: Contract, expectation: Expectation) -> type[Any]:
    try:
        known: type[Any] = get_expectation_impl(expectation.type)
        return known
    except ExpectationNotFoundError:
        names = list_registered_expectation_implementations()
        near = difflib.get_close_matches(expectation.type, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise _wrong(
            contract, f"Great Expectations does not know '{expectation.type}'.{hint} Mend it"
        ) from None


def _columns_exist(contract: Contract, expectation: Expectation) -> None:
    named = [expectation.kwargs.get("column"), *expectation.kwargs.get("column_list", [])]
    unknown = [name for name in named if name is not None and name not in contract.names]
    if unknown:
        raise _wrong(
            contract, f"{expectation.type} names {', '.join(unknown)}, which is no column. Mend it"
        )


def _wrong(contract: Contract, sentence: str) -> ContractWrong:
    return ContractWrong(f"expectations/{contract.table}.yml: {sentence}, then run again.")
