"""Every page of the report in headless Chromium, without a network: axe-core, console, width.

Skipped, with a warning that says so, where Chromium or the packages of requirements-browser.txt are
missing; ``make test-browser`` installs the packages and runs it.
"""

import importlib.util
import re
import shutil
import warnings
from pathlib import Path

import pytest

from tests.report.test_site import PAGES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")  # fmt: skip # noqa: E501
LACKING = ["Chromium"] * (CHROMIUM is None) + [
    name for name in ("playwright", "axe_playwright_python") if not importlib.util.find_spec(name)
]
REASON = f"The report's pages are not looked at in a browser: there is no {', no '.join(LACKING)}."
SHOWN = {"wide": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark")}

pytestmark = pytest.mark.skipif(bool(LACKING), reason=REASON)
if LACKING:
    warnings.warn(REASON, stacklevel=1)


@pytest.fixture(scope="module")
def browser():
    """Return a running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def show(browser):
    """Return what opens a file as a reader would, and a list of what went wrong meanwhile."""
    contexts = []

    def opened(file: Path, width=1280, scheme="light", **more):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, **more
        )
        contexts.append(context)
        page, wrong = context.new_page(), []
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda one: re.match(r"data:|file://", one.url) or wrong.append(one.url),
        )
        page.goto(f"file://{file}")
        return page, wrong

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("look", SHOWN)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule_and_fits(whole_report, show, name, look):
    import axe_playwright_python

    width, scheme = SHOWN[look]
    # axe comes from outside, so for it alone the page's own policy is lifted; see the next test.
    page, wrong = show(whole_report / name, width, scheme, bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth)")
    rules = Path(axe_playwright_python.__file__).with_name("axe.min.js")
    page.evaluate(rules.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opened_alone_works(whole_report, show, tmp_path, name):
    alone = shutil.copy(whole_report / name, tmp_path)
    page, wrong = show(alone)
    assert page.locator("h1").is_visible() and wrong == []
    for font in page.evaluate("[...document.fonts].map((one) => one.status)"):
        assert font in ("loaded", "unloaded")  # not "error"


def test_the_search_finds_from_any_page_by_keyboard(whole_report, show):
    page, wrong = show(whole_report / "glossary.html")
    page.get_by_role("searchbox").fill("fine-tuning")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=fine-tuning")
    assert page.locator("#results li").first.inner_text().startswith("fine-tuning 微调")
    assert re.match(r"\d+ places", page.locator("#status").inner_text())
    box = page.get_by_role("searchbox")
    box.fill("迁移学习")
    assert "transfer learning" in page.locator("#results li").first.inner_text()
    box.fill("<img src=x onerror=alert(1)>")
    assert page.locator("#status").inner_text().startswith("Nothing was found")
    box.fill("C11")
    page.locator("#results a").first.click()
    assert page.url.endswith("claims.html#C11") and wrong == []


def test_without_javascript_all_but_the_search_is_there(whole_report, show):
    page, _ = show(whole_report / "search.html", java_script_enabled=False)
    assert page.get_by_text("The search needs JavaScript").is_visible()
    page.get_by_role("link", name="Verdicts").click()
    page.locator("a.evidence").first.click()
    assert "#cell-" in page.url


def test_the_first_step_of_the_keyboard_skips_to_the_content(whole_report, show):
    page, _ = show(whole_report / "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
