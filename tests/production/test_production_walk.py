"""docs/runbooks/production.md, walked on loopback: PostgreSQL, a server with a login, a worker."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa
from prefect.client.schemas.filters import FlowRunFilter, LogFilter
from prefect.client.schemas.objects import FlowRun
from ruamel.yaml import YAML

from flows import slots
from flows.builds import live, pins
from flows.contracts.files import read_contracts
from flows.ledger import Ledger, Row, builds, nights
from flows.ledger import pins as pins_table
from flows.prefect_upkeep import ZOMBIES, slot_of
from flows.releases.deploys import latest
from flows.schedules import SCHEDULED
from flows.settings import PROJECT
from tests.conftest import NEXT, NIGHTS, World, _share
from tests.production.machine import LOGIN, Machine, database, made
from tests.production.serving import api, free_ports, until
from tests.releases.control import is_proved
from tests.releases.test_redeploy import COUNTED, COUNTED_OTHERWISE, SERVICE

TODAY, YESTERDAY = NIGHTS[-1], NIGHTS[-2]
# A candidate is made in half a minute, on a machine that does nothing else.
MAKING = 900.0
# The evening of a day that the client has not delivered yet: its night waits.
EVENING = {
    "SCV_TIME_ZONE": "America/New_York",
    "SCV_NIGHT_STARTS_AT": f"{NEXT}T22:00",
    "SCV_LOOK_EVERY_SECONDS": "1",
    "SCV_RECOUNT_CUSTOMERS": "0",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
}


@pytest.fixture
def machine(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the demo client's nights, of which live was made by the first release."""
    root = tmp_path_factory.mktemp("machine")
    _share(world.deliveries, root / "deliveries")
    _share(world.warehouse, root / "warehouse")
    with database() as address:
        machine = made(root, free_ports(2), address, "demo")
        machine = Machine(root, {**machine.environment, **EVENING}, machine.first, machine.second)
        made_by(machine, f"{TODAY}-01", machine.first)
        with machine.unit("server"):
            until(lambda: is_healthy(machine), "the server")
            machine.call("prefect", "work-pool", "create", "scv-demo", "--type", "process")
            machine.call("scv", "schedule")
            with machine.unit("worker"):
                yield machine


def is_healthy(machine: Machine) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{machine.port}/api/health").is_success
    except httpx.TransportError:
        return False


def made_by(machine: Machine, build_id: str, release: str) -> None:
    """Write down that a release made a build: the very one that it would make."""
    ledger = Ledger(machine.instance.ledger_url)
    row = ledger.row(sa.select(builds).where(builds.c.build_id == build_id))
    assert row is not None
    query = sa.select(pins_table).where(pins_table.c.build_id == build_id)
    verdicts: list[Any] = [
        SimpleNamespace(table=each["table_name"], state=each["state"], as_of=each["as_of_date"])
        for each in ledger.rows(query)
    ]
    pinned = pins.choose(ledger, read_contracts(), verdicts)
    base = row["base_build_id"]
    assert pins.inputs_digest(base, row["release"], pinned) == row["inputs"]
    inputs = pins.inputs_digest(base, release, pinned)
    ledger.change(builds, builds.c.build_id == build_id, release=release, inputs=inputs)


def start(machine: Machine, flow: str = "nightly", **parameters: Any) -> FlowRun:
    """Start a night or a release by hand, as the page of Prefect does."""
    with api(machine.port, LOGIN) as client:
        deployment = client.read_deployment_by_name(f"{flow}/demo")
        return client.create_flow_run_from_deployment(deployment.id, parameters=parameters)


def ended(machine: Machine, run: FlowRun, limit: float = MAKING) -> FlowRun:
    """Wait for the end of a run."""

    def look() -> FlowRun | None:
        with api(machine.port, LOGIN) as client:
            found = client.read_flow_run(run.id)
        return found if found.state is not None and found.state.is_final() else None

    return until(look, f"the end of {run.name}", limit)


def said_by(machine: Machine, run: FlowRun, last: str) -> list[str]:
    """Return what a run said; its last line may arrive after it has ended."""

    def look() -> list[str] | None:
        with api(machine.port, LOGIN) as client:
            told = LogFilter(flow_run_id={"any_": [run.id]})  # type: ignore[arg-type]
            lines = [each.message for each in client.read_logs(told)]
        return lines if any(last in line for line in lines) else None

    return until(look, f"{last!r} in what {run.name} said")


def marks(lines: list[str]) -> set[str]:
    """Return which releases said the lines."""
    return {name for name in ("first", "second") for line in lines if f"[{name}]" in line}


def test_a_machine_of_its_own_runs_nights_with_the_code_of_live(machine: Machine) -> None:
    """One machine is walked through: what one step leaves, the next one finds."""
    nothing_is_told_and_nothing_is_taken_without_the_login(machine)
    nights_and_releases_are_scheduled_at_their_local_times(machine)
    a_night_is_run_by_the_worker_with_the_release_of_live(machine)
    a_deploy_leaves_a_night_in_flight_on_its_old_code(machine)
    the_next_night_has_the_new_code_and_after_a_rollback_the_old(machine)
    a_release_is_approved_on_the_page_of_its_run(machine)
    and_another_is_refused_on_the_command_line(machine)
    the_pages_are_read(machine)


