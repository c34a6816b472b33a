"""What the hub may answer: one sentence each, soon; asked of a server on this machine."""

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

from helpers import ROOT

ANSWERS = {
    "gated": (403, "GatedRepo"), "missing": (404, "RepoNotFound"), "secret": (401, "RepoNotFound"),
    "busy": (429, ""), "broken": (500, ""),
}  # fmt: skip
ASK = """
import sys
from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_tokenizer

for load, name in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        {"model": load_tokenizer, "texts": load_texts}[load]("owner/" + name)
    except UserError as error:
        print(error)
"""


class _Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = [answer for name, answer in ANSWERS.items() if name in self.path]
        code, why = found[0] if found else (404, "")
        self.send_response(code)
        if why:
            self.send_header("X-Error-Code", why)
        body = json.dumps({"error": "no"}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def ask(endpoint, home, *words):
    none = {"http_proxy": "", "https_proxy": "", "HTTP_PROXY": "", "HTTPS_PROXY": ""}
    told = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *words], cwd=ROOT, env=os.environ | none | told,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_refusal_is_one_sentence(endpoint, tmp_path):
    asked = ["gated", "missing", "secret", "busy", "broken"]
    words = [word for name in asked for word in ("model", name)]
    assert ask(endpoint, tmp_path, *words, "texts", "gated", "texts", "missing") == [
        "The weights 'owner/gated' need permission: accept the model's terms on its hub page and log in there.",
        "The weights 'owner/missing' were not found: there is no such file here, and no such public model on the hub.",
        "The weights 'owner/secret' were not found: there is no such file here, and no such public model on the hub.",
        "The weights 'owner/busy' could not be had: the hub answers with error 429; try again later.",
        "The weights 'owner/broken' could not be had: the hub answers with error 500; try again later.",
        "The texts 'owner/gated' need permission: accept the data set's terms on its hub page and log in there.",
        "The texts 'owner/missing' were not found: there is no such file here, and no such public data set on the hub.",
    ]  # fmt: skip


def test_where_nobody_answers_the_cache_is_asked_at_once(tmp_path):
    model, texts = ask("http://127.0.0.1:9", tmp_path, "model", "any", "texts", "any")
    assert "'owner/any' are neither a file here nor cached, and the hub cannot be reached" in model
    assert "'owner/any' are neither a file here nor cached, and the hub cannot be reached" in texts
