"""A browser, and a page that shows made-up records. Whatever the browser is asked for outside it, is a failed test."""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from aws_masker.page import PageServer, Ring

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MOST_MILLISECONDS = 20_000

expect.set_options(timeout=MOST_MILLISECONDS)


# Of a module: while it runs, its event loop is that of this thread, and no other test could have one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser. Skips where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("install chromium (Debian: chromium)")
    # Its sandbox does not work for root, and it shows nothing but this page.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=[*options, "--disable-dev-shm-usage"])
        yield running
        running.close()


@dataclass
class Shown:
    """A page server in a thread. ``stop`` and ``start`` are for what happens when it goes away."""

    ring: Ring
    loop: asyncio.AbstractEventLoop
    address: str = "127.0.0.1:0"
    server: PageServer = field(init=False)

    def start(self) -> None:
        """Serve the ring, the second time at the address of the first."""
        self.server = PageServer(self.ring, "a test")
        asyncio.run_coroutine_threadsafe(self.server.start(self.address), self.loop).result()
        self.address = self.server.url.removeprefix("http://").rstrip("/")

    def stop(self) -> None:
        """End it."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result()

    def tell(self, trouble: str) -> None:
        """Tell of trouble with the source."""
        self.loop.call_soon_threadsafe(self.server.tell, trouble)


@pytest.fixture
def shown() -> Iterator[Shown]:
    """Run a page server with an empty ring."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = Shown(Ring(records=50), loop)
    running.start()
    try:
        yield running
    finally:
        running.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, shown: Shown) -> Iterator[Open]:
    """Return a function that opens the page, with further options of a browser's context."""
    asked: list[str] = []
    faults: list[str] = []
    contexts = []

    def open_it(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(MOST_MILLISECONDS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
        page.goto(shown.server.url)
        return page

    yield open_it
    assert [url for url in asked if not url.startswith(f"http://{shown.address}/")] == []
    assert faults == []
    for context in contexts:
        assert context.cookies() == []
        context.close()
