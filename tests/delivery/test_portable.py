"""A delivered network as an ONNX file: the same probabilities, in 8 bits nearly so."""

import onnxruntime
import pytest
import torch

from helpers import UserError
from helpers.delivery import folder, portable
from helpers.delivery.candidates import Bag, Frozen
from helpers.delivery.tuning import FullTuning
from tests.delivery import made


@pytest.mark.parametrize("kind", ["frozen", "fine_tuned"])
def test_the_file_gives_the_models_probabilities(tmp_path, encoder, labelled, kind):
    texts, labels = labelled
    if kind == "frozen":
        (model,) = Frozen(encoder, 32, "float32").fit(texts, labels, 3, [{"C": 100.0}])
    else:
        tuned = FullTuning(encoder, 32, "float32", torch.device("cpu"))
        (model,) = tuned.fit(texts, labels, 3, [{"rate": 3e-3, "epochs": 2}])
    place = folder.save(model, tmp_path / "model", made.NAMES, {}, "Measured.")
    file = portable.export(place)
    assert file == place / "onnx" / "model.onnx"
    found = portable.export_agreement(place, file, texts)
    assert found.same == 1.0 and found.off < 0.01
    (output,) = onnxruntime.InferenceSession(file).get_outputs()
    assert output.name == "probabilities"
    small = portable.export(place, int8=True)
    assert small.stat().st_size < file.stat().st_size
    assert portable.export_agreement(place, small, texts).same > 0.8
    card = (place / "README.md").read_text(encoding="utf-8")
    assert card.count(portable.HEADING) == 1
    assert "`onnx/model.onnx` and `onnx/model_int8.onnx`: `input_ids`" in card
    assert folder.load(place)[1]["labels"] == made.NAMES  # the folder is what it was


def test_what_is_no_network_is_refused(tmp_path, labelled):
    texts, labels = labelled
    (model,) = Bag("words").fit(texts, labels, 3, [{"C": 1.0}])
    place = folder.save(model, tmp_path / "model", made.NAMES, {}, "Measured.")
    with pytest.raises(UserError, match="is words, which is no network"):
        portable.export(place)
    assert not (place / "onnx").exists()
    with pytest.raises(UserError, match="There is no folder"):
        portable.export(tmp_path / "nowhere")