def nothing_is_told_and_nothing_is_taken_without_the_login(machine: Machine) -> None:
    address = f"http://127.0.0.1:{machine.port}/api"
    user, password = LOGIN.split(":")
    for login, code in ((None, 401), ((user, "no"), 401), ((user, password), 200)):
        assert httpx.get(f"{address}/flows/name/nightly", auth=login).status_code == code
    # With the login, but from a page of somebody else's, which has no token.
    asked = httpx.post(f"{address}/flows/filter", json={}, auth=(user, password))
    assert asked.status_code == 403
    with api(machine.port, LOGIN) as client:
        assert {flow.name for flow in client.read_flows()} >= {"nightly", "redeploy"}


def nights_and_releases_are_scheduled_at_their_local_times(machine: Machine) -> None:
    def planned() -> Mapping[str, list[dt.datetime]] | None:
        found: dict[str, list[dt.datetime]] = {}
        with api(machine.port, LOGIN) as client:
            for name in ("nightly", "redeploy"):
                deployment = client.read_deployment_by_name(f"{name}/demo")
                asked = FlowRunFilter(deployment_id={"any_": [deployment.id]})  # type: ignore
                runs = client.read_flow_runs(flow_run_filter=asked)
                found[name] = [
                    run.expected_start_time.astimezone(ZoneInfo("America/New_York"))
                    for run in runs
                    if run.state_name == "Scheduled" and run.expected_start_time
                ]
        return found if all(found.values()) else None

    times = until(planned, "scheduled runs")
    assert {f"{each:%H:%M}" for each in times["nightly"]} == {"22:00"}
    assert {f"{each:%a %H:%M}" for each in times["redeploy"]} == {"Tue 15:00"}
    since = {(each.date() - dt.date(2026, 1, 6)).days % 14 for each in times["redeploy"]}
    assert since == {0}
    # What is deployed again is not there twice.
    machine.call("scv", "schedule")
    with api(machine.port, LOGIN) as client:
        assert len(client.read_deployment_by_name("nightly/demo").schedules) == 1
        assert len(client.read_automations_by_name(ZOMBIES)) == 1
        limits = {limit.name: limit.limit for limit in client.read_global_concurrency_limits()}
    assert limits[slot_of(machine.instance)] == 1


def a_night_is_run_by_the_worker_with_the_release_of_live(
    machine: Machine,
) -> None:
    run = ended(machine, start(machine, business_date=str(TODAY)))
    assert run.state_name == "Completed", run.state
    assert run.name == f"nightly {TODAY}"
    lines = said_by(machine, run, "ends with the code of the first release")
    assert f"{TODAY}, with code {machine.first}" in lines
    assert marks(lines) == {"first"}
    # It was done already: what it is asked again it does not do again.
    assert live.current(machine.instance) == f"{TODAY}-01"


def a_deploy_leaves_a_night_in_flight_on_its_old_code(machine: Machine) -> None:
    """No date is given: it is the evening of the 22nd, and its delivery is waited for."""
    ledger = Ledger(machine.instance.ledger_url)
    run = start(machine)
    waits = sa.select(nights).where(nights.c.business_date == NEXT, nights.c.state == "running")
    until(lambda: ledger.row(waits.where(nights.c.step != "starting")), "a night that waits")

    publish_the_second_release(machine, ledger)
    folder = machine.instance.deliveries / str(NEXT)
    folder.mkdir()
    arriving = folder / "arriving"
    arriving.write_text("cut off {")
    arriving.rename(folder / "manifest.json")

    run = ended(machine, run)
    assert run.state_name == "Failed"
    assert run.state is not None
    assert "is not a manifest: it is no JSON, or cut off" in str(run.state.message)
    lines = said_by(machine, run, "ends with the code of")
    assert "[first] ends with the code of the first release" in lines
    assert marks(lines) == {"first"}


def publish_the_second_release(machine: Machine, ledger: Ledger) -> None:
    """What a redeploy comes to: the same day, built by the next release, is live."""
    instance, now_live = machine.instance, live.current(machine.instance)
    build_id = f"{TODAY}-09"
    before = ledger.row(sa.select(builds).where(builds.c.build_id == now_live))
    assert now_live is not None
    assert before is not None
    ledger.add(builds, **{**before, "build_id": build_id, "release": machine.second})
    os.link(live.path_of(instance, now_live), live.path_of(instance, build_id))
    live.publish(instance, ledger, build_id)


def the_next_night_has_the_new_code_and_after_a_rollback_the_old(
    machine: Machine,
) -> None:
    """A date before live is refused at once, by the code that is asked."""
    assert code_of_a_refused_night(machine) == {"second"}
    live.roll_back(machine.instance, Ledger(machine.instance.ledger_url))
    assert code_of_a_refused_night(machine) == {"first"}


