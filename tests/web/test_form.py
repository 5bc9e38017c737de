"""The form in a real browser: by keyboard, by paste, in two tabs, without scripts, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.desk.written import written
from tests.web.asked import EXAMPLES, TYPED, fields
from tests.web.conftest import Serve, Served

Open = Callable[..., Page]
COLUMNS = (
    "visit_id\tbigint\tnumber of the visit\tno\n"
    "household_id\tbigint\tthe customer\tyes\n"
    "visited_at\ttimestamp\twhen the door was passed\ttrue\n"
)
MONTH_FIRST = "{1}{2}{0}"  # as a day is typed in the United States
PAGES = ("/", "/requests/new", "/requests/CR-0001?look=true", "/requests/CR-0002", "/nowhere")


def fill(page: Page, typed: dict[str, Any]) -> None:
    """Fill in the form with the mouse's help, ticks first so that their parts are open."""
    for name, value in sorted(typed.items(), key=lambda each: each[0] != "kinds"):
        if isinstance(value, list):
            for each in value:
                page.locator(f'[name="{name}"][value="{each}"]').check()
        else:
            page.locator(f'[name="{name}"]').fill(value)


def press(page: Page, button: str) -> None:
    """Press one of the three buttons."""
    page.locator(".bar").get_by_role("button", name=button, exact=True).click()


def focused(page: Page) -> dict[str, str]:
    """What the keyboard is at."""
    told: dict[str, str] = page.evaluate(
        "(({name, value, type, tagName, textContent}) => ({name, value, type, tag: tagName, "
        "text: textContent.trim()}))(document.activeElement)"
    )
    return told


def type_here(page: Page, at: dict[str, str]) -> None:
    """Answer the field that has the focus, as `TYPED` says, by keys alone."""
    answer = TYPED.get(at["name"])
    if isinstance(answer, list):
        if at["type"] == "checkbox":
            if at["value"] in answer:
                page.keyboard.press("Space")
            return
        for _ in range(6):
            page.keyboard.press("Space")
            if focused(page)["value"] in answer:
                return
            page.keyboard.press("ArrowDown")
        raise AssertionError(f"no radio of {at['name']} is {answer}")
    if answer is None:
        return
    if at["type"] == "date":
        page.keyboard.type(MONTH_FIRST.format(*answer.split("-")))
        return
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(answer)


def test_a_whole_request_is_filled_in_and_submitted_by_keyboard_alone(
    served: Served, open_page: Open
) -> None:
    page = open_page(f"{served.url}/requests/new", locale="en-US")
    met = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        at = focused(page)
        if at["tag"] == "BUTTON" and at["value"] == "submit":
            break
        if at["name"] and (at["name"] not in met or at["type"] == "checkbox"):
            met.add(at["name"])
            type_here(page, at)
    assert set(TYPED) <= met
    page.keyboard.press("Enter")
    expect(page.get_by_text("Handed in.")).to_be_visible()
    document = served.desk.read("CR-0001")
    assert document.status == "submitted"
    assert document.content["attribute"]["when_nothing"] == "zero"
    assert len(document.content["attribute"]["examples"]) == 4


def test_a_block_from_a_spreadsheet_fills_cells_across_and_down(
    served: Served, open_page: Open
) -> None:
    page = open_page(
        f"{served.url}/requests/new", permissions=["clipboard-read", "clipboard-write"]
    )
    page.locator('[name="kinds"][value="new_table"]').check()
    page.evaluate("text => navigator.clipboard.writeText(text)", COLUMNS)
    page.locator('[name="new_table.columns.0.name"]').focus()
    page.keyboard.press("ControlOrMeta+v")
    expect(page.locator('[name="new_table.columns.2.name"]')).to_have_value("visited_at")
    # With the names above, in an order of their own, and into the middle.
    page.evaluate("text => navigator.clipboard.writeText(text)", "Type\tName\ndate\tday\n")
    page.get_by_role("region", name="Columns", exact=True).locator("..").get_by_role(
        "button", name="Add rows"
    ).click()
    page.keyboard.press("ControlOrMeta+v")
    press(page, "Save as draft")
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    columns = served.desk.read("CR-0001").content["new_table"]["columns"]
    assert [each["name"] for each in columns] == ["visit_id", "household_id", "visited_at", "day"]
    assert [each.get("may_be_empty") for each in columns] == [False, True, True, None]
    assert columns[2]["meaning"] == "when the door was passed"
    assert columns[3]["data_type"] == "date"


