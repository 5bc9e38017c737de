"""Who is let in, whose words are believed, how much and how often: asked over real HTTP."""

from __future__ import annotations

import datetime as dt
import html
import re
import socket
from pathlib import Path

import pytest

from flows.settings import Instance
from flows.web.rates import Rates
from flows.web.tokens import Grant, Signer, link_of
from tests.web.asked import TYPED, fields
from tests.web.conftest import CLIENT, OFTEN, SECRET, Serve, Served

HEADER = "X-Forwarded-Email"
STAFF = {HEADER: "noa@ours.example"}
SOON = dt.timedelta(days=30)
OVER = dt.timedelta(seconds=-1)
OTHER = "Another Grocer"
SCRIPT = "\"'></textarea></title><script>document.title='mine'</script><img src=x onerror=alert(1)>"


def let_in(served: Served, client: str = CLIENT, after: dt.timedelta = SOON) -> Served:
    """Somebody of a client, who opened a link."""
    visitor = Served(served.url, served.instance, served.desk)
    until = dt.datetime.now(dt.UTC) + after
    link = link_of(served.instance, client, f"jo@{client.split()[0].lower()}.example", until)
    visitor.visitor.get(link.removeprefix(served.instance.desk_url))
    return visitor


# ---- Who is in ----


def test_a_link_lets_in_and_its_cookie_is_kept_from_scripts_and_other_sites(serve: Serve) -> None:
    served = serve(desk_secret=SECRET)
    assert served.visitor.get("/").status_code == 401
    until = dt.datetime.now(dt.UTC) + SOON
    link = link_of(served.instance, CLIENT, "jo@client.example", until)
    answer = served.visitor.get(link.removeprefix(served.instance.desk_url))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
    page = served.visitor.get("/")
    assert page.status_code == 200
    assert "jo@client.example" in page.text


def test_the_cookie_of_a_desk_behind_tls_is_never_sent_without_it(serve: Serve) -> None:
    served = serve(desk_secret=SECRET, desk_url="https://desk.example")
    until = dt.datetime.now(dt.UTC) + SOON
    link = link_of(served.instance, CLIENT, "jo@client.example", until)
    answer = served.visitor.get(link.removeprefix("https://desk.example"))
    assert "secure" in answer.headers["set-cookie"].lower()


def _of_another_secret(instance: Instance) -> str:
    grant = Grant(CLIENT, "jo@client.example", dt.datetime.now(dt.UTC) + SOON)
    return Signer(SECRET[::-1]).link(grant)


def _that_is_over(instance: Instance) -> str:
    grant = Grant(CLIENT, "jo@client.example", dt.datetime.now(dt.UTC) + OVER)
    return Signer.of(instance).link(grant)


def _with_another_end(instance: Instance) -> str:
    grant = Grant(CLIENT, "jo@client.example", dt.datetime.now(dt.UTC) + SOON)
    token = Signer.of(instance).link(grant)
    return token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")


def _that_is_a_session(instance: Instance) -> str:
    grant = Grant(CLIENT, "jo@client.example", dt.datetime.now(dt.UTC) + SOON)
    return Signer.of(instance).session(grant)


@pytest.mark.parametrize(
    "forged",
    [_of_another_secret, _that_is_over, _with_another_end, _that_is_a_session, lambda _: "x.y"],
)
def test_a_link_that_is_forged_or_over_lets_nobody_in(serve: Serve, forged: object) -> None:
    served = serve(desk_secret=SECRET)
    assert callable(forged)
    answer = served.visitor.get("/enter", params={"link": forged(served.instance)})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert served.visitor.get("/").status_code == 401


def test_a_session_ends_when_its_link_does(serve: Serve) -> None:
    served = serve(desk_secret=SECRET)
    grant = Grant(CLIENT, "jo@client.example", dt.datetime.now(dt.UTC) + OVER)
    served.visitor.cookies.set("scv_desk", Signer.of(served.instance).session(grant))
    assert served.visitor.get("/").status_code == 401


def test_a_proxy_says_who_is_in_and_nobody_else_does(serve: Serve) -> None:
    ours = serve(desk_user_header=HEADER)
    assert ours.visitor.get("/").status_code == 401
    page = ours.visitor.get("/", headers=STAFF)
    assert page.status_code == 200 and "noa@ours.example" in page.text
    assert ours.visitor.get("/", headers={HEADER: "no address"}).status_code == 401
    theirs = serve(desk_user_header=HEADER, desk_proxies="203.0.113.9")
    assert theirs.visitor.get("/", headers=STAFF).status_code == 401
    told = {**STAFF, "X-Forwarded-For": "203.0.113.9"}
    assert theirs.visitor.get("/", headers=told).status_code == 401


