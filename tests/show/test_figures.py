import base64
import io
import subprocess
import sys

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from helpers import UserError
from helpers.evaluation.significance import Interval
from helpers.show import figures, trainings


def frame():
    rows = [
        (count, name, base + 0.1 * i, base + 0.1 * i - 0.02, base + 0.1 * i + 0.02)
        for name, base in [("full", 0.6), ("linear_probe", 0.65), ("from_scratch", 0.4)]
        for i, count in enumerate([16, 64, 256])
    ]
    rows.append((np.nan, "majority", 0.35, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["labels", "strategy", "score", "low", "high"])


def curves(*names):
    step = np.arange(0, 50, 10)
    return {
        name: {
            "step": step,
            "training_loss": 1.5 - 0.02 * step - 0.1 * i,
            "validation_loss": 1.6 - 0.01 * step - 0.1 * i,
            "validation_score": 0.4 + 0.01 * step + 0.02 * i,
        }
        for i, name in enumerate(names)
    }


def all_figures():
    rng = np.random.default_rng(0)
    gains = np.linspace(-0.5, 0.7, 200).reshape(10, 20)
    return {
        "curves": figures.learning_curves(frame()),
        "training": trainings.training_curves(curves("full", "from_scratch"), chance=0.25),
        "over steps": trainings.over_steps({"full": ([0, 9], [2, 1])}, "bits", {"unigram": 2.5}),
        "confusion": figures.confusion_matrix(rng.integers(0, 99, (8, 8)), list("abcdefgh")),
        "many classes": figures.confusion_matrix(
            rng.integers(0, 9, (52, 52)), [f"class {i}" for i in range(52)]
        ),
        "forest": figures.forest(
            [
                ("full - scratch", Interval(0.1, 0.05, 0.15, 99, 0.95, "")),
                ("useless - scratch", Interval(-0.1, -0.15, -0.05, 99, 0.95, "")),
                ("probe - TF-IDF", Interval(0.01, -0.05, 0.15, 99, 0.95, "")),
                ("one seed", Interval(0.01, np.nan, np.nan, 1, 0.95, "")),
            ],
            smallest_of_interest=0.02,
        ),
        "map": figures.heatmap(
            gains, np.linspace(0, 1, 10), np.geomspace(10, 1000, 20), "relatedness", "n", "gain"
        ),
        "small map": figures.heatmap(
            [[0.1, np.nan], [-0.2, 0.0]], [0, 1], [10, 100], "relatedness", "n", "gain"
        ),
    }


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_every_figure_is_labelled_small_and_the_same_bytes_each_time():
    first, second = all_figures(), all_figures()
    for name, figure in first.items():
        axes = figure.axes[0]
        assert axes.get_xlabel(), name
        data = figures.png(figure)
        assert data == figures.png(second[name]), name
        assert len(data) < 150_000, name
        width, height = Image.open(io.BytesIO(data)).size
        assert 700 <= width <= 1300 and 300 <= height <= 1300, name


def test_figures_are_not_displayed_by_pyplot():
    all_figures()
    assert mpl.pyplot.get_fignums() == []


def test_learning_curves_show_every_strategy_and_count():
    figure = figures.learning_curves(frame(), score="macro F1 (share)")
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "macro F1 (share)"
    assert list(axes.get_xticks()) == [16, 64, 256]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["full", "linear probe", "from scratch", "majority"]
    # Told apart without colour: by marker and by line.
    lines = [container.lines[0] for container in axes.containers]
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_linestyle() for line in lines}) == 3


def test_a_strategy_looks_the_same_in_every_figure():
    def look(rows):
        lines = figures.learning_curves(rows).axes[0].containers
        return {c.get_label(): (c.lines[0].get_color(), c.lines[0].get_marker()) for c in lines}

    everything, one = look(frame()), look(frame().query("strategy == 'from_scratch'"))
    assert one["from scratch"] == everything["from scratch"]