def test_rows_are_added_and_taken_out_where_they_stand(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new")
    uses = page.get_by_role("region", name="Campaigns that will use it").locator("..")
    for number in range(3):
        if number:
            uses.get_by_role("button", name="Add rows").click()
        page.locator(f'[name="used_by.{number}.campaign"]').fill(f"campaign {number}")
    uses.get_by_role("button", name="Take out row 2").click()
    press(page, "Save as draft")
    page.wait_for_url("**/requests/CR-0001?**")
    told = served.desk.read("CR-0001").content["used_by"]
    assert [each["campaign"] for each in told] == ["campaign 0", "campaign 2"]


def test_an_error_stands_beside_its_field_and_the_list_above_leads_there(
    served: Served, open_page: Open
) -> None:
    page = open_page(f"{served.url}/requests/new")
    fill(page, fields(attribute__name="Shop Visits", attribute__window_days="many"))
    press(page, "Submit")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("heading")).to_have_text("2 things to mend")
    for name, says in (
        ("attribute.name", "is a name in lower case"),
        ("attribute.window_days", "is no whole number"),
    ):
        field = page.locator(f'[name="{name}"]')
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        told = " ".join(page.locator(f"#{each}").inner_text() for each in described)
        assert says in told
    summary.get_by_role("link", name="Customer attribute, Window").click()
    expect(page.locator('[name="attribute.window_days"]')).to_be_focused()
    expect(page.locator('[name="attribute.window_days"]')).to_have_value("many")
    assert served.desk.read("CR-0001").status == "draft"


def test_what_is_wrong_is_told_while_it_is_typed_and_only_where_somebody_was(
    served: Served, open_page: Open
) -> None:
    page = open_page(f"{served.url}/requests/new")
    left = page.locator("[data-left]")
    before = int(left.inner_text())
    page.locator('[name="asked_by_email"]').fill("jordan")
    page.locator('[name="asked_by"]').fill("Jordan")
    page.locator('[name="asked_by"]').press("Tab")
    expect(page.locator("#q-asked_by_email-error")).to_contain_text("not a valid email")
    expect(left).to_have_text(str(before - 2))
    expect(page.locator("#q-title-error")).to_be_empty()
    page.locator('[name="asked_by_email"]').fill("jordan@client.example")
    expect(page.locator("#q-asked_by_email-error")).to_be_empty()


