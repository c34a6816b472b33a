"""Predictions of two systems, brought together item by item, or refused in one sentence."""

import pytest

from helpers import UserError
from helpers.sources import predictions
from helpers.sources.rows import Rows


def table(name, values):
    return Rows(name, "line", range(2, len(values) + 2), values)


def said(name, *cells, column="prediction", start=0):
    return table(name, [{"id": i + start, column: cell} for i, cell in enumerate(cells)])


def log(name, *values, metric="acc", **further):
    rows = [{"doc_id": i, "target": "x", "filtered_resps": ["x"], metric: value} | further
            for i, value in enumerate(values)]  # fmt: skip
    return table(name, rows)


TRUTH = said("t.csv", "x", "y", "x", column="label")


def test_rows_are_paired_by_their_ids_whatever_their_order():
    a = table("a.csv", [{"id": i, "pred": label} for i, label in [(2, "c"), (0, "a"), (1, "b")]])
    truth = said("t.csv", "a", "b", "c", column="label")
    found = predictions.predictions(a, said("b.csv", "a", "a", "a"), truth)
    assert (found.a, found.b, found.truth) == (["a", "b", "c"], ["a"] * 3, ["a", "b", "c"])
    assert found.paired == "by 'id'"


def test_without_ids_rows_are_paired_in_their_order():
    a, b, truth = ([{column: x} for x in cells] for column, cells in (
        ("predicted_label", "xyx"), ("label", "yyy"), ("label", "xyx")))  # fmt: skip
    found = predictions.predictions(table("a", a), table("b", b), table("t", truth))
    assert (found.a, found.b, found.paired) == (["x", "y", "x"], ["y"] * 3, "row by row")


def test_a_number_is_one_class_however_it_is_written_and_nothing_is_none():
    truth = said("t", "1", "2", "1", column="label")
    found = predictions.predictions(said("a", 1.0, 2.0, 1.0), said("b", "1.0", "", "2"), truth)
    assert (found.a, found.b) == (["1", "2", "1"], ["1", "", "2"])


@pytest.mark.parametrize(
    ("a", "options", "sentence"),
    [
        (said("a.csv", "x", "y"), {}, "a.csv lacks 1 of the items of t.csv (the first: id '2'); "
         "both systems must have answered the same items."),
        (said("a.csv", *"xyxy"), {}, "t.csv lacks 1 of the items of a.csv (the first: id '3'); "
         "both systems must have answered the same items."),
        (said("a.csv", *"xyx", start=70), {}, "a.csv and t.csv share no 'id' ('70', … and '0', "
         "…)."),
        (table("a.csv", [{"pred": "x"}] * 2), {}, "a.csv has 2 rows and t.csv has 3; name a column "
         "that says which row is which item with --id."),
        (table("a.csv", [{"id": 0, "pred": "x"}] * 3), {}, "The 'id' 0 stands in line 2 of a.csv "
         "and in line 3; an item is answered once."),
        (said("a.csv", *"xyx", column="said"), {}, "a.csv has no column of predictions "
         "'predicted_label'; its columns are id, said (name one of them with --prediction)."),
        (said("a.csv", *"xyx"), {"predicted": "p"}, "a.csv has no column of predictions 'p'; its "
         "columns are id, prediction (name one of them with --prediction)."),
        (said("a.csv", *"xyx"), {"by": "key"}, "a.csv has no column 'key' of ids; its columns are "
         "id, prediction (name one that all files have with --id)."),
        (said("a.csv", *"XYX"), {}, "No prediction of a.csv ('X', …) is a class of t.csv ('x', …): "
         "are these the right columns?"),
    ],
)  # fmt: skip
def test_what_cannot_be_paired_is_told_in_one_sentence(a, options, sentence):
    with pytest.raises(UserError) as refused:
        predictions.predictions(a, said("b.csv", *"xyx"), TRUTH, **options)
    assert str(refused.value) == sentence


def test_an_item_without_a_true_class_is_refused():
    truth = said("t.csv", "x", None, "y", column="label")
    with pytest.raises(UserError, match=r"The label in line 3 of t\.csv \('label'\) is missing"):
        predictions.predictions(said("a", *"xyx"), said("b", *"xyx"), truth)


def test_logs_give_every_metric_that_both_have_as_a_number():
    a, b = log("a", 1.0, 0.0, extra=[1]), log("b", True, False, f1=0.5)
    found = predictions.logged_scores(a, b)
    assert list(found.metrics) == ["acc"]
    assert [values.tolist() for values in found.metrics["acc"]] == [[1.0, 0.0], [1.0, 0.0]]


def test_one_filter_of_a_log_with_several_is_taken():
    rows = [row | {"filter": name, "acc": value} for name, value in (("strict", 0), ("loose", 1))
            for row in log("a", 0, 0).values]  # fmt: skip
    two = table("a.jsonl", rows)
    with pytest.raises(UserError, match=r"of several filters \(strict, loose\); name one with"):
        predictions.logged_scores(two, log("b", 1, 1))
    with pytest.raises(UserError, match=r"a\.jsonl has no filter 'x'; it has strict, loose\."):
        predictions.logged_scores(two, two, which="x")
    found = predictions.logged_scores(
        two, table("b", [row | {"acc": 0} for row in rows]), which="loose"
    )
    assert [values.tolist() for values in found.metrics["acc"]] == [[1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("b", "metric", "sentence"),
    [
        (log("b", 1.0, 1.0, 1.0), "", "a lacks 1 of the items of b (the first: doc_id '2'); both "
         "systems must have answered the same items."),
        (log("b", 1.0, 1.0, metric="f1"), "", "a and b share no metric with a number for every "
         "item, such as acc or exact_match."),
        (log("b", 1.0, 1.0), "em", "There is no metric 'em' with a number for every item in both "
         "logs; there is acc."),
        (log("b", 1.0, 1.0, target="z"), "", "The doc_id 0 is another item in b than in line 2 of "
         "a (their target differ): are both logs of one task?"),
    ],
)  # fmt: skip
def test_logs_that_do_not_fit_are_refused(b, metric, sentence):
    with pytest.raises(UserError) as refused:
        predictions.logged_scores(log("a", 1.0, 0.0), b, metric=metric)
    assert str(refused.value) == sentence
