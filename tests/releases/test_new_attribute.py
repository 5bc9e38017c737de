"""One attribute more, as an analytics engineer adds it and a client's request declares it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from flows.ledger import Ledger
from flows.settings import Instance
from tests.conftest import NEXT
from tests.releases.control import Control, is_proved
from tests.releases.test_redeploy import COUNTED, SECOND, SERVICE

NEW = "cases_365d"
COLUMN = (
    "      - name: {0}\n        data_type: integer\n        description: \"{{{{ doc('{0}') }}}}\"\n"
)
DESCRIBED = "{% docs cases_90d %}\n"
BEFORE, NOW = COLUMN.format("cases_90d"), COLUMN.format(NEW) + COLUMN.format("cases_90d")
WINDOW = "        count_if({{ within('opened_date', 90) }}) as cases_90d\n"
# Its section, the view, and what both and the dictionary say of it.
EDITS = {
    "models/marts/customer_service.yml": (BEFORE, NOW),
    "models/marts/single_customer_view.sql": (
        "        service.cases_90d,\n",
        f"        service.cases_90d,\n        service.{NEW},\n",
    ),
    "models/marts/single_customer_view.yml": (BEFORE, NOW),
    "docs/columns_loyalty.md": (
        DESCRIBED,
        f"{{% docs {NEW} %}}\nService cases opened in (A-365, A].\n{{% enddocs %}}\n\n{DESCRIBED}",
    ),
}
REQUEST = f"""
title: Cases of a year
asked_by: the service desk
expects:
  columns:
    new: [{NEW}, marts.customer_service.{NEW}]
"""


def section(control: Control) -> str:
    """Return the section's SQL with the attribute."""
    sql = (control.folder / SERVICE).read_text()
    for old in (WINDOW, COUNTED):
        assert sql.count(old) == 1, f"the model that is changed here has changed: {old}"
        new = old.replace("90", "365").removesuffix("\n")
        sql = sql.replace(old, f"{new},\n{old}")
    return sql


def test_it_goes_live_by_itself_and_the_night_after_has_it(
    instance: Instance, ledger: Ledger, control: Control, delivered: Path
) -> None:
    is_proved(ledger)
    files = {"docs/requests/0002-cases-of-a-year.yml": REQUEST, SERVICE: section(control)}
    release = control.release(EDITS, files)

    answer = control.scv("redeploy", release)

    assert answer.code == 0, answer.err
    told = json.loads((instance.reports / "comparisons" / f"{SECOND}.json").read_text())
    assert told["judgement"]["verdict"] == "declared"
    changes = (instance.reports / "releases" / "CHANGELOG.md").read_text()
    assert "0002-cases-of-a-year: Cases of a year (asked for by the service desk)" in changes
    query = f"select count(*), count_if({NEW} >= cases_90d) from marts.single_customer_view"
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        customers, counted = connection.execute(query).fetchall()[0]
    assert 0 < customers == counted
    # The docs site shows it, with the report beside it.
    assert control.scv("docs").code == 0
    site = control.folder / "site"
    link = f'href="../comparisons/{SECOND}.html"'
    assert link in (site / "releases" / "index.html").read_text()
    assert NEW in (site / "comparisons" / f"{SECOND}.html").read_text()
    # Whoever starts the night, it is that of the release, and nothing of its shape surprises.
    night = control.scv("run", str(NEXT), SCV_CODE="live")
    assert night.code == 0, night.err
    assert f"With the code of {release}, which is live" in night.err
    with duckdb.connect(str(instance.live), read_only=True) as connection:
        assert str(instance.live.resolve().stem)[:10] == str(NEXT)
        customers, counted = connection.execute(query).fetchall()[0]
    assert 0 < customers == counted
