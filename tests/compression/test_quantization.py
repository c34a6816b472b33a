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
def calibration(tiny):
    return [tiny.collator(tiny.rows.select(range(i, i + 8)).to_list()) for i in (0, 8)]


@pytest.fixture(scope="module", params=["dynamic", "static", "weights 8", "weights 4"])
def quantized(request, exported, calibration):
    out = exported.path.with_name(f"{request.param}.onnx")
    if request.param == "dynamic":
        return request.param, quantization.dynamic_int8(exported.path, out)
    if request.param == "static":
        return request.param, quantization.static_int8(exported.path, out, calibration)
    bits = int(request.param[-1])
    return request.param, quantization.weight_only(exported.path, out, bits=bits)


BOUNDS = {"dynamic": 0.1, "static": 0.2, "weights 8": 0.02, "weights 4": 0.3}
"""Of the largest logit; about twice what was measured."""


def test_logits_stay_within_the_bound(tiny, exported, quantized):
    name, model = quantized
    before = exported.predict(tiny.rows, tiny.collator)
    after = model.predict(tiny.rows, tiny.collator)
    off = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < off < BOUNDS[name]


def test_answers_stay_on_a_task_that_is_solved(tiny, quantized):
    _, model = quantized
    truth = np.array(tiny.rows["labels"])
    assert (model.predict(tiny.rows, tiny.collator).argmax(1) == truth).mean() >= 0.95


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


def test_quantizing_says_nothing(exported, calibration, capfd):
    out = exported.path.with_name("quiet.onnx")
    quantization.dynamic_int8(exported.path, out)
    quantization.static_int8(exported.path, out, calibration)
    quantization.weight_only(exported.path, out, bits=4)
    assert capfd.readouterr() == ("", "")


def test_mistakes_are_sentences(exported, calibration, tmp_path):
    source, out = exported.path, tmp_path / "out.onnx"
    with pytest.raises(UserError, match="Static quantization needs calibration texts; give at le"):
        quantization.static_int8(source, out, [])
    with pytest.raises(UserError, match="There is no calibration 'mean'; there are minmax, entro"):
        quantization.static_int8(source, out, calibration, "mean")
    with pytest.raises(UserError, match=r"Weight-only quantization takes 4 or 8 bits, not 3\."):
        quantization.weight_only(source, out, bits=3)
    for call in (quantization.dynamic_int8, quantization.weight_only):
        with pytest.raises(UserError, match=r"There is no ONNX file .*; export the model first\."):
            call(tmp_path / "none.onnx", out)
    assert not out.exists()
