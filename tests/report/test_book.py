"""The book on small made notebooks: what is shown, what must not be, and what is refused."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat.v4 as nb
import pandas as pd
import pytest

from helpers import UserError
from helpers.report import book, markdown_html, pages, summary
from helpers.report.book import build
from helpers.runs.schema import Record
from helpers.show import tables

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
    )
).decode()
EVIL = '<script>alert("x")</script><img src=x onerror=alert(2)><b onclick="alert(3)">bold</b>'
CHART = "```mermaid\nflowchart LR\n accTitle: Source to target\n A([源 a]) --> B[b]\n```"


def code(source="1 + 1", *outputs, tags=(), count=1):
    return nb.new_code_cell(
        source, outputs=list(outputs), execution_count=count, metadata={"tags": list(tags)}
    )


def shown(metadata=None, **data):
    kinds = {
        "html": "text/html",
        "markdown": "text/markdown",
        "latex": "text/latex",
        "plain": "text/plain",
        "png": "image/png",
        "svg": "image/svg+xml",
        "widget": "application/vnd.jupyter.widget-view+json",
    }
    bundle = {kinds[kind]: value for kind, value in data.items()}
    return nb.new_output("display_data", data=bundle, metadata=metadata or {})


def text(source):
    return nb.new_markdown_cell(source)


def notebook(folder: Path, name: str, *cells) -> Path:
    path = folder / f"{name}.ipynb"
    head = text(f"# {name[:2]} A title\n\nIs it $x$ or not?\n\nFrom the document: §1")
    for number, cell in enumerate((head, *cells), start=1):
        cell["id"] = f"c{number}"
    content = nb.new_notebook(cells=[head, *cells])
    path.write_text(nb.writes(content), encoding="utf-8")
    return path


def made_record(name="01_one", **changes) -> dict:
    record = {
        "schema_version": 1,
        "notebook": name,
        "parameters": {"corpus": "reuters-r8", "labels": [16, 64], "record": ""},
        "metrics": [],
        "claims": [],
        "cost": {"wall_seconds": 61.0, "peak_memory_mb": 512.0},
        "provenance": {
            "git_commit": "0123456789abcdef",
            "git_dirty": False,
            "python": "3.11.7",
            "packages": {"torch": "2.13.0"},
            "hashes": {"reuters-r8": "ab" * 32},
            "platform": "Linux",
            "cpu": "A processor",
            "gpu": None,
            "threads": 2,
            "seeds": {"numpy": 0},
            "started": "2026-11-24T00:10:31+00:00",
        },
    }
    return {**record, **changes}


def saved(folder: Path, record: dict, file="") -> Path:
    Record.model_validate(record)
    path = folder / (file or f"{record['notebook']}.json")
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


@pytest.fixture
def page(tmp_path):
    """Return a function that makes a book of one notebook with the cells and reads its page."""

    def make(*cells) -> str:
        path = notebook(tmp_path, "01_one", *cells)
        index = build([path], [saved(tmp_path, made_record())], tmp_path / "report")
        return (index.parent / "01_one.html").read_text(encoding="utf-8")

    return make


class Elements(HTMLParser):
    """Every element of a page with its attributes, as a browser would meet them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def is_harmless(page: str) -> None:
    policy = ""
    for tag, attributes in Elements(page).found:
        assert tag not in {"script", "iframe", "object", "embed", "link", "base"}
        # the one form is that of the search, above the notebook's content
        assert tag != "form" or attributes["action"] == "search.html"
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert not value.strip().lower().startswith("javascript:")
            if name in {"src", "xlink:href", "srcset", "poster"}:
                assert value.startswith("data:image/"), (tag, value)
            if name == "href" and tag != "a":
                assert value.startswith("#")
        if attributes.get("http-equiv") == "Content-Security-Policy":
            policy = attributes["content"]
    assert policy.count("form-action") == 1 and page.count("<form") <= 1
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:" in policy
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#)", page)


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}", "<mtext>else</mtext>"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "<mo>(</mo><mtable"),
        (r"w \in \mathbb{R}^d", "ℝ"),
        (r"\sum_{i=1}^{n} \frac{1}{n} \hat{y}_i", "<mfrac>"),
        (r"\mathbf{w}^\top \boldsymbol\theta", "𝐰"),
        (r"\mathcal{L} \le \left\| x \right\|_2", "<mo>‖</mo>"),
        (r"-\frac1n\sum_i y_i\log\sigma(w^\top x_i)", "<munder>"),
        (r"\underbrace{L_s}_{\text{源}} + \lambda L_t", "源"),
        (r"\nabla \partial \operatorname*{arg\,min}_\theta \tilde x \bar x", "∇"),
    ],
)
def test_formulas_become_mathml_in_markdown_and_in_outputs(page, latex, part):
    made = page(
        text(f"Before $${latex}$$ after, ${latex}$ inside."),
        code("L", shown(latex=f"$\\displaystyle {latex}$", plain="L")),
        code("L", shown(markdown=f"It is ${latex}$.", plain="L")),
    )
    assert made.count(part) >= 4
    assert made.count('<math display="block">') >= 2
    assert "$" not in re.sub(
        r"<style>.*?</style>|<div class=\"highlight.*?</div>", "", made, flags=re.S
    )
    assert "\\" not in re.sub(r"<style>.*?</style>", "", made, flags=re.S)


