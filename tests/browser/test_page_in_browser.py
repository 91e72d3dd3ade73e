"""What a person sees on the live page, with eyes, with a keyboard only, and with a screen reader."""

import json
import re
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from aws_masker.fake_api import FakeApi
from page_parts import MARKUP, bodies, masked, record
from patterns import PATTERNS

from .conftest import PHONE, WIDE, Open, Shown

INSTANCE = "i-0a1b2c3d4e5f60718"
SUBNET = "subnet-0a1b2c3d4e5f60718"


def _items(page: Page) -> Locator:
    return page.locator("#list > li")


def _fill(shown: Shown) -> None:
    """Show one request of every tone, the last with bodies."""
    shown.ring(record(outcome="refused", reason="too_large", status=413, families={}, ms={"read": 3.0, "total": 3.1}))
    shown.ring(record(unresolved=2))
    shown.ring(record(status=529, families={}))
    shown.ring(record(families={f"family-{n}": n for n in range(1, 9)}))
    shown.ring(record(), bodies(masked(f"stop {INSTANCE} in {SUBNET}. {MARKUP}"), masked(f"{INSTANCE} is stopped")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_accessible_in_every_form_and_fits(
    open_page: Open, shown: Shown, scheme: str, viewport: dict[str, int]
) -> None:
    _fill(shown)
    page = open_page(color_scheme=scheme, viewport=viewport)
    expect(_items(page)).to_have_count(5)
    _items(page).first.locator("summary").click()
    page.get_by_role("button", name="Show what was sent").click()
    expect(page.locator("mark").first).to_be_visible()
    shown.tell("Redis does not answer")
    expect(page.get_by_role("alert")).to_be_visible()
    found = Axe().run(page).response
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == viewport["width"]
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 19)"
    assert dark == (scheme == "dark")


def test_requests_appear_as_they_come_the_newest_first(open_page: Open, shown: Shown) -> None:
    page = open_page()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    expect(page.locator("#state")).to_have_text("Live")
    shown.ring(record(endpoint="/v1/messages/count_tokens", families={}))
    shown.ring(record(families={"ec2-instance": 2, "subnet": 1}, ms={"mask": 12.4, "vault": 1.6, "total": 900}))
    expect(_items(page)).to_have_count(2)
    newest = _items(page).first
    expect(newest).to_contain_text("claude-sonnet-4-5-20250929")
    expect(newest.locator(".chip")).to_have_text(["ec2-instance 2", "subnet 1"])
    expect(newest.locator(".cost")).to_have_text("14 ms addedof 900 ms")
    expect(_items(page).last).to_contain_text("messages/count_tokens")
    expect(page.locator("#total-requests")).to_have_text("2")
    expect(page.locator("#total-masked")).to_have_text("3")
    expect(page.get_by_text("Nothing yet.")).to_be_hidden()


def test_how_a_request_ended_is_told_in_words(open_page: Open, shown: Shown) -> None:
    _fill(shown)
    page = open_page()
    expect(page.locator(".badge")).to_have_text(["ok", "ok", "API says 529", "2 not known", "refused"])
    expect(page.locator("#total-refused")).to_have_text("1")
    expect(_items(page).nth(1).locator(".families")).to_contain_text("and 4 more")
    _items(page).last.locator("summary").click()
    expect(_items(page).last.locator(".facts")).to_contain_text("refused: too_large")


def test_the_masked_bodies_are_shown_on_demand_with_tokens_marked(open_page: Open, shown: Shown) -> None:
    _fill(shown)
    page = open_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/bodies/" in request.url else None)
    expect(_items(page)).to_have_count(5)
    _items(page).first.locator("summary").click()
    assert fetched == []
    page.get_by_role("button", name="Show what was sent").click()
    sent = page.get_by_role("region", name="Sent to the API")
    tokens = [masked(INSTANCE), masked(SUBNET)]
    expect(sent.locator("mark")).to_have_text(tokens)
    # What was sent stands there as text: nothing in it became part of the page.
    expect(sent).to_contain_text("<script>")
    assert page.locator("#list script, #list img").count() == 0
    assert page.title() == "What leaves · aws-masker"
    expect(page.get_by_role("region", name="Answered by the API")).to_have_text(f"text: {tokens[0]} is stopped")
    assert INSTANCE not in page.content()
    page.get_by_role("button", name="Hide what was sent").click()
    expect(sent).to_be_hidden()


def test_bodies_that_are_not_kept_any_more_are_told_so(open_page: Open, shown: Shown) -> None:
    _fill(shown)
    page = open_page()
    expect(_items(page)).to_have_count(5)
    _items(page).first.locator("summary").click()
    shown.ring._drop_bodies(5)
    page.get_by_role("button", name="Show what was sent").click()
    expect(page.get_by_text("are not kept (any more)")).to_be_visible()
    _items(page).nth(1).locator("summary").click()
    expect(_items(page).nth(1)).to_contain_text("Not kept. The setting record_bodies: masked keeps them.")
    _items(page).nth(4).locator("summary").click()
    expect(_items(page).nth(4)).to_contain_text("None: nothing was sent to the API.")


def test_everything_can_be_done_with_the_keyboard(open_page: Open, shown: Shown) -> None:
    _fill(shown)
    page = open_page()
    expect(_items(page)).to_have_count(5)
    focused = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.textContent") == "Skip to the requests"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.id") == "pause"
    assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
    page.keyboard.press("Space")
    expect(page.locator("#state")).to_have_text("Paused")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    # What a request unfolds into is made when it is unfolded.
    expect(page.get_by_role("button", name="Show what was sent")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Sent to the API")).to_be_visible()
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.textContent") == "Next token"
    page.keyboard.press("Enter")
    expect(page.locator("mark.current")).to_have_text(masked(INSTANCE))
    page.keyboard.press("Enter")
    expect(page.locator("mark.current")).to_have_text(masked(SUBNET))
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.getAttribute('aria-label')") == "Sent to the API"


def test_a_screen_reader_is_told_what_is_there_and_what_is_new(open_page: Open, shown: Shown) -> None:
    shown.ring(record())
    page = open_page()
    expect(_items(page)).to_have_count(1)
    tree = page.locator("body").aria_snapshot()
    for line in (
        '- heading "What leaves" [level=1]',
        '- heading "Requests" [level=2]',
        '- button "Pause"',
        "- status: Live",
        '- list "Requests"',
    ):
        assert line in tree, tree
    row = r"- group:\s+- time: [0-9:]+\s+- text: ok messages claude-.* ec2-instance 2 subnet 1 3.0 ms added"
    assert re.search(row, tree), tree
    expect(page.locator("#news")).to_have_text("1 new request, 3 identifiers masked")
    assert page.locator("#news").get_attribute("aria-live") == "polite"
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_while_it_is_paused_nothing_moves_and_nothing_is_lost(open_page: Open, shown: Shown) -> None:
    shown.ring(record())
    page = open_page()
    expect(_items(page)).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    shown.ring(record())
    shown.ring(record())
    expect(page.locator("#state")).to_have_text("Paused, 2 new")
    expect(_items(page)).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(_items(page)).to_have_count(3)
    expect(page.locator("#state")).to_have_text("Live")


def test_it_keeps_as_many_as_the_server_does(open_page: Open, shown: Shown) -> None:
    page = open_page()
    expect(page.locator("#state")).to_have_text("Live")
    for number in range(60):
        shown.ring(record(restored=number))
    expect(page.locator("#total-restored")).to_have_text(f"{sum(range(10, 60)):,}")
    expect(_items(page)).to_have_count(50)


def test_a_server_that_goes_away_is_told_and_what_was_missed_comes_later(open_page: Open, shown: Shown) -> None:
    shown.ring(record())
    page = open_page()
    expect(_items(page)).to_have_count(1)
    shown.stop()
    expect(page.locator("#state")).to_contain_text("Connection lost")
    shown.ring(record())
    shown.start()
    expect(page.locator("#state")).to_have_text("Live")
    expect(_items(page)).to_have_count(2)
    shown.stop()
    shown.ring = type(shown.ring)(records=50)
    shown.ring(record())
    shown.start()
    # Another process: what the one before it showed is gone there as well.
    expect(_items(page)).to_have_count(1)


def test_the_requests_of_a_real_gateway_are_shown_without_an_original(browser: Browser, tmp_path: Path) -> None:
    originals = [one for pattern in PATTERNS for one in pattern.originals]
    command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"]
    environment = {
        "HOME": str(tmp_path),
        "AWS_MASKER_KEY": secrets.token_hex(32),
        "AWS_MASKER_VAULT": "memory://",
        "AWS_MASKER_RECORD_BODIES": "masked",
    }
    with FakeApi.in_thread() as api:
        running = subprocess.Popen(
            command,
            env={**environment, "AWS_MASKER_UPSTREAM": api.url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert running.stderr is not None
            told = "".join(_until_page(running.stderr))
            gateway, shown_at = (re.search(rf"{before}(http://\S+)", told) for before in ("listens on ", "shown at "))
            assert gateway is not None
            assert shown_at is not None
            page = browser.new_page()
            page.goto(shown_at[1])
            content = "\n".join(pattern.text for pattern in PATTERNS)
            body = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
            headers = {"content-type": "application/json", "x-api-key": "k", "anthropic-version": "2023-06-01"}
            request = urllib.request.Request(f"{gateway[1]}/v1/messages", json.dumps(body).encode(), headers)
            urllib.request.urlopen(request, timeout=30).close()
            _items(page).first.locator("summary").click()
            page.get_by_role("button", name="Show what was sent").click()
            expect(page.get_by_role("region", name="Sent to the API")).to_be_visible()
            assert page.locator("mark").count() > len(PATTERNS)
            text = page.content()
            assert [one for one in originals if one in text] == []
            page.close()
        finally:
            running.terminate()
            running.wait(timeout=30)
            assert running.stderr is not None
            running.stderr.close()


def _until_page(output: IO[str]) -> Iterator[str]:
    """Yield the lines that a gateway prints, up to the one that names its page."""
    for line in iter(output.readline, ""):
        yield line
        if "shown at" in line:
            return


def test_another_site_cannot_read_it(open_page: Open, shown: Shown) -> None:
    shown.ring(record(), bodies("hello"))
    page = open_page()
    expect(_items(page)).to_have_count(1)
    page.goto("about:blank")
    for path in ("", "events", "bodies/1"):
        script = "url => fetch(url).then(() => 'read', () => 'refused')"
        assert page.evaluate(script, f"{shown.server.url}{path}") == "refused"
    page.set_content(f'<iframe src="{shown.server.url}"></iframe>')
    expect(page.frame_locator("iframe").locator("#list")).to_have_count(0)
