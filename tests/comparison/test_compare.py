"""What a comparison finds is what was changed, and what cannot differ is not read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.builds import fingerprints
from flows.comparison.result import HIDDEN, VIEW, Comparison
from flows.errors import NotComparable
from tests.comparison.builds import (
    Altered,
    attribute,
    compared,
    copy_of,
    manifest_of,
    relation,
)
from tests.conftest import NIGHTS

SOME = "customer_id in (select customer_id from marts.customer_identity order by 1 limit 7)"


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a build."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def by_hand(before: Path, after: Path) -> dict[str, int]:
    """For how many customers each attribute changed, by a join of both views."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{before}' as b (read_only)")
        connection.execute(f"attach '{after}' as a (read_only)")
        names = [row[0] for row in connection.execute(f"describe a.{VIEW}").fetchall()]
        counts = ", ".join(
            f"count(*) filter (where b.{name} is distinct from a.{name})" for name in names
        )
        found = connection.execute(
            f"select {counts} from b.{VIEW} as b inner join a.{VIEW} as a using (customer_id)"
        ).fetchall()[0]
    told = dict(zip(names, found, strict=True))
    return {name: n for name, n in told.items() if n and name not in fingerprints.OWN_NAMES}


def test_a_build_is_equal_to_itself_and_nothing_of_it_is_read(build: Path) -> None:
    found = compared(build, build)
    assert not found.differs
    assert not [each.relation for each in found.relations if each.is_read]
    assert found.view.rows_after == ask(build, f"select count(*) from {VIEW}")[0][0]
    assert not any(each.differs for each in found.audiences)


def test_what_names_the_build_does_not_count(build: Path, altered: Altered) -> None:
    found = altered("update raw.build set build_id = 'another', code_version = 'another'")
    assert found.after.build_id == "another"
    assert not found.differs
    assert not found.view.is_read


def test_a_changed_attribute_is_told_with_its_customers(build: Path, altered: Altered) -> None:
    found = altered(
        f"update marts.customer_purchases set net_sales_365d = net_sales_365d + 1 where {SOME}"
    )
    assert [each.relation for each in found.changed] == [VIEW]
    assert [each.name for each in found.view.attributes] == ["net_sales_365d"]
    told = attribute(found, "net_sales_365d")
    known = ask(
        build,
        f"select customer_id, cast(net_sales_365d as varchar), cast(net_sales_365d + 1 as varchar) "
        f"from {VIEW} where {SOME} and net_sales_365d is not null",
    )
    assert told.changed == len(known) > 3
    assert told.share == round(len(known) / (found.view.rows_after or 0), 9)
    assert {(e.customer_id, e.before, e.after) for e in told.examples} <= set(known)
    assert len(told.examples) == min(5, len(known))
    assert told.distribution is not None
    assert (told.lost, told.gained) == (0, 0)


def test_what_hangs_on_a_changed_column_in_the_view_is_read_too(altered: Altered) -> None:
    found = altered(
        "update marts.customer_purchases set last_order_date = last_order_date - 1 "
        f"where {SOME} and last_order_date is not null"
    )
    names = [each.name for each in found.view.attributes]
    assert names == ["last_order_date", "days_since_last_order", "churn_factor"]
    # A view of the models reads it too.
    assert {each.relation for each in found.changed} == {VIEW, "marts.customer_scores"}


def test_values_that_go_and_come_are_counted(build: Path, altered: Altered) -> None:
    found = altered(
        f"update marts.customer_stores set home_store_id = null where {SOME}",
        f"update marts.customer_web set last_viewed_category = 'tea' where {SOME} "
        "and last_viewed_category is null",
    )
    had = ask(build, f"select count(home_store_id), count(*) from {VIEW} where {SOME}")[0]
    assert attribute(found, "home_store_id").lost == had[0] > 0
    seen = attribute(found, "last_viewed_category")
    assert seen.gained == seen.changed > 0