def test_training_curves_show_loss_and_score_over_steps():
    drawn = curves("fine_tuned", "from_scratch")
    figure = trainings.training_curves(drawn, score="macro F1 (share)")
    losses, scores = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["steps", "steps"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss (nats)", "macro F1 (share)"]
    assert [axes.get_ylim()[0] for axes in figure.axes] == [0, 0]
    assert losses.get_title(loc="left") == "dotted: training, solid: validation"
    kinds = {":": "training_loss", "-": "validation_loss"}
    for i, curve in enumerate(drawn.values()):
        for line in losses.lines[2 * i : 2 * i + 2]:
            np.testing.assert_array_equal(line.get_ydata(), curve[kinds[line.get_linestyle()]])
        np.testing.assert_array_equal(scores.lines[i].get_xdata(), curve["step"])
        np.testing.assert_array_equal(scores.lines[i].get_ydata(), curve["validation_score"])
    assert {line.get_linestyle() for line in losses.lines[:2]} == set(kinds)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["fine tuned", "from scratch"]
    assert len({line.get_marker() for line in scores.lines}) == 2


def test_a_quantity_is_drawn_over_the_steps_of_each_training_with_grey_levels():
    drawn = {"fine_tuned": ([0, 4, 8], [1.8, 1.7, 1.6]), "joint": ([0, 8], [1.8, 1.7])}
    figure = trainings.over_steps(drawn, "bits per byte", {"before_training": 1.8})
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("steps", "bits per byte")
    for line, (steps, values) in zip(ax.lines, drawn.values(), strict=False):
        assert line.get_xdata().tolist() == steps and line.get_ydata().tolist() == values
    assert ax.lines[2].get_ydata()[0] == 1.8
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["fine tuned", "joint", "before training"]


def test_training_curves_have_a_grey_line_where_chance_is_given():
    names = "full", "from_scratch"
    without = trainings.training_curves(curves(*names)).axes[1]
    figure = trainings.training_curves(curves(*names), chance=0.25)
    line = figure.axes[1].lines[-1]
    assert len(figure.axes[1].lines) == len(without.lines) + 1 == 3
    assert list(line.get_ydata()) == [0.25, 0.25]
    assert len(set(mpl.colors.to_rgb(line.get_color()))) == 1
    assert figure.legends[0].get_texts()[-1].get_text() == "nothing learned"
    assert "nothing learned" not in texts(trainings.training_curves(curves(*names)))
    assert (
        trainings.training_curves(curves("full"), chance=0.0).axes[1].lines[-1].get_ydata()[0] == 0
    )


def test_an_arm_of_trials_looks_as_its_strategy_does():
    def look(*names):
        lines = trainings.training_curves(curves(*names)).axes[1].lines
        return [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines]

    arms, strategies = (
        ("fine_tuned", "frozen", "from_scratch"),
        ("full", "linear_probe", "from_scratch"),
    )
    assert look(*arms) == look(*strategies)
    assert look("fine_tuned") == look("full")
    assert len(set(look(*arms))) == 3


def test_forest_tells_verdicts_in_words_and_markers():
    figure = all_figures()["forest"]
    said = texts(figure)
    for words in (
        "0.100 [0.050, 0.150] helps",
        "-0.100 [-0.150, -0.050] hurts",
        "0.010 [-0.050, 0.150] undecided",
        "0.010 [undefined] undecided",
        "full - scratch",
    ):
        assert words in said
    markers = [line.get_marker() for line in figure.axes[0].lines]
    assert [m for m in markers if m in list("<>o")] == [">", "<", "o", "o"]


def test_forest_says_no_difference_where_a_band_is_given_and_p_values_are_known():
    alike = Interval(0.004, -0.01, 0.018, 10, 0.95, "t", df=9)
    assert "0.004 [-0.010, 0.018] no difference" in texts(figures.forest([("a", alike)], 0.02))
    assert "0.004 [-0.010, 0.018] undecided" in texts(figures.forest([("a", alike)]))


def test_confusion_matrix_says_counts_and_survives_an_empty_row():
    figure = figures.confusion_matrix(
        [[1234, 0], [0, 0]], ["a name much longer than the rest", "b"]
    )
    assert "1,234" in texts(figure)
    assert "a name much lon…" in texts(figure)


def test_the_map_hatches_what_is_below_zero():
    figure = all_figures()["map"]
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == np.sum(np.linspace(-0.5, 0.7, 200) < 0)
    small = texts(all_figures()["small map"])
    assert "+0.10" in small and "-0.20" in small and "–" in small


def test_maps_that_are_compared_share_their_colours():
    def limits(**options):
        figure = figures.heatmap([[0.1, -0.2]], [0], [1, 2], "", "", "", **options)
        return figure.axes[0].images[0].get_clim()

    assert limits() == (-0.2, 0.2)
    assert limits(reach=3.0) == (-3.0, 3.0)


def test_drawing_into_given_axes():
    figure, (left, right) = mpl.pyplot.subplots(1, 2)
    try:
        assert figures.forest([("a", Interval(0, -1, 1, 9, 0.95, ""))], ax=left) is figure
        assert figures.learning_curves(frame(), ax=right) is figure
    finally:
        mpl.pyplot.close(figure)


def test_palette_keeps_colours_apart_for_those_who_see_two(
    # Machado et al. (2009), severity 1: what someone without red or green cones sees.
):
    figures.style()
    matrices = {
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    }
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"][:4]
    linear = np.array([mpl.colors.to_rgb(c) for c in colours]) ** 2.2
    for matrix in matrices.values():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        apart = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
        assert min(apart) > 0.15


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: figures.learning_curves(frame().drop(columns="labels")), "column 'labels'"),
        (lambda: figures.learning_curves(frame().iloc[:0]), "no rows"),
        (lambda: figures.learning_curves(frame().assign(labels=0)), "at least 1"),
        (lambda: figures.confusion_matrix([[1, 2]], ["a", "b"]), "2 × 2, not"),
        (lambda: figures.forest([]), "at least one row"),
        (
            lambda: trainings.training_curves({}),
            r"training_curves needs at least one curve\.$",
        ),
        (lambda: trainings.over_steps({}, "bits"), r"over_steps needs at least one curve\.$"),
        (lambda: figures.heatmap([[1]], [1, 2], [1], "", "", ""), "2 rows × 1 columns"),
        (lambda: figures.heatmap([[np.nan]], [1], [1], "", "", ""), "holds no value"),
        (lambda: figures.show(figures.learning_curves(frame()), " "), "needs alt"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_shown_in_a_notebook_once_with_alternative_text():
    code = """
from matplotlib import pyplot
from helpers.show import figures, trainings
from helpers.evaluation.significance import Interval
figures.style()
fig, ax = pyplot.subplots()
ax.plot([1, 2], [3, 4])
figures.show(fig, alt="A line that rises & <b>shines</b>.")
figures.show(figures.forest([("a", Interval(0, -1, 1, 9, 0.95, ""))]), alt="One\\n interval.")
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data", "display_data"]
    alts = ["A line that rises & <b>shines</b>.", "One interval."]
    for output, alt in zip(outputs, alts, strict=True):
        assert output.data["text/plain"] == alt
        assert output.metadata["image/png"]["alt"] == alt
        assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
    # nbconvert's filter finds it there; of its own templates only "classic" writes it out.
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert 'alt="A line that rises &amp; &lt;b&gt;shines&lt;/b&gt;."' in page


def test_shown_outside_a_notebook_as_text():
    code = (
        "from helpers.show import figures; from helpers.evaluation.significance import Interval;"
        "fig = figures.forest([('a', Interval(0, -1, 1, 9, 0.95, ''))]);"
        "figures.show(fig, alt='One interval.')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "One interval.\n"
    assert done.stderr == ""
