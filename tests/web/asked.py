"""A request for an attribute as a person types it, field by field."""

from __future__ import annotations

EXAMPLES = "\n".join(
    (
        "customer_id\tvisited_date\tshop\texpected",
        "1\t2017-11-20\tnorth\t2",
        "1\t2017-11-02\tsouth\t",
        "2\t2017-11-21\tnorth\t1",
        "3\t2017-06-01\tnorth\t0",
    )
)
# In the order of the page; a list is what is chosen among radios or ticks.
TYPED: dict[str, str | list[str]] = {
    "title": "Visits to shops",
    "client": "Complete Journey Grocer",
    "instance": "qa",
    "project_manager": "Noa Levi",
    "asked_by": "Jordan Blake",
    "asked_by_email": "jordan.blake@client.example",
    "about_consent": ["no"],
    "kinds": ["attribute"],
    "reason": "Who visits often hears of events first.",
    "wanted_on": "2017-12-05",
    "attribute.name": "shop_visits_30d",
    "attribute.label": "Visits of 30 days",
    "attribute.definition": "How often the customer was in a shop in (A-30, A].",
    "attribute.input": "int_visits_resolved",
    "attribute.formula": "count(*)",
    "attribute.window_days": "30",
    "attribute.window_column": "visited_date",
    "attribute.data_type": "bigint",
    "attribute.when_nothing": ["zero"],
    "attribute.example_date": "2017-11-21",
    "attribute.examples": EXAMPLES,
}


def fields(**changes: str) -> dict[str, str | list[str]]:
    """What a browser sends of it, with some fields otherwise: `attribute__name="x"`."""
    return {**TYPED, **{name.replace("__", "."): text for name, text in changes.items()}}