def test_an_open_desk_answers_to_no_name_but_that_of_this_machine(served: Served) -> None:
    assert served.visitor.get("/").status_code == 200
    assert "nobody is asked" in served.visitor.get("/").text
    assert served.visitor.get("/", headers={"Host": "evil.example"}).status_code == 401


def test_one_client_sees_nothing_of_another(serve: Serve) -> None:
    served = serve(desk_secret=SECRET, desk_user_header=HEADER)
    mine, theirs = let_in(served), let_in(served, OTHER)
    number = mine.begin(title="Ours alone", client=OTHER)
    assert served.desk.read(number).content["client"] == CLIENT
    assert number in mine.visitor.get("/").text
    assert "Ours alone" not in theirs.visitor.get("/").text
    for path in (f"/requests/{number}", f"/requests/{number}.pdf"):
        assert theirs.visitor.get(path).status_code == 404
    for path in (f"/requests/{number}", f"/requests/{number}/files"):
        answer = theirs.send(path, title="Mine now")
        assert answer.status_code == 404
        assert answer.text.count("Ours alone") == 0
    assert served.desk.read(number).title == "Ours alone"
    assert served.visitor.get(f"/requests/{number}", headers=STAFF).status_code == 200


def test_a_clash_with_another_clients_request_is_not_told(serve: Serve) -> None:
    served = serve(desk_secret=SECRET)
    theirs, mine = let_in(served, OTHER), let_in(served)
    number = theirs.begin(**fields(client=OTHER))  # type: ignore[arg-type]
    served.desk.say(number, "submitted", "jo")
    answer = mine.send("/check", **TYPED)  # type: ignore[arg-type]
    assert answer.json()["left"] == 0
    assert number not in answer.text
    clash = theirs.send("/check", **fields(client=OTHER)).text  # type: ignore[arg-type]
    assert number in clash


# ---- Whose form it is ----


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_saves_nothing(served: Served, headers: dict[str, str]) -> None:
    answer = served.send(sent={"headers": headers}, title="Not asked for")
    assert answer.status_code == 403
    assert served.desk.documents() == []


@pytest.mark.parametrize("token", ["", "x", "W10.x.y"])
def test_a_form_without_our_token_saves_nothing_and_shows_what_was_typed(
    served: Served, token: str
) -> None:
    answer = served.send(csrf=token, title="A long morning's work")
    assert answer.status_code == 403
    assert "press the button once more" in answer.text
    assert html.unescape(answer.text).count("A long morning's work") > 0
    assert served.desk.documents() == []
    again = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert again is not None
    assert served.send(csrf=again.group(1), title="A long morning's work").status_code == 303


def test_a_token_of_somebody_else_is_none(serve: Serve) -> None:
    served = serve(desk_secret=SECRET)
    theirs, mine = let_in(served), let_in(served)
    assert mine.send(csrf=theirs.token(), title="x").status_code == 403
    assert mine.send(csrf=mine.token(), title="x").status_code == 303


def test_what_was_typed_is_shown_to_who_is_not_signed_in_any_more(serve: Serve) -> None:
    served = serve(desk_secret=SECRET)
    answer = served.send(csrf="old", title="A long morning's work", action="submit")
    assert answer.status_code == 401
    assert "A long morning's work" in html.unescape(answer.text)


def test_leaving_forgets_who_was_in(serve: Serve) -> None:
    mine = let_in(serve(desk_secret=SECRET))
    assert mine.send("/leave").status_code == 200
    assert mine.visitor.get("/").status_code == 401


# ---- What comes back ----


def test_nothing_that_was_typed_is_read_as_markup(served: Served) -> None:
    typed = {
        name.replace(".", "__"): SCRIPT
        for name in [*TYPED, "notes", "used_by.0.campaign", "new_table.columns.0.name"]
        if name not in ("kinds", "wanted_on")
    } | {"kinds": ["new_table", "attribute"], "expects__attributes__0__name": SCRIPT}
    number = served.begin(**typed)  # type: ignore[arg-type]
    served.desk.say(number, "questions", SCRIPT, SCRIPT)
    pages = ["/", f"/requests/{number}", f"/requests/{number}?look=true"]
    stale = served.send(f"/requests/{number}", version="old", **typed)  # type: ignore[arg-type]
    assert stale.status_code == 409
    shown = [served.visitor.get(each).text for each in pages] + [stale.text]
    served.desk.say(number, "closed", SCRIPT, SCRIPT)
    shown += [served.visitor.get(f"/requests/{number}").text, served.visitor.get("/").text]
    for page in shown:
        assert "<script>" not in page
        assert "<img" not in page
        assert "document.title" in page, "it stands there as the text that it is"


