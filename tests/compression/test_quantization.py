"""Integers for weights: off by at most half a step, answers within a bound, errors."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from helpers import UserError
from helpers.compression import quantization
from helpers.compression.export import export_onnx
from helpers.transfer import finetuning


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    return export_onnx(tiny.model(), tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.fixture(scope="module")
def quantized(exported):
    return quantization.dynamic_int8(exported.path, exported.path.with_name("dynamic.onnx"))


def test_logits_stay_within_the_bound(tiny, exported, quantized):
    before = exported.predict(tiny.rows, tiny.collator)
    after = quantized.predict(tiny.rows, tiny.collator)
    off = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < off < 0.1  # about twice what was measured


def test_answers_stay_on_a_task_that_is_solved(tiny, quantized):
    truth = np.array(tiny.rows["labels"])
    assert (quantized.predict(tiny.rows, tiny.collator).argmax(1) == truth).mean() >= 0.95


def initializers(path):
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


def test_every_weight_is_off_by_at_most_half_a_step(exported):
    out = exported.path.with_name("again.onnx")
    quantization.dynamic_int8(exported.path, out)
    before, after = initializers(exported.path), initializers(out)
    compared = 0
    for name, whole in after.items():
        original = name.removesuffix("_quantized")
        if name == original or original not in before or before[original].ndim != 2:
            continue
        step, zero = (
            np.asarray(after[f"{original}_{end}"], float) for end in ("scale", "zero_point")
        )
        back = (whole.astype(float) - zero) * step
        assert (np.abs(back - before[original]) <= 0.501 * step).all(), original
        if whole.dtype == np.int8:  # matrices; word vectors are looked up, not multiplied
            assert np.abs(whole.astype(int)).max() <= 64
        compared += 1
    assert compared >= 10  # the matrices of two layers and the word vectors


def test_the_word_vectors_are_integers_too(exported):
    out = exported.path.with_name("words.onnx")
    quantization.dynamic_int8(exported.path, out)
    large = [one for one in initializers(out).values() if one.size == 400 * 32]
    assert [one.dtype.kind for one in large] in (["i"], ["u"])


def test_the_same_file_gives_the_same_bytes(exported):
    outs = [exported.path.with_name(f"same{i}.onnx") for i in range(2)]
    for out in outs:
        quantization.dynamic_int8(exported.path, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_torch_quantizes_eagerly_and_leaves_the_model_alone(tiny):
    model = tiny.model()
    small = quantization.eager_int8(model)
    before, after = (
        finetuning.predict(one, tiny.rows, tiny.collator, device="cpu") for one in (model, small)
    )
    off = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < off < 0.1
    assert [p.dtype for p in model.parameters()] == [p.dtype for p in tiny.model().parameters()]


def test_quantizing_says_nothing(exported, capfd):
    out = exported.path.with_name("quiet.onnx")
    quantization.dynamic_int8(exported.path, out)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    out = tmp_path / "out.onnx"
    with pytest.raises(UserError, match=r"There is no ONNX file .*; export the model first\."):
        quantization.dynamic_int8(tmp_path / "none.onnx", out)
    assert not out.exists()