def test_a_personal_value_is_never_shown(build: Path, altered: Altered) -> None:
    found = altered(f"update marts.customer_identity set first_name = 'Zebedee' where {SOME}")
    told = attribute(found, "first_name")
    assert told.is_personal
    assert {each.after for each in told.examples} == {HIDDEN}
    said = found.model_dump_json()
    assert "Zebedee" not in said
    names = ask(build, f"select first_name from {VIEW} where {SOME} and length(first_name) > 4")
    assert not [name for (name,) in names if f'"{name}"' in said]


def test_a_column_that_the_view_does_not_have_is_told_under_its_section(altered: Altered) -> None:
    found = altered(
        f"update marts.customer_reachability set first_contact_channel = 'owl' where {SOME}"
    )
    assert [each.relation for each in found.changed] == ["marts.customer_reachability"]
    told = relation(found, "marts.customer_reachability").attributes
    assert [(each.name, each.changed) for each in told] == [("first_contact_channel", 7)]


def test_a_customer_who_is_gone_is_told(build: Path, altered: Altered) -> None:
    first = ask(build, f"select min(customer_id) from {VIEW}")[0][0]
    found = altered(f"delete from marts.customer_identity where customer_id = {first}")
    assert (found.view.only_before, found.view.only_after) == (1, 0)
    assert found.view.gone == (first,)
    assert not found.view.attributes


def test_a_customer_who_is_gone_from_every_section_is_told_once(
    build: Path, altered: Altered
) -> None:
    first = ask(build, f"select min(customer_id) from {VIEW}")[0][0]
    sections = ask(
        build,
        "select table_name from duckdb_columns() where schema_name = 'marts' "
        "and column_name = 'customer_id' and table_name in "
        "(select table_name from duckdb_tables())",
    )
    found = altered(
        *(f"delete from marts.{name} where customer_id = {first}" for (name,) in sections),
        f"update marts.customer_web set web_sessions_30d = 99 where {SOME}",
    )
    assert found.view.gone == (first,)
    assert [each.name for each in found.view.attributes] == ["web_sessions_30d"]
    assert {each.relation for each in found.changed} == {
        VIEW,
        "marts.customer_predictions",
        "marts.customer_scores",
    }


def test_columns_that_come_go_and_change_their_type_are_told(altered: Altered) -> None:
    found = altered(
        "alter table marts.customer_reachability add column owl_deliverable boolean",
        "alter table marts.rfm_cut_points drop column customer_count",
        "alter table marts.price_cut_points alter customer_count type integer",
    )
    sections = {each.relation: each.columns for each in found.changed}
    added = sections["marts.customer_reachability"].added
    assert [each.name for each in added] == ["owl_deliverable"]
    removed = sections["marts.rfm_cut_points"].removed
    assert [each.name for each in removed] == ["customer_count"]
    retyped = sections["marts.price_cut_points"].retyped
    assert [(e.name, e.before, e.after) for e in retyped] == [
        ("customer_count", "BIGINT", "INTEGER")
    ]
    assert not relation(found, "marts.price_cut_points").attributes


def test_columns_in_another_order_are_told(altered: Altered) -> None:
    found = altered(
        "create or replace table marts.rfm_cut_points as "
        "select metric, * exclude (metric, cut_40), cut_40 from marts.rfm_cut_points"
    )
    assert relation(found, "marts.rfm_cut_points").columns.moved == ("cut_40",)


def test_an_audience_that_moved_is_told_by_campaign(build: Path, altered: Altered) -> None:
    chosen = ask(
        build,
        "select campaign_id, min(customer_id), count(*) from campaigns.campaign_targets "
        "where status = 'chosen' group by 1 order by 3 desc limit 1",
    )[0]
    found = altered(
        "update campaigns.campaign_targets set status = 'control' "
        f"where campaign_id = '{chosen[0]}' and customer_id = {chosen[1]}"
    )
    told = next(each for each in found.audiences if each.campaign_id == chosen[0])
    assert (told.before, told.joined, told.left, told.stayed) == (chosen[2], 0, 1, chosen[2] - 1)
    assert (told.control_joined, told.left_examples) == (1, (chosen[1],))
    assert [each.differs for each in found.audiences].count(True) == 1