def test_every_answer_carries_the_same_headers(served: Served) -> None:
    for path, method in (("/", "GET"), ("/nowhere", "GET"), ("/", "DELETE"), ("/check", "POST")):
        headers = served.visitor.request(method, path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_of_its_own(served: Served) -> None:
    for path in ("/", "/requests/new", "/nowhere"):
        page = served.visitor.get(path).text
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


def test_a_fault_of_ours_tells_nothing_of_what_was_typed(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    # A file stands where a folder has to be made.
    (served.instance.desk / "samples").write_text("")
    sent = {"files": {"upload": ("visits of Ann.csv", b"a,b")}}
    answer = served.send(sent=sent, title="A secret of the client")
    assert answer.status_code == 500
    assert "A fault of ours" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    said = [record.getMessage() for record in caplog.records if record.name == "flows.web"]
    assert len(said) == 1 and "Error at" in said[0]
    for word in ("Traceback", "A secret", "Ann"):
        assert word not in answer.text and word not in caplog.text


def test_a_request_that_cannot_be_read_tells_no_folder_of_ours(served: Served) -> None:
    number = served.begin(title="x")
    (served.instance.desk / f"{number}.yml").write_text("{")
    answer = served.visitor.get("/")
    assert answer.status_code == 422
    assert f"{number}.yml cannot be read" in answer.text
    assert str(served.instance.warehouse) not in answer.text


def test_what_stops_in_order_is_a_page_with_its_sentence(served: Served) -> None:
    assert "There is no request CR-9999" in served.visitor.get("/requests/CR-9999").text
    assert served.visitor.get("/requests/CR-9999").status_code == 404
    assert served.visitor.get("/requests/..%2F..%2Fetc").status_code == 404


# ---- How much, and how often ----


def test_more_text_than_anybody_types_is_refused(served: Served) -> None:
    token = served.token()
    answer = served.send(csrf=token, notes="x" * 400_000)
    assert answer.status_code == 413
    answer = served.send(csrf=token, notes="x" * 3_000_000)
    assert answer.status_code == 413
    assert served.desk.documents() == []


def test_bytes_are_counted_whatever_the_headers_promise(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    head = (
        f"POST /requests HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    piece = b"a" * 65536
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(head.encode())
        for _ in range(60):
            wire.sendall(b"10000\r\n" + piece + b"\r\n")
        wire.sendall(b"0\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 413")


def test_who_saves_too_often_waits_and_loses_nothing(serve: Serve) -> None:
    rates = Rates(**{**OFTEN.__dict__, "save": "2/minute"})
    served = serve(rates)
    token = served.token()
    for _ in range(2):
        assert served.send(csrf=token, title="again").status_code == 303
    answer = served.send(csrf=token, title="once too often")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert "once too often" in answer.text
    assert len(served.desk.documents()) == 2


def test_one_address_is_slowed_down_by_itself(serve: Serve) -> None:
    rates = Rates(**{**OFTEN.__dict__, "address": "3/minute"})
    served = serve(rates, desk_user_header=HEADER)
    told = [{**STAFF, "X-Forwarded-For": f"6.6.6.6, 198.51.100.{n}"} for n in (1, 1, 1, 1, 2)]
    found = [served.visitor.get("/", headers=each).status_code for each in told]
    assert found == [200, 200, 200, 429, 200]


def test_links_cannot_be_tried_out(serve: Serve) -> None:
    rates = Rates(**{**OFTEN.__dict__, "enter": "3/minute"})
    served = serve(rates, desk_secret=SECRET)
    found = [served.visitor.get("/enter?link=x").status_code for _ in range(4)]
    assert found == [403, 403, 403, 429]


def test_the_key_of_a_desk_without_a_secret_is_nobodys_to_read(served: Served) -> None:
    key: Path = served.instance.desk / ".key"
    assert key.stat().st_mode & 0o077 == 0