def test_a_draft_is_saved_and_opened_again_as_it_was(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new")
    odd = fields(
        wanted_on="2017-12-06",
        attribute__window_days="about 30",
        attribute__examples="customer_id\tcustomer_id\n1\t2",
        reason="  Two lines,\n\n\tand a tab: 'quoted' \u2028 “so” — #1  ",
        notes="- yes\n- no: 0123",
    )
    fill(page, odd)
    press(page, "Save as draft")
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    again = open_page(f"{served.url}/requests/CR-0001")
    for name, value in odd.items():
        if isinstance(value, list):
            for each in value:
                expect(again.locator(f'[name="{name}"][value="{each}"]')).to_be_checked()
        else:
            assert again.locator(f'[name="{name}"]').input_value() == value, name


def test_what_is_filled_in_and_not_ticked_stays_in_the_draft_and_is_not_handed_in(
    served: Served, open_page: Open
) -> None:
    page = open_page(f"{served.url}/requests/new")
    page.locator('[name="kinds"][value="purchases"]').check()
    page.locator('[name="purchases.counts_when"]').fill("status = 'paid'")
    page.locator('[name="kinds"][value="purchases"]').uncheck()
    expect(page.locator("#part-purchases")).to_be_hidden()
    fill(page, TYPED)
    press(page, "Save as draft")
    expect(page.get_by_text("Filled in, and not ticked:")).to_be_visible()
    assert "purchases" in served.desk.read("CR-0001").content
    press(page, "Submit")
    expect(page.get_by_text("Handed in.")).to_be_visible()
    assert "purchases" not in served.desk.read("CR-0001").content


def test_who_saves_second_is_told_and_loses_nothing(served: Served, open_page: Open) -> None:
    served.begin(**fields())  # type: ignore[arg-type]
    mine, theirs = (open_page(f"{served.url}/requests/CR-0001") for _ in range(2))
    theirs.locator('[name="title"]').fill("Theirs")
    press(theirs, "Save as draft")
    expect(theirs.get_by_text("Saved as a draft.")).to_be_visible()
    mine.locator('[name="title"]').fill("Mine")
    press(mine, "Save as draft")
    alert = mine.get_by_role("alert")
    expect(alert).to_contain_text("Somebody else saved this request meanwhile")
    expect(alert.get_by_role("row", name="Title Theirs Mine")).to_be_visible()
    expect(mine.locator('[name="title"]')).to_have_value("Mine")
    assert served.desk.read("CR-0001").title == "Theirs"
    press(mine, "Save as draft")
    expect(mine.get_by_role("alert")).to_contain_text("Somebody else")
    mine.get_by_role("button", name="Keep mine").click()
    expect(mine.get_by_text("Saved as a draft.")).to_be_visible()
    assert served.desk.read("CR-0001").title == "Mine"


def test_everything_works_without_scripts(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new", java_script_enabled=False)
    fill(page, fields(attribute__formula="cuont(*)", used_by__0__campaign="first"))
    uses = page.get_by_role("region", name="Campaigns that will use it").locator("..")
    uses.get_by_role("button", name="Add rows").click()
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    page.locator('[name="used_by.1.campaign"]').fill("second")
    page.locator('[name="used_by.2.campaign"]').fill("third")
    page.get_by_role("button", name="Take out row 2").first.click()
    expect(page.locator('[name="used_by.1.campaign"]')).to_have_value("third")
    press(page, "Check")
    expect(page.locator("#q-attribute-formula-error, #q-attribute-error").first).to_be_attached()
    expect(page.get_by_role("alert")).to_contain_text("cuont")
    page.locator('[name="attribute.formula"]').fill("count(*)")
    press(page, "Submit")
    expect(page.get_by_text("Handed in.")).to_be_visible()
    told = served.desk.read("CR-0001").content["used_by"]
    assert [each["campaign"] for each in told] == ["first", "third"]


def test_an_answer_to_our_question_is_handed_in_again(served: Served, open_page: Open) -> None:
    number = served.begin(**fields())  # type: ignore[arg-type]
    served.desk.say(number, "submitted", "Jordan")
    served.desk.say(number, "questions", "Noa", "Is a visit without a purchase one?")
    page = open_page(f"{served.url}/requests/{number}")
    expect(page.get_by_text("Is a visit without a purchase one?")).to_be_visible()
    page.locator('[name="notes"]').fill("Yes.")
    press(page, "Submit")
    expect(page.get_by_text("Handed in.")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Is a visit without a purchase one?")
    assert served.desk.read(number).content["notes"] == "Yes."


def test_nothing_that_was_typed_runs_in_a_browser(served: Served, open_page: Open) -> None:
    evil = "\"'></textarea></title><script>window.ran=1</script><img src=x onerror=window.ran=1>"
    typed = {name: evil for name in TYPED if name not in ("kinds", "wanted_on", "about_consent")}
    sheet = f"customer_id\t{evil}\n1\t{evil}"
    typed |= {"attribute.examples": sheet, "kinds": "attribute", "expects.attributes.0.name": evil}
    number = served.begin(**typed)
    for path in (f"/requests/{number}?look=true", "/"):
        page = open_page(served.url + path)
        assert page.evaluate("window.ran") is None
    served.desk.say(number, "closed", evil, evil)
    page = open_page(f"{served.url}/requests/{number}")
    assert page.evaluate("window.ran") is None
    assert evil in page.locator("#main").inner_text()


def test_a_sheet_is_shown_as_a_table_while_it_is_pasted(served: Served, open_page: Open) -> None:
    page = open_page(f"{served.url}/requests/new")
    page.locator('[name="kinds"][value="attribute"]').check()
    page.locator('[name="attribute.examples"]').fill(EXAMPLES)
    table = page.locator('[data-preview="q-attribute-examples"]')
    expect(table.get_by_role("columnheader")).to_have_count(4)
    expect(table.get_by_role("row")).to_have_count(5)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(serve: Serve, open_page: Open) -> None:
    served = serve(desk_upload_mb=1)
    page = open_page(f"{served.url}/requests/new")
    large = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"a,b\n" * (3 << 17)}
    page.locator("#upload").set_input_files(large)  # type: ignore[arg-type]
    expect(page.locator("#upload-error")).to_contain_text("larger than 1 MB")
    small = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
    page.locator("#upload").set_input_files(small)  # type: ignore[arg-type]
    page.locator('[name="title"]').fill("With a file")
    page.get_by_role("button", name="Send the file, and save").click()
    expect(page.get_by_text("Saved, with the file.")).to_be_visible()
    assert served.desk.read("CR-0001").content["files"][0]["name"] == "a.csv"


@pytest.fixture
def filled(served: Served) -> Served:
    """A draft with much in it that is wrong, and a request that was handed in."""
    kinds: Any = ["new_table", "columns", "attribute", "activity", "purchases"]
    wide: Any = {"new_table__columns__0__name": "x" * 60, "new_table__columns__1__name": "a b"}
    served.begin(**{**fields(), **wide, "kinds": kinds, "expects__attributes__0__name": "x" * 60})  # type: ignore[arg-type]
    number = served.begin(**{**fields(title="w" * 150), "used_by__0__campaign": "x" * 100})  # type: ignore[arg-type]
    served.desk.say(number, "submitted", "jordan")
    return served


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(filled: Served, open_page: Open, width: int) -> None:
    page = open_page(filled.url, viewport={"width": width, "height": 800})
    for path in PAGES:
        page.goto(filled.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_rows_are_cards_on_a_phone_and_each_can_be_taken_out(
    served: Served, open_page: Open
) -> None:
    columns: Any = {f"new_table__columns__{n}__name": name for n, name in enumerate("abc")}
    served.begin(title="Visits", kinds="new_table", **columns)
    page = open_page(f"{served.url}/requests/CR-0001", viewport={"width": 360, "height": 740})
    first, second = (page.locator(f'[name="new_table.columns.{n}.name"]') for n in (0, 1))
    above, below = first.bounding_box(), second.bounding_box()
    assert above and below and below["y"] > above["y"] + 300
    table = page.get_by_role("region", name="Columns", exact=True)
    table.get_by_role("button", name="Take out row 2").click()
    press(page, "Save as draft")
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    told = served.desk.read("CR-0001").content["new_table"]["columns"]
    assert [each["name"] for each in told] == ["a", "c"]


def test_what_became_of_a_request_is_told_where_it_is_read(served: Served, open_page: Open) -> None:
    number = served.begin(**fields())  # type: ignore[arg-type]
    served.desk.say(number, "accepted", "Noa", "Agreed.")
    draft = served.desk.read(number)
    live = {
        "instance": "production",
        "commit": "6807ae9216a4",
        "business_date": "2017-11-21",
        "at": "2017-11-21 15:40:00",
        "build": "2017-11-21-02",
        "comparison": "a" * 64,
    }
    served.desk.accepted.mkdir()
    accepted = served.desk.accepted / f"{number}-visits-to-shops.yml"
    accepted.write_text(written({**draft.content, "released": [live]}))
    page = open_page(served.url)
    expect(page.get_by_role("row", name="Visits to shops")).to_contain_text("deployed")
    page.get_by_role("link", name="Visits to shops").click()
    expect(page.get_by_text("live on production")).to_be_visible()
    expect(page.get_by_text("Agreed.")).to_be_visible()
    assert page.get_by_role("button", name="Submit").count() == 0
