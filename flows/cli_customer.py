"""`scv customer`: one customer on the screen, or as JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.customer import Customer


def show_customer(name: str, *, show_personal: bool, as_json: bool) -> None:
    """Print one customer.

    Raises:
        NothingPublished: when nothing is live.
        SettingsWrong: when live knows nobody of that id.
    """
    from flows.console import say
    from flows.customer import read_customer
    from flows.customer_reasons import reasons_of
    from flows.ledger import Ledger
    from flows.settings import read_instance

    instance = read_instance()
    customer = read_customer(
        instance, Ledger(instance.ledger_url), name, show_personal=show_personal
    )
    why = reasons_of(customer)
    if as_json:
        told = asdict(customer) | {"why": why, "business_date": customer.business_date}
        say(json.dumps(told, default=_plain, indent=2, ensure_ascii=False))
        return
    say(_who(customer))
    for title, lines in _chapters(customer, why).items():
        say(f"\n{title}", "bold")
        for line in lines:
            say(f"  {line}")
    if not show_personal and customer.row is not None:
        say("\nNames and addresses are not shown: --show-personal does.", "dim")


def _who(customer: Customer) -> str:
    record = customer.record
    ours, theirs = record["scv_customer_id"], record.get("client_customer_id")
    said = f"{ours}, the client's {theirs}, in {customer.build_id}"
    if record["record_status"] == "closed":
        return f"{said}: closed since {record['closed_at']:%Y-%m-%d}. It is no customer any more."
    if record["record_status"] == "merged":
        own = record["record_scv_customer_id"]
        since = f" since {record['merged_at']:%Y-%m-%d}" if record["merged_at"] else ""
        if own == ours:
            # The oldest record gives the customer its key, whichever the client keeps.
            return f"{said}: of several records, merged{since}"
        return f"The client's {theirs} ({own}) is merged into {ours}{since}. Below is {ours}."
    return said


def _chapters(customer: Customer, why: Mapping[str, str]) -> dict[str, list[str]]:
    found = {"Why": [f"{name}: {sentence}" for name, sentence in why.items()]} if why else {}
    found["Campaigns due today"] = _campaigns(customer)
    found["Messages that went out"] = [
        f"{each['occurrence_date']} {each['campaign_id']} by {each['channel']}"
        + (": held back as control" if each["is_control"] else "")
        + (
            ""
            if each["customer_id"] == customer.record["customer_id"]
            else ", to a record merged since"
        )
        for each in customer.messages
    ] or ["none that is kept"]
    found["Last days with an order"] = [
        f"{each['business_date']}: {_counted(each['orders'], 'order')}, net {each['net']:,.2f}"
        for each in customer.orders
    ] or ["none"]
    found[_since(customer)] = _history(customer)
    if customer.row is not None:
        for group, names in customer.groups.items():
            found[f"Row: {group}"] = _group(customer.row, names)
    return found


def _campaigns(customer: Customer) -> list[str]:
    if customer.row is None:
        return ["none: it is no customer"]
    return [_campaign(each) for each in customer.campaigns] or ["none is due"]


def _campaign(each: Mapping[str, Any]) -> str:
    said = f"{each['campaign_id']} by {each['channel']}: "
    if each["status"] is None:
        return said + "not in its audience"
    by = f" by the rule {each['rule']}" if each["rule"] else ""
    held = f" The campaign is held: {each['held']}" if each["held"] else ""
    return f"{said}{each['status']}{by}, {each['reason']}.{held}"


def _since(customer: Customer) -> str:
    if len(customer.compared) < 2:
        return "History"
    return f"What changed in the builds from {customer.compared[0]} to {customer.compared[-1]}"


def _history(customer: Customer) -> list[str]:
    if len(customer.compared) < 2:
        return ["there is no earlier build to compare with"]
    if len(customer.absent) == len(customer.compared):
        return ["it was no customer in any of them"]
    lines = [f"{day}: no customer" for day in customer.absent]
    lines += [
        f"{each.business_date}: {each.attribute} {_value(each.before)} → {_value(each.after)}"
        for each in customer.changes
    ]
    return sorted(lines) or ["nothing but the date"]


def _group(row: Mapping[str, Any], names: list[str] | Any) -> list[str]:
    known = [f"{name}: {_value(row[name])}" for name in names if row.get(name) is not None]
    unknown = [name for name in names if row.get(name) is None]
    return known + ([f"not known: {', '.join(unknown)}"] if unknown else [])


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no plain form")
