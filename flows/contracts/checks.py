"""Hold the typed rows of one delivery against its suite, with Great Expectations.

`critical` refuses the delivery, `warning` sets the failing rows aside, `info` is only reported.
A check that could not run has not passed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import duckdb
import duckdb_engine
import great_expectations as gx
import sqlalchemy as sa
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator

from flows.contracts import gx_duckdb  # noqa: F401  (registers the data source)
from flows.contracts.contract import Contract
from flows.contracts.suites import suite_of
from flows.errors import ContractBroken

# Counts only: GX's samples of failing values would be customers' data in a log.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Finding:
    """What became of one check. `condition` is the SQL of the failing rows, where there is one."""

    expectation: str
    column: str | None
    severity: str
    outcome: str  # passed | failed | could not run
    failing_rows: int | None
    observed: str | None
    condition: str | None = None

    def __str__(self) -> str:
        where = f"{self.expectation} on {self.column}" if self.column else self.expectation
        if self.outcome == "could not run":
            return f"{where} could not run"
        if self.failing_rows:
            return f"{where}: {self.failing_rows:,} rows"
        return where


def check(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[Finding]:
    """Run the contract's suite over the table `accepted`; one finding for each check.

    Raises:
        ContractWrong: when the suite itself cannot be made.
    """
    suite = suite_of(contract)
    batch = _batch(connection, contract)
    result = batch.validate(suite, result_format=COUNTS_ONLY)
    calculator = _calculator(batch)
    found = [_finding(outcome, batch, calculator) for outcome in result.results]
    batch.data.execution_engine.let_go()
    return found


def refuse_broken(contract: Contract, day: dt.date, findings: list[Finding]) -> None:
    """Refuse a delivery that breaks a critical check, or in which any check could not run.

    Raises:
        ContractBroken: with the checks by name.
    """
    broken = [
        finding
        for finding in findings
        if finding.outcome == "could not run"
        or (finding.outcome == "failed" and finding.severity == "critical")
    ]
    if broken:
        raise ContractBroken(
            f"{contract.table} for {day} breaks its contract: "
            f"{'; '.join(str(finding) for finding in broken)}. Ask {contract.owner} to send it "
            f"again, then run: scv run {day}",
            findings,
        )


def _batch(connection: duckdb.DuckDBPyConnection, contract: Contract) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_duckdb(
        contract.table,
        connection_string="duckdb:///:memory:",
        kwargs={
            "creator": lambda: duckdb_engine.ConnectionWrapper(connection.cursor()),
            "poolclass": sa.pool.StaticPool,
        },
    )
    asset = source.add_table_asset(contract.table, table_name="accepted")
    return asset.add_batch_definition_whole_table("day").get_batch()


def _calculator(batch: Any) -> MetricsCalculator:
    engine = batch.data.execution_engine
    engine.batch_manager.load_batch_list([batch])
    return MetricsCalculator(execution_engine=engine)


def _finding(outcome: Any, batch: Any, calculator: MetricsCalculator) -> Finding:
    configuration = outcome.expectation_config
    severity = str(getattr(configuration.severity, "value", configuration.severity))
    ran = not _raised(outcome.exception_info or {})
    failed = ran and not outcome.success
    observed = outcome.result.get("observed_value")
    aside = failed and severity == "warning"
    return Finding(
        expectation=configuration.type,
        column=configuration.kwargs.get("column"),
        severity=severity,
        outcome="failed" if failed else "passed" if ran else "could not run",
        failing_rows=outcome.result.get("unexpected_count"),
        observed=None if observed is None else str(observed),
        condition=_condition(configuration, batch, calculator) if aside else None,
    )


def _raised(info: dict[str, Any]) -> bool:
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(bool(each.get("raised_exception")) for each in info.values())


def _condition(configuration: Any, batch: Any, calculator: MetricsCalculator) -> str:
    # GX's own condition: its `unexpected_index_query` is capped and forgets row conditions.
    expectation = configuration.to_domain_obj()
    domain = {k: v for k, v in configuration.kwargs.items() if k in expectation.domain_keys}
    domain["batch_id"] = batch.id
    value = {k: v for k, v in configuration.kwargs.items() if k not in domain and k != "mostly"}
    metric = MetricConfiguration(f"{expectation.map_metric}.condition", domain, value)
    condition, _, _ = calculator.get_metric(metric)
    engine = batch.data.execution_engine.engine
    return str(condition.compile(engine, compile_kwargs={"literal_binds": True}))