def code_of_a_refused_night(machine: Machine) -> set[str]:
    run = ended(machine, start(machine, business_date=str(YESTERDAY)))
    assert run.state is not None
    assert "To take it back on purpose: scv rollback" in str(run.state.message)
    return marks(said_by(machine, run, f"business date {YESTERDAY}"))


def a_release_that_waits(machine: Machine, counted: str) -> tuple[FlowRun, Row]:
    """Start a release that nobody declared; return its run and its deploy, when they wait."""
    commit = machine.third({SERVICE: (COUNTED, counted)})
    run = start(machine, "redeploy", ref=commit, scheduled=False)

    def look() -> FlowRun | None:
        with api(machine.port, LOGIN) as client:
            found = client.read_flow_run(run.id)
        is_over = found.state is not None and (found.state.is_final() or found.state.is_paused())
        return found if is_over else None

    waits = until(look, "a release that waits", MAKING)
    assert waits.state is not None
    assert waits.state.is_paused(), waits.state
    row = newest_deploy(machine)
    assert (row["state"], row["release"]) == ("waiting", commit)
    return run, row


def newest_deploy(machine: Machine) -> Row:
    row = latest(Ledger(machine.instance.ledger_url))
    assert row is not None
    return row


def a_release_is_approved_on_the_page_of_its_run(machine: Machine) -> None:
    """It waits without a process and without the slot, and goes on with what was typed."""
    ledger = Ledger(machine.instance.ledger_url)
    before = live.current(machine.instance)
    is_proved(ledger)
    run, row = a_release_that_waits(machine, COUNTED_OTHERWISE)
    assert live.current(machine.instance) == before
    assert slots.holder(ledger, machine.instance.instance) is None
    with api(machine.port, LOGIN) as client:
        typed = {"report_hash": row["report_hash"][:12], "who": "Ada", "why": "Read"}
        assert client.resume_flow_run(run.id, run_input=typed).status.value == "REJECT"
        answer = client.resume_flow_run(run.id, run_input=typed | {"approve": True})
        assert answer.status.value == "ACCEPT"
    done = ended(machine, run)
    assert done.state_name == "Completed", done.state
    after = newest_deploy(machine)
    assert (after["state"], after["release"]) == ("published", row["release"])
    assert live.current(machine.instance) == after["candidate_id"]


def and_another_is_refused_on_the_command_line(machine: Machine) -> None:
    before = live.current(machine.instance)
    run, row = a_release_that_waits(machine, COUNTED_OTHERWISE.replace("= 7", "= 8"))
    decided = ("--who", "Ada", "--why", "Not this week", "--refuse")

    said = machine.call("scv", "approve", row["report_hash"][:12], *decided)

    assert "is refused. Its run goes on." in said
    done = ended(machine, run)
    assert done.state_name == "Failed", done.state
    assert "was refused by Ada: Not this week" in newest_deploy(machine)["sentence"]
    assert live.current(machine.instance) == before


def the_pages_are_read(machine: Machine) -> None:
    with machine.unit("pages"):
        address = f"http://127.0.0.1:{machine.port + 1}/"

        def look() -> httpx.Response | None:
            try:
                return httpx.get(address, follow_redirects=True)
            except httpx.TransportError:
                return None

        page = until(look, "the pages")
    assert page.status_code == 200
    assert str(TODAY) in page.text


def test_what_is_deployed_is_what_is_served() -> None:
    """prefect.yaml names the same flows, with the same parameters, as flows/schedules.py."""
    document = YAML(typ="safe", pure=True).load((PROJECT / "prefect.yaml").read_text())
    deployed = {each["entrypoint"]: each.get("parameters", {}) for each in document["deployments"]}
    assert deployed == {each.entrypoint: dict(each.parameters) for each in SCHEDULED}
    slugs = {each["schedules"][0]["slug"] for each in document["deployments"]}
    assert slugs == {each.name for each in SCHEDULED}


def test_each_variable_of_the_environment_file_is_one_that_somebody_reads() -> None:
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings

    from flows.settings import Instance

    lines = (PROJECT / "deploy" / "instance.env").read_text().splitlines()
    names = [line.split("=")[0] for line in lines if line and not line.startswith("#")]
    ours = {f"SCV_{name.upper()}" for name in Instance.model_fields}
    others = {"PYTHONPATH", "DO_NOT_TRACK", "DBT_SEND_ANONYMOUS_USAGE_STATS"}
    known = ours | others | set(_get_settings_fields(Settings))
    assert not set(names) - known
    assert len(names) == len(set(names))


def test_units_and_environment_name_the_same_folders() -> None:
    for unit in (PROJECT / "deploy").glob("*.service"):
        text = unit.read_text()
        assert "EnvironmentFile=/etc/scv/%i.env" in text
        assert "WorkingDirectory=/srv/scv/control" in text
        assert (
            Path(unit.name).stem.removesuffix("@")
            in (PROJECT / "docs" / "runbooks" / "production.md").read_text()
        )