def test_formulas_bring_their_font_and_other_pages_do_not(tmp_path):
    plain = tmp_path / "02_two.ipynb"
    content = nb.new_notebook(cells=[text("# 02 Plain\n\nNo formula here?")])
    plain.write_text(nb.writes(content), encoding="utf-8")
    records = [saved(tmp_path, made_record(name)) for name in ("01_one", "02_two")]
    build([notebook(tmp_path, "01_one"), plain], records, tmp_path / "report")
    with_formula = (tmp_path / "report/01_one.html").read_text(encoding="utf-8")
    without = (tmp_path / "report/02_two.html").read_text(encoding="utf-8")
    assert "src:url(data:font/woff;base64," in with_formula
    assert "@font-face" not in without
    assert len(with_formula) < 120_000


def test_a_formula_inside_the_words_of_another_is_shown(page):
    made = page(text(r"$$f = 1 \text{ where $w_{i}$ is in $d$}$$"))
    said = re.sub(r"[\s\u00a0]+", " ", made)
    assert re.search(r"<mtext> where </mtext>(<mrow>)?<msub>", said)


def test_equations_are_numbered_and_referred_to(page):
    made = page(
        text(r"$$\begin{equation} x \label{eq:x} \end{equation}$$"),
        text(r"\begin{align} y \label{eq:y} \end{align}"),
        text(r"See $\eqref{eq:y}$."),
    )
    assert "<mtext>(1)</mtext>" in made
    assert '<a href="#eq:y">(2)</a>' in made


@pytest.mark.parametrize(
    ("formula", "reason"),
    [(r"\frac{1}{", "end of input"), (r"\nosuch{x}", "nosuch"), (r"\eqref{eq:no}", "refers")],
)
@pytest.mark.parametrize("kind", ["markdown", "latex"])
def test_a_broken_formula_names_notebook_cell_and_formula(page, formula, reason, kind):
    cell = (
        text(f"A ${formula}$ b") if kind == "markdown" else code("x", shown(latex=f"${formula}$"))
    )
    with pytest.raises(UserError, match=reason) as caught:
        page(text("Words."), cell)
    message = str(caught.value)
    assert "01_one" in message and formula in message and "cell c3" in message