def test_who_turns_contactable_without_a_yes_is_found(build: Path, altered: Altered) -> None:
    never = ask(
        build,
        "select customer_id from marts.customer_consents inner join marts.customer_reachability "
        "using (customer_id) where not allow_email and not contactable_email order by 1 limit 2",
    )
    once = ask(
        build,
        "select customer_id from marts.customer_consents inner join marts.customer_reachability "
        "using (customer_id) where allow_email and opt_in_global and not contactable_email "
        "order by 1 limit 3",
    )
    ids = [row[0] for row in [*never, *once]]
    found = altered(
        f"update marts.customer_consents set allow_email = true where customer_id in {(*ids, 0)}",
        "update marts.customer_reachability set contactable_email = true "
        f"where customer_id in {(*ids, 0)}",
    )
    told = next(each for each in found.reachability if each.channel == "email")
    assert told.turned_on == len(ids) == 5
    assert told.without_consent == 2
    assert told.without_consent_examples == tuple(row[0] for row in never)


def test_a_channel_that_is_new_makes_nobody_contactable_without_a_yes(
    build: Path, altered: Altered
) -> None:
    yes = ask(
        build,
        "select count(*) from marts.customer_consents where allow_push and opt_in_global",
    )[0][0]
    found = altered(
        "alter table marts.customer_reachability add column contactable_push boolean default true"
    )
    told = next(each for each in found.reachability if each.channel == "push")
    assert (told.before, told.after) == (0, found.view.rows_after)
    assert told.turned_on == told.after
    assert told.without_consent == told.after - yes


@pytest.mark.parametrize("broken", ["build", "manifest"])
def test_a_build_that_cannot_be_read_stops_with_its_name(
    broken: str, build: Path, tmp_path: Path
) -> None:
    copy = copy_of(build, tmp_path)
    (copy if broken == "build" else manifest_of(copy)).write_text("no database, no JSON")
    with pytest.raises(NotComparable, match=build.stem):
        compared(build, copy)


def test_a_relation_that_cannot_differ_is_not_read(build: Path, tmp_path: Path) -> None:
    """Told equal by its fingerprint, nobody looks: a change in it is not noticed."""
    changed = copy_of(
        build,
        tmp_path,
        f"update marts.customer_purchases set net_sales_365d = -1 where {SOME}",
        f"update marts.customer_web set web_sessions_30d = -1 where {SOME}",
    )
    prints = fingerprints.take(changed, fingerprints.PUBLIC)
    prints |= {
        "marts.customer_purchases": fingerprints.take(build, ["marts"])["marts.customer_purchases"]
    }
    found = compared(build, changed, prints)
    assert [each.name for each in found.view.attributes] == ["web_sessions_30d"]
    read = {each.relation for each in found.relations if each.is_read}
    # Views whose SQL reads the section; tables are told by their fingerprints.
    assert read == {VIEW, "marts.customer_web"}


def test_two_nights_are_compared_and_the_report_is_the_same_each_time(
    nights: dict[dt.date, Path],
) -> None:
    before, after = nights[NIGHTS[-2]], nights[NIGHTS[-1]]
    found = compared(before, after)
    assert found.differs
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    assert compared(before, after).digest == found.digest
    assert compared(after, before).digest != found.digest
    assert {each.name: each.changed for each in found.view.attributes} == by_hand(before, after)


def test_what_cannot_be_taken_apart_is_compared_as_a_whole(build: Path, tmp_path: Path) -> None:
    changed = copy_of(
        build, tmp_path, f"update marts.customer_web set web_sessions_30d = -1 where {SOME}"
    )
    manifest = manifest_of(changed)
    told = manifest.read_text().replace("cross join provenance", "cross join provenance where true")
    manifest.write_text(told)
    found = compared(build, changed)
    assert [(e.name, e.changed) for e in found.view.attributes] == [("web_sessions_30d", 7)]
    assert [each.relation for each in found.changed] == [VIEW]
