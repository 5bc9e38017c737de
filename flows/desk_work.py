"""What `scv request` does: the desk of the instance, said on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from ruamel.yaml import YAML

from flows import clock
from flows.console import console, say
from flows.desk.accepting import accept
from flows.desk.blank import blank
from flows.desk.checks import check
from flows.desk.findings import Finding, in_words, is_sound
from flows.desk.known import known_of, next_tuesday
from flows.desk.recording import record
from flows.desk.request import KINDS
from flows.desk.store import Desk, Document
from flows.desk.submitting import ask_back, close, submit
from flows.errors import RequestWrong, SettingsWrong
from flows.ledger import Ledger
from flows.schedules import next_redeploy
from flows.settings import Instance, read_instance


def begin(kinds: Sequence[str], title: str, who: str, file: Path | None = None) -> str:
    """Put a request on the desk, empty or as a file has it, and say what to do with it.

    Raises:
        SettingsWrong: for a kind that there is not.
        RequestWrong: when the file cannot be read.
    """
    if file is not None:
        instance = read_instance()
        begun = Desk.of(instance).create(_content(instance, str(file)), who)
        return f"{begun.id} is begun. Then: scv request submit {begun.id} --who NAME"
    unknown = [each for each in kinds if each not in KINDS]
    if unknown:
        raise SettingsWrong(f"There is no kind {', '.join(unknown)}: {', '.join(KINDS)}.")
    instance = read_instance()
    now = clock.now(instance)
    told = {
        "title": title,
        "client": instance.client,
        "instance": instance.instance,
        "asked_by": who,
        "kinds": list(kinds),
        "wanted_on": next_tuesday(next_redeploy(instance, now), now),
    }
    begun = Desk.of(instance).create(told, who)
    # With a comment at each field; what the desk writes later has none.
    kept = begun.path.read_text().partition("status:")
    begun.path.write_text(blank(tuple(kinds), told) + f"id: {begun.id}\n" + "".join(kept[1:]))
    return (
        f"{begun.id} is begun: {begun.path}\nFill it in, then: scv request check {begun.id}, "
        f"scv request submit {begun.id} --who NAME"
    )


def show_findings(request: str, samples: Sequence[str]) -> int:
    """Print what is wrong or doubtful in a request; return 1 when something is wrong."""
    instance = read_instance()
    content = _content(instance, request)
    found = check(content, known_of(instance), _samples(samples))
    for each in found:
        _show(each)
    if is_sound(found):
        say(f"{request} is complete and can be handed in.", "green")
        return 0
    return 1


def hand_in(number: str, who: str, samples: Sequence[str]) -> str:
    """Hand a request in and say what happens next."""
    instance = read_instance()
    submit(Desk.of(instance), number, who, known_of(instance), _samples(samples))
    return f"{number} is handed in. Whoever builds it: scv request accept {number} --who … --why …"


def show_list(*, all_of_them: bool, as_json: bool) -> None:
    """Print the requests, the newest last."""
    found = [
        each
        for each in Desk.of(read_instance()).documents()
        if all_of_them or each.status != "closed"
    ]
    if as_json:
        console.print_json(json.dumps([_told(each) for each in found], default=str))
        return
    if not found:
        say('There is no request yet. To begin one: scv request new --kind attribute --title "…"')
        return
    table = Table(title="Requests", title_justify="left")
    for heading in ("number", "what", "kinds", "asked by", "wanted on", "status"):
        table.add_column(heading, overflow="fold")
    for each in found:
        told = _told(each)
        kinds = ", ".join(KINDS.get(kind, kind) for kind in told["kinds"])
        cells = (each.id, each.title, kinds, told["asked_by"], told["wanted_on"], each.status)
        table.add_row(*(str(cell or "") for cell in cells))
    console.print(table)


def show_request(number: str, *, as_json: bool) -> None:
    """Print one request, whole."""
    document = Desk.of(read_instance()).read(number)
    if as_json:
        console.print_json(json.dumps(dict(document.content), default=str))
        return
    say(f"{document.id}: {document.title} ({document.status})", "bold")
    for key, value in document.content.items():
        if key not in ("id", "title", "status", "history"):
            _show_field(key, value, 0)
    for each in document.content.get("history") or ():
        note = f": {each['note']}" if each.get("note") else ""
        say(f"{each['at']}  {each['status']} by {each['who']}{note}")


def give_back(number: str, who: str, question: str) -> str:
    """Give a request back with a question."""
    ask_back(Desk.of(read_instance()), number, who, question)
    return f"{number} is given back with a question."


def shut(number: str, who: str, why: str) -> str:
    """Close a request."""
    close(Desk.of(read_instance()), number, who, why)
    return f"{number} is closed."


def take_on(number: str, who: str, why: str, section: str, privacy_approver: str, base: str) -> str:
    """Accept a request, and say what is on its branch and what is left to do.

    What is doubtful is said once more: a client is not told of another client's request.
    """
    instance = read_instance()
    desk = Desk.of(instance)
    for each in check(desk.read(number).content, known_of(instance), thorough=False):
        _show(each)
    done = accept(
        desk,
        number,
        who,
        why,
        section=section,
        privacy_approver=privacy_approver,
        base=base,
    )
    files = "\n".join(f"  {each}" for each in done.files)
    left = "\n".join(f"  {each}" for each in done.to_do)
    decide = f"To decide, by a person:\n{left}\n" if left else ""
    return (
        f"{number} is accepted: branch {done.branch}, commit {done.commit}, with\n{files}\n"
        f"{decide}"
        f"Go on there: git switch {done.branch}, scv dev, dbt build; make lint && make test. When "
        "it is merged, Tuesday's release brings it."
    )


def write_record() -> str:
    """Write what went live into the requests, and say what to do with it."""
    instance = read_instance()
    changed = record(Ledger(instance.ledger_url), instance.instance)
    if not changed:
        return "Nothing went live that docs/requests/ does not tell already."
    return f"Written into {', '.join(changed)}. Commit it: git add docs/requests"


def print_pdf(number: str, to: Path | None) -> str:
    """Write a request, or the empty form, as a PDF."""
    from flows.desk.pdf import pdf_of

    content = Desk.of(read_instance()).read(number).content if number else None
    target = to or Path(f"{number or 'change-request'}.pdf")
    target.write_bytes(pdf_of(content))
    return f"Written: {target}"


def _content(instance: Instance, request: str) -> Any:
    path = Path(request)
    if path.suffix in (".yml", ".yaml"):
        if not path.is_file():
            raise RequestWrong(f"There is no file {path}.")
        told = YAML(typ="safe", pure=True).load(path.read_text())
        # A file has no number yet: it gets one on the desk.
        return {"id": "CR-0000", **(told or {})}
    return Desk.of(instance).read(request).content


def _samples(told: Sequence[str]) -> dict[str, Path]:
    pairs = [each.partition("=") for each in told]
    for table, _, path in pairs:
        if not table or not Path(path).is_file():
            raise SettingsWrong(f"A sample is TABLE=FILE, and there is no file '{path}'.")
    return {table: Path(path) for table, _, path in pairs}


def _show(finding: Finding) -> None:
    colour = "red" if finding.weight == "wrong" else "yellow"
    say(f"{finding.place}: {finding.says}", colour)


def _show_field(key: str, value: Any, depth: int, path: str = "") -> None:
    where = f"{path}.{key}" if path else key
    label = f"{'  ' * depth}{in_words(where).rpartition(', ')[2]}:"
    match value:
        case dict():
            say(label)
            for name, each in value.items():
                _show_field(str(name), each, depth + 1, where)
        case list() if any(isinstance(each, dict) for each in value):
            say(label)
            for each in value:
                say("  " * (depth + 1) + "· " + ", ".join(f"{k} {v}" for k, v in each.items()))
        case list():
            say(f"{label} {', '.join(map(str, value))}")
        case _:
            say(f"{label} {value}")


def _told(document: Document) -> dict[str, Any]:
    content = document.content
    names = ("title", "asked_by", "wanted_on", "instance", "kinds")
    told = {name: content.get(name) or ([] if name == "kinds" else "") for name in names}
    return {"id": document.id, "status": document.status, **told}