def test_charts_are_inline_svg_with_a_name_and_no_shared_ids(page):
    made = page(text(CHART), text(CHART))
    assert made.count("<svg") == 2 and "Source to target</title>" in made and "源" in made
    ids = re.findall(r' id="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert "foreignObject" not in made
    is_harmless(made)


def test_a_broken_chart_names_notebook_and_cell(page):
    with pytest.raises(UserError, match=r'01_one, cell c2: the chart "flowchart LR" cannot'):
        page(text("```mermaid\nflowchart LR\n A --> [\n```"))


def test_a_chart_without_a_title_says_its_words():
    assert 'aria-label="Chart: one two; three"' in markdown_html.chart(
        "flowchart LR\n A[one two] --> B[three]", "c"
    )


@pytest.mark.parametrize(
    "cell",
    [
        text(EVIL),
        text(f"| a | b |\n|---|---|\n| {EVIL} | x |\n\n- {EVIL}\n\n## {EVIL} head"),
        text(
            "[link](javascript:alert(1)) <a href='data:text/html,x'>d</a> <base href='http://e.f'>"
        ),
        text("![an image](https://example.org/a.png) <img src='https://example.org/b.png'>"),
        text(f"$\\text{{{EVIL}}}$ ![$x<y$](data:text/html,x)"),
        text('![$x$" onload="alert(1)](data:image/png;base64,AAAA)'),
        text(
            "<svg onload=alert(1)><script>alert(1)</script></svg><math href='javascript:alert(1)'>"
        ),
        text(
            "<style>@import url(http://example.org)</style><link href='http://e.f' rel=stylesheet>"
        ),
        text("<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>"),
        text('```mermaid\nflowchart LR\n A["<img src=x onerror=alert(1)>"] --> B\n```'),
        text('```mermaid\nflowchart LR\n A --> B\n click A href "javascript:alert(1)"\n```'),
        text("\ue0000\ue001 $x$ \ue00099\ue001"),
        code("x", shown(html=f"<table><tr><td>{EVIL}</td></tr></table>", plain="t")),
        code(
            "x",
            shown(html="<a style='background:url(http://e.f)' href=' JavaScript:alert(1)'>a</a>"),
        ),
        code("x", shown(markdown=f"**said** {EVIL}", plain="t")),
        code("x", shown(latex=f"{EVIL} $x$", plain="t")),
        code("x", shown(plain=EVIL)),
        code("x", shown(png=PNG, plain=f'"{EVIL}')),
        code("x", shown(png='"><script>alert(1)</script>', plain="t")),
        code("x", shown(svg=f"<svg xmlns='http://www.w3.org/2000/svg'>{EVIL}</svg>", plain="t")),
        code("x", nb.new_output("stream", name="stdout", text=EVIL)),
        code("x", nb.new_output("error", ename="E", evalue=EVIL, traceback=[EVIL])),
        code(f"print('{EVIL}')"),
    ],
)
def test_nothing_in_a_notebook_can_run_or_load(page, cell):
    is_harmless(page(cell))


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("<b style='position:fixed;width:3px'>b</b>", '<b style="width:3px">b</b>'),
        ("<a href='http://a.b' rel='x'>a</a>", '<a href="http://a.b">a</a>'),
        ("<a href='javascript:alert(1)' id='i'>a</a>", '<a id="i">a</a>'),
        ("<input type='text' name='n'><nav>words</nav>", "<input>words"),
        ("<svg><title><style><img src=x onerror=alert(1)>", ""),
        ("&nbsp;新闻<!-- c -->", "&nbsp;新闻"),
    ],
)
def test_the_cleaner_keeps_what_is_listed_and_nothing_else(markup, kept):
    assert markdown_html.clean(markup) == kept


def test_nothing_in_a_record_can_run(tmp_path):
    metric = {"name": EVIL, "value": 1, "split": "test", "dataset": EVIL, "strategy": EVIL}
    claim = {"claim": "C02", "value": 0.5, "verdict": "supported", "note": EVIL}
    record = made_record(metrics=[metric], claims=[claim], parameters={"corpus": EVIL})
    index = build([notebook(tmp_path, "01_one")], [saved(tmp_path, record)], tmp_path / "report")
    is_harmless(index.read_text(encoding="utf-8"))


def test_what_is_meant_survives_cleaning(page):
    table = "<table class='t'><caption>Scores</caption><thead><tr><th>n</th></tr></thead>"
    made = page(
        text(
            "A [link](https://example.org), **bold**, `x < y`\n\n```python\nx = 1\n```\n\n> quote"
        ),
        code(
            "t", shown(html=table + "<tbody><tr><td colspan='2'>&lt;b&gt; 新闻</td></tr></table>")
        ),
        code("f", shown(png=PNG, plain="Accuracy rises with labels", metadata={})),
        code("f", shown({"image/png": {"alt": 'He said "so" & left'}}, png=PNG, plain="<Figure>")),
        code("p", nb.new_output("stream", name="stdout", text="10%\r100% \x1b[31mred\x1b[0m\n")),
    )
    assert '<a href="https://example.org">link</a>' in made
    assert "<strong>bold</strong>" in made and "<code>x &lt; y</code>" in made
    assert re.search(r'<div [^>]*class="scroll"[^>]*tabindex="0"[^>]*><table', made)
    assert 'aria-label="Scores"' in made
    assert '<td colspan="2">&lt;b&gt; 新闻</td>' in made
    assert 'alt="Accuracy rises with labels"' in made
    assert 'alt="He said &quot;so&quot; &amp; left"' in made
    assert "100%" in made and ">10%" not in made and '<span class="ansi-red-fg">red</span>' in made


