"""Lessons opened in JupyterLab in headless Chromium, as a student opens them: run all, no error.

Skipped, with a warning that says so, where Chromium or playwright is missing; ``make test-browser``
installs what is needed and runs it. The notebooks are copies: the project's own stay as they are.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from helpers import ROOT
from tests.report.test_in_a_browser import CHROMIUM, LACKING, browser  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.skipif(bool(LACKING), reason=f"There is no {', no '.join(LACKING)}."),
    pytest.mark.slow,
]

LESSONS = ("01_derivation", "02_linear_transfer", "06_bert_finetuning", "16_your_data")
MINUTES = 10
COUNTS = """() => {
  const notebook = window.jupyterapp.shell.currentWidget;
  const cells = [...notebook.content.widgets].filter((cell) => cell.model.type === "code");
  return {
    cells: cells.filter((cell) => cell.model.sharedModel.source.trim()).length,
    run: cells.filter((cell) => cell.model.executionCount).length,
    waiting: cells.filter((cell) => cell.promptNode?.textContent.includes("[*]")).length,
    status: notebook.sessionContext.session?.kernel?.status ?? "none",
    errors: cells.flatMap((cell) => cell.model.outputs.toJSON())
      .filter((output) => output.output_type === "error")
      .map((output) => `${output.ename}: ${output.evalue}`),
  };
}"""
"""What JupyterLab itself says of the notebook in front; ``exposeAppInBrowser`` lets a page ask."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the address of a running JupyterLab on a copy of the notebooks, and its token."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    words = [
        f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--no-browser", "--allow-root",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = {"JUPYTER_CONFIG_DIR": folder / "config", "JUPYTER_RUNTIME_DIR": folder / "runtime"}
    own |= {"TRANSFER_TRIALS": "shipped"}
    env = os.environ | {name: str(value) for name, value in own.items()}
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words], stdout=log, stderr=log, env=env
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.5)
        else:
            pytest.fail((folder / "lab.log").read_text())
        yield address, token
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture
def opened(lab, browser):  # noqa: F811 - the fixture
    """Return what opens a notebook in JupyterLab, runs all of it, and waits until it has."""
    address, token = lab
    contexts = []

    def run(name):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        place = f"{address}/lab/workspaces/{name}/tree/notebooks/{name}.ipynb"
        page.goto(f"{place}?token={token}&reset")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady", timeout=120_000
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        until = time.monotonic() + 60 * MINUTES
        while time.monotonic() < until:
            page.wait_for_timeout(1000)
            found = page.evaluate(COUNTS)
            ended = found["run"] == found["cells"] and found["status"] == "idle"
            if ended or found["errors"]:
                break
        return page, found

    yield run
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_from_top_to_bottom_without_an_error(opened, name):
    stored = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    _, found = opened(name)
    assert found["errors"] == []
    assert found["run"] == found["cells"] == len([cell for cell in code if cell["source"]])


def test_a_slider_moves_and_the_picture_with_it(opened):
    page, found = opened("02_linear_transfer")
    assert found["errors"] == []
    slider, picture = page.locator(".widget-slider").first, page.locator("img.widget-image").first
    slider.scroll_into_view_if_needed()
    before = picture.get_attribute("src")
    slider.locator(".noUi-handle").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "(old) => document.querySelector('img.widget-image').src !== old",
        arg=before,
        timeout=60_000,
    )
