"""A customer attribute: in a section, in the view, described, and its examples as a unit test."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from flows.desk.formulas import read
from flows.desk.kinds import CustomerAttribute
from flows.desk.request import ChangeRequest
from flows.desk.scaffold import unit_test, yaml_text
from flows.desk.scaffold.model_text import CLAUSE, ITEM, WIDTH, Model, item
from flows.desk.scaffold.project import NO_ORACLE, ORACLE, Project
from flows.desk.scaffold.templates import filled
from flows.desk.worked import expected_of
from flows.errors import RequestWrong

VIEW = "single_customer_view"
VIEW_SQL, VIEW_YML = f"models/marts/{VIEW}.sql", f"models/marts/{VIEW}.yml"
CUSTOMERS, PINNED = "int_households_resolved", "stg_pinned_batches"


def write(
    request: ChangeRequest, asked: CustomerAttribute, project: Project, section: str = ""
) -> str:
    """Write an attribute into a section, and return which.

    Args:
        request: who asks for it.
        asked: the attribute.
        project: what is written to.
        section: a model `customer_…`; else the one that reads the attribute's input already, or a
            new one.

    Raises:
        RequestWrong: when more than one could have it, or the section is none.
    """
    if asked.name in yaml_text.columns_of(project.read(VIEW_YML)):
        raise RequestWrong(
            f"{asked.name} is a column of the view already, where {request.id} would put it. Is "
            "the request built? Else name it otherwise, in a request of its own."
        )
    if asked.input == VIEW:
        raise RequestWrong(
            f"{request.id} makes {asked.name} from the view itself: that is written by hand, where "
            "the view derives what depends on the date. Name one of the tables int_… as its input."
        )
    chosen = section or _section(asked, project)
    if not re.fullmatch(r"customer_[a-z0-9_]+", chosen):
        raise RequestWrong(
            f"{chosen} is no section of the view: those are models called customer_…, one row per "
            "customer. Say --section with one of them, or with a new name."
        )
    sql = f"models/marts/{chosen}.sql"
    if not project.has(sql):
        _begin_section(request, chosen, project)
    _into_section(request, asked, sql, project)
    _into_view(asked, chosen, project)
    _describe(asked, chosen, project)
    project.leave_to_others(ORACLE, [asked.name], NO_ORACLE)
    return chosen


def _section(asked: CustomerAttribute, project: Project) -> str:
    sections = [
        name.removeprefix("models/marts/").removesuffix(".sql")
        for name in project.names("models/marts/customer_*.sql")
    ]
    reading = [each for each in sections if asked.input in project.refs(each)]
    if not reading:
        return "customer_" + re.sub(r"^int_|_(resolved|latest)$", "", asked.input)
    if len(reading) > 1:
        raise RequestWrong(
            f"{asked.name} could stand in {', '.join(reading)}, which read {asked.input}: say "
            f"--section {reading[0]}, or another one."
        )
    return reading[0]


def _begin_section(request: ChangeRequest, section: str, project: Project) -> None:
    about = section.removeprefix("customer_").replace("_", " ")
    told = {"section": section, "about": about, "request": request.id}
    for ending in ("sql", "yml"):
        project.create(f"models/marts/{section}.{ending}", filled(f"section.{ending}", **told))


def _into_section(
    request: ChangeRequest, asked: CustomerAttribute, sql: str, project: Project
) -> None:
    model = Model(project.read(sql))
    source = model.importing(asked.input)
    if source is None:
        source = model.free_name(re.sub(r"^int_|_(resolved|latest)$", "", asked.input))
        model = model.with_import(asked.input, source)
    counted = model.free_name(request.id.lower().replace("-", "_"))
    model = model.with_cte(counted, _counted(asked, source))
    value, nothing = f"{counted}.{asked.name}", ""
    if asked.when_nothing == "zero":
        nothing = model.free_name(f"{counted}_nothing")
        raw = project.raw_table(asked.input)
        model = model.with_cte(nothing, filled("nothing.sql", raw=raw))
        value = f"coalesce({value}, {nothing}.nothing)"
    heading = ["", f"{ITEM}-- {asked.label}, {request.id}"]
    model = model.with_column([*heading, *_cast(value, asked)])
    model = model.with_join(f"left join {counted} using (customer_id)")
    if nothing:
        model = model.with_join(f"cross join {nothing}")
    project.rewrite(sql, model.text)
    properties = sql.replace(".sql", ".yml")
    text = project.read(properties)
    entry = yaml_text.column(asked.name, asked.data_type)
    project.rewrite(properties, yaml_text.with_column(text, entry, yaml_text.columns_of(text)[-1]))
    unit_test.add(project, sql, _test(request, asked, sql, project))


def _cast(value: str, asked: CustomerAttribute) -> list[str]:
    kind = re.sub(", *", ", ", asked.data_type)
    line = item(f"cast({value} as {kind})", asked.name)
    if max(map(len, line)) <= WIDTH:
        return line
    return [f"{ITEM}cast(", f"{ITEM}{CLAUSE}{value} as {kind}", f"{ITEM}) as {asked.name}"]


def _counted(asked: CustomerAttribute, source: str) -> str:
    formula = read(asked.formula)
    value = f"round({formula.sql}, {asked.decimals})" if asked.decimals else formula.sql
    conditions = [_condition(asked.only_rows)] if asked.only_rows else []
    if asked.window_days:
        conditions.append(f"{{{{ within('{asked.window_column}', {asked.window_days}) }}}}")
    return filled(
        "counted.sql",
        label=asked.label,
        value=item(value, asked.name),
        source=source,
        conditions=conditions,
        grouped=formula.is_aggregate,
    )


def _condition(text: str) -> str:
    said = read(text).sql
    return f"({said})" if " or " in said else said


def _into_view(asked: CustomerAttribute, section: str, project: Project) -> None:
    model = Model(project.read(VIEW_SQL))
    alias = model.importing(section)
    text = project.read(VIEW_YML)
    entry = yaml_text.column(asked.name, asked.data_type, asked.personal)
    if alias is None:
        alias = model.free_name(section.removeprefix("customer_"))
        model = model.with_cte(alias, f"{CLAUSE}select * from {{{{ ref('{section}') }}}}", "build")
        model = model.with_join(f"inner join {alias} using (customer_id)")
        above, heading = r"identity\.control_bucket,?$", ["", f"{ITEM}-- {asked.label.lower()}"]
    else:
        above, heading = rf"{alias}\.\w+,?$", []
    lines = [line.strip() for line in model.body("final").split("\n")]
    before = [line for line in lines if re.match(above, line)][-1]
    model = model.with_column([*heading, f"{ITEM}{alias}.{asked.name}"], above)
    project.rewrite(VIEW_SQL, model.text)
    last = before.rstrip(",").partition(".")[2]
    project.rewrite(VIEW_YML, yaml_text.with_column(text, entry, last))


def _describe(asked: CustomerAttribute, section: str, project: Project) -> None:
    beside = yaml_text.columns_of(project.read(f"models/marts/{section}.yml"))
    pages = project.names("docs/columns*.md")
    blocks = {page: project.read(page) for page in pages}
    told = {page: sum(f"{{% docs {name} %}}" in blocks[page] for name in beside) for page in pages}
    page = max(pages, key=lambda each: told[each])
    project.rewrite(page, yaml_text.with_block(blocks[page], asked.name, _says(asked)))


def _says(asked: CustomerAttribute) -> str:
    told = asked.definition.strip().rstrip(".") + "."
    nothing = "Zero when none" if asked.when_nothing == "zero" else "Null when there is none"
    never = "; null when nothing was ever delivered" if asked.when_nothing == "zero" else ""
    unit = f" In {asked.unit}." if asked.unit else ""
    ties = f" {asked.ties.strip().rstrip('.')}." if asked.ties else ""
    return textwrap.fill(f"{told}{unit}{ties} {nothing}{never}.", WIDTH)


def _test(
    request: ChangeRequest, asked: CustomerAttribute, sql: str, project: Project
) -> dict[str, object]:
    expected = expected_of(asked)
    rows = unit_test.rows_of(asked.examples, {})
    shown = [
        row for row in rows if any(row[key] is not None for key in row if key != "customer_id")
    ]
    model = sql.removeprefix("models/marts/").removesuffix(".sql")
    given: dict[str, Sequence[dict[str, object]]] = {
        f"ref('{each}')": [] for each in project.refs(model)
    }
    given[f"ref('{CUSTOMERS}')"] = [{"customer_id": unit_test.typed(c)} for c in expected]
    given[f"ref('{asked.input}')"] = shown
    if thresholds := project.thresholds(model):
        given["ref('thresholds')"] = thresholds
    raw = project.raw_table(asked.input)
    if f"ref('{PINNED}')" in given:
        given[f"ref('{PINNED}')"] = [{"table_name": raw, "was_ever_delivered": True}]
    return unit_test.unit_test(
        f"{asked.name}_is_as_{request.id.lower().replace('-', '_')}_shows",
        f"The examples of {request.id}.",
        model,
        given,
        [
            {
                "customer_id": unit_test.typed(customer),
                asked.name: unit_test.typed(value or "", asked.data_type),
            }
            for customer, value in expected.items()
        ],
        str(asked.example_date),
    )