def test_tables_of_the_notebooks_keep_their_shape(page):
    frame = pd.DataFrame({"text": ["<script>alert(1)</script> $x$"], "score": [0.5]})
    made = page(code("show", shown(html=tables.to_html(frame, "Scores"), plain="t")))
    assert made.count('aria-label="Scores"') == 1 and made.count("<table") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x$" in made
    assert re.search(r'<td [^>]*class="number"[^>]*>0.500</td>', made)
    is_harmless(made)


def test_quiet_where_a_reader_wants_quiet(page):
    made = page(
        code("warn()", nb.new_output("stream", name="stderr", text="a warning")),
        code("slider()", shown(widget={"model_id": "1"}, plain="interactive(children=())")),
        code("\n".join(f"line_{n} = {n}" for n in range(16))),
        code("n: int = 5  # how many", tags=["parameters"]),
        code("# Parameters\nn = 7", tags=["injected-parameters"]),
    )
    assert "a warning" not in made and "interactive(" not in made
    assert "<summary>Code (16 lines)</summary>" in made
    assert "Parameters and their defaults" in made and "Parameters of this run" in made


def test_pages_are_linked_to_each_other_and_to_their_sections(tmp_path):
    link = "[two](02_two.ipynb#Its-part) [far](../helpers/x.py) [no](99_no.ipynb) [h](#Part-one)"
    notebooks = [
        notebook(tmp_path, "02_two", text("## Its part\n\n## Its part")),
        notebook(tmp_path, "01_one", text(f"## Part one\n\n### Deeper: $\\lambda$\n\n{link}")),
    ]
    records = [saved(tmp_path, made_record(name)) for name in ("01_one", "02_two")]
    index = build(notebooks, records, tmp_path / "report")
    one, two = ((tmp_path / f"report/{name}.html").read_text() for name in ("01_one", "02_two"))
    assert '<a href="02_two.html#Its-part">two</a>' in one
    assert "../helpers" not in one and "99_no" not in one and " far no " in one
    assert '<a rel="next" href="02_two.html">02 A title' in one and 'rel="prev"' not in one
    assert '<a rel="prev" href="01_one.html">' in two and 'rel="next"' not in two
    assert 'id="Its-part"' in two and 'id="Its-part-2"' in two
    for file in (tmp_path / "report").iterdir():
        page = file.read_text(encoding="utf-8")
        elements = Elements(page).found
        ids = {attributes["id"] for _, attributes in elements if "id" in attributes}
        for tag, attributes in elements:
            target, _, anchor = attributes.get("href", "").partition("#")
            if tag == "a" and not target.startswith("http"):
                assert not target or (tmp_path / "report" / target).exists()
                assert target or not anchor or anchor in ids, (file.name, anchor)
    assert "Is it <math><mi>x</mi></math> or not?" in index.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("cell", "question"),
    [
        (
            "<p>A sentence.</p><p><strong>Question.</strong> Is it <b>so?</b></p>",
            "Is it <b>so?</b>",
        ),
        ("<p>No question here.</p><p>More.</p>", "No question here."),
        ('<p>See <a href="02.html">two</a>?</p>', "See two?"),
        ("", ""),
    ],
)
def test_the_index_shows_the_question_of_a_notebook(cell, question):
    assert pages._question(cell) == question


def test_a_page_is_usable_on_a_phone_by_keyboard_in_the_dark(page):
    made = page(code("print(1)"))
    assert '<html lang="en">' in made
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in made
    assert "@media (max-width: 34rem)" in made and "overflow-x: auto" in made
    assert "@media (prefers-color-scheme: dark)" in made and ":focus-visible" in made
    assert '<a class="skip" href="#main">' in made and "Noto Sans CJK SC" in made
    assert re.search(r'<pre tabindex="0">', made)


def seeds_of(values, **about):
    return [
        {"name": "accuracy", "value": value, "n": 800, "seed": seed, "split": "test", **about}
        for seed, value in enumerate(values)
    ]


def test_results_are_means_over_seeds_accuracy_first(tmp_path):
    interval = {"low": 0.05, "high": 0.15, "level": 0.95}
    metrics = [
        {"name": "f1_macro", "value": 0.7, "split": "test", "dataset": "r8"},
        *seeds_of([0.8, 0.9, 1.0], dataset="r8", strategy="full", labels=16),
        *seeds_of([0.5, 0.5, 0.5], dataset="r8", strategy="majority", labels=16),
        {"name": "accuracy", "value": 0.1, "interval": interval, "split": "test", "dataset": "r8"},
        {"name": "accuracy", "value": 0.3, "split": "validation"},
    ]
    record = Record.model_validate(made_record(metrics=metrics))
    (result,) = summary.results([record])
    assert result.main.caption == "Accuracy on the test split (r8)"
    assert result.main.columns == ["Strategy", "Labels", "Value", "n"]
    assert result.main.rows == [
        ["full", "16", "0.900 (0.800 to 1.000, 3 runs)", "800"],
        ["majority", "16", "0.500 (0.500 to 0.500, 3 runs)", "800"],
        ["–", "–", "0.100 [0.050, 0.150]", "–"],
    ]
    assert [row[0] for row in result.rest.rows] == ["f1_macro", "accuracy"]


def test_runs_with_other_settings_are_not_averaged_and_get_a_page_each(tmp_path):
    folder = tmp_path / "01_one"
    folder.mkdir()
    notebooks = []
    for name, rate in (("aa", 0.1), ("bb", 0.2)):
        record = made_record(parameters={"rate": rate, "seed": 1}, metrics=seeds_of([rate]))
        saved(tmp_path, record, f"{name}.json")
        notebooks.append(notebook(folder, name))
    index = build(notebooks, sorted(tmp_path.glob("*.json")), tmp_path / "report")
    pages = {path.name for path in index.parent.iterdir()}
    assert {"index.html", "01_one-aa.html", "01_one-bb.html"} < pages
    assert index.read_text(encoding="utf-8").count('<a href="01_one-') == 2
    made = (index.parent / "results.html").read_text(encoding="utf-8")
    assert "rate = 0.1" in made and "rate = 0.2" in made and "2 runs" not in made


def topics_64(learned):
    """The difference that C02 asks of topics, clear enough to decide."""
    squares = {"draw": 0.1, "item": 0.2, "rest": 0.1, "draws": 10, "items": 2189}
    return {
        "claim": "C02", "value": 0.09, "n": 2189, "seeds": 10, "note": "topics",
        "interval": {"low": 0.08, "high": 0.1, "level": 0.95, "squares": squares},
        "measured": {
            "study": "topics", "arm": "fine_tuned", "than": "from_scratch", "labels": 64,
            "measure": "accuracy", "learned": {"fine_tuned": True, "from_scratch": learned},
            "cost_ratio": 1.0, "overlap": 0.0,
        },
    }  # fmt: skip


def test_a_difference_that_cannot_count_is_shown_with_the_reason(tmp_path):
    record = saved(tmp_path, made_record(claims=[topics_64(learned=False)]))
    index = build([notebook(tmp_path, "01_one")], [record], tmp_path / "report")
    for name in ("index.html", "claims.html"):
        made = (index.parent / name).read_text(encoding="utf-8")
        assert "</span> not judged" in made and "0.090 [0.080, 0.100]" in made
    assert "from scratch did not learn: it is no better than the floor." in made


def test_measures_held_against_each_other_are_one_row(tmp_path):
    def by(measure, value):
        made = topics_64(learned=True)
        made["measured"] = made["measured"] | {"measure": measure, "asked": measure}
        ends = {"low": value - 0.01, "high": value + 0.01}
        interval = made["interval"] | ends
        return made | {"claim": "C10", "value": value, "interval": interval, "note": measure}

    values = {"accuracy": 0.09, "precision": 0.02, "recall": 0.11, "f1": 0.1}
    claims = [by(measure, value) for measure, value in values.items()]
    record = saved(tmp_path, made_record(claims=claims))
    made = build([notebook(tmp_path, "01_one")], [record], tmp_path / "report").read_text()
    shown = "accuracy 0.090 [0.080, 0.100]; precision 0.020 [0.010, 0.030]; recall 0.110"
    assert shown in made and "supported on 1 of 1 comparisons" in made
    assert made.count("topics, 64 labels: fine tuned − from scratch by accuracy,") == 1


def test_index_shows_claims_cost_and_origin(tmp_path):
    interval = {"low": -0.02, "high": 0.03}
    claims = [
        {"claim": "C03", "value": 0.01, "interval": interval, "seeds": 3},
        {"claim": "C01", "value": 0.2, "n": 800, "seeds": [0, 1], "verdict": "supported"},
        topics_64(learned=True),
    ]
    record = saved(tmp_path, made_record(claims=claims))
    index = build([notebook(tmp_path, "01_one")], [record], tmp_path / "report")
    made = index.read_text(encoding="utf-8")
    assert made.index('id="C01"') < made.index('id="C02"') < made.index('id="C03"')
    assert "Transfer learning needs less labelled target data." in made
    assert "0.010 [−0.020, 0.030]" in made and made.count("</span> not judged") == 2
    assert "</span> supported" in made and "supported on 1 of 1 tasks" in made
    assert "18 not measured" not in made and "</span> 17 not measured" in made
    claims = (index.parent / "claims.html").read_text(encoding="utf-8")
    assert '<td class="number">2</td><td class="number">800</td>' in claims
    made = (index.parent / "origin.html").read_text(encoding="utf-8")
    for fact in ("1 min 1 s", "0.51 GB", "0123456789abcdef", "A processor", "torch 2.13.0"):
        assert fact in made
    assert "2026-11-24 00:10 UTC" in made and "reuters-r8" in made
    assert "-m helpers run 01 -p corpus reuters-r8 -p labels" in made


def test_same_input_same_bytes(tmp_path):
    path = notebook(tmp_path, "01_one", text(CHART), code("x", shown(latex="$x$")))
    record = saved(tmp_path, made_record(metrics=seeds_of([0.1, 0.2])))
    build([path], [record], tmp_path / "a")
    build([path], [record], tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_report_stays_until_the_next_is_whole(tmp_path, monkeypatch):
    out, record = tmp_path / "report", saved(tmp_path, made_record())
    index = build([notebook(tmp_path, "01_one")], [record], out)
    before = index.read_bytes()
    with pytest.raises(UserError):
        build([notebook(tmp_path, "01_one", text(r"$\frac{1$"))], [record], out)
    assert index.read_bytes() == before

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(UserError, match="No space left on device"):
            book._replace(out, {"index.html": "x"})
    assert index.read_bytes() == before
    build([notebook(tmp_path, "01_one", text("new words"))], [record], out)
    assert "new words" in (out / "01_one.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_report_lost_between_two_renames_comes_back(tmp_path):
    out, record = tmp_path / "report", saved(tmp_path, made_record())
    build([notebook(tmp_path, "01_one")], [record], out)
    out.rename(tmp_path / ".report.old")
    (tmp_path / ".report.new").mkdir()
    assert build([notebook(tmp_path, "01_one")], [record], out).exists()
    assert not (tmp_path / ".report.old").exists()


def test_a_folder_of_the_user_is_left_alone(tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="left alone"):
        build([notebook(tmp_path, "01_one")], [saved(tmp_path, made_record())], out)
    assert (out / "thesis.txt").exists()
    (out / "thesis.txt").unlink()  # an empty folder is nobody's
    assert build([notebook(tmp_path, "01_one")], [saved(tmp_path, made_record())], out).exists()


def test_missing_and_broken_input_is_told_in_a_sentence(tmp_path):
    good, record = notebook(tmp_path, "01_one"), saved(tmp_path, made_record())
    out = tmp_path / "report"
    with pytest.raises(UserError, match="no notebooks were given"):
        build([], [record], out)
    with pytest.raises(UserError, match=r"There is no record .*gone.json"):
        build([good], [tmp_path / "gone.json"], out)
    with pytest.raises(UserError, match=r"01_one.ipynb has no record"):
        build([good], [], out)
    with pytest.raises(UserError, match=r"There is no notebook .*02_two.ipynb"):
        build([tmp_path / "02_two.ipynb"], [record], out)
    (tmp_path / "half.json").write_text('{"notebook": "01_')
    with pytest.raises(UserError, match=r"half.json"):
        build([good], [tmp_path / "half.json"], out)
    older = saved(tmp_path, made_record(), "older.json")
    older.write_text(older.read_text().replace('"schema_version": 1', '"schema_version": 0'))
    with pytest.raises(UserError, match=r"older.json is a record of format 0, .* reads format 1"):
        build([good], [older], out)
    with pytest.raises(UserError, match="has not been executed"):
        build([notebook(tmp_path, "01_one", code(count=None))], [record], out)
    good.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="is not a Jupyter notebook"):
        build([good], [record], out)
    assert not out.exists()
