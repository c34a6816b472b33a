"""ONNX files: the same logits as torch, for any batch and length; nothing printed; errors."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers import ROOT, UserError
from helpers.compression.export import OnnxClassifier, export_onnx
from helpers.transfer import finetuning


def logits(model, batch):
    with torch.inference_mode():
        return model.eval()(**batch).logits.numpy()


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    return export_onnx(tiny.model(), tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("length", [2, 7, 40])
def test_any_batch_has_the_logits_of_torch(tiny, exported, rows, length):
    generator = torch.Generator().manual_seed(rows)
    ids = torch.randint(2, 250, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[0, length // 2 + 1 :] = 0
    batch = {"input_ids": ids, "attention_mask": mask}
    np.testing.assert_allclose(exported.logits(batch), logits(tiny.model(), batch), atol=1e-4)


def test_predictions_are_in_the_order_of_the_rows(tiny, exported):
    wanted = finetuning.predict(tiny.model(), tiny.rows, tiny.collator, device="cpu")
    found = exported.predict(tiny.rows, tiny.collator, batch_size=7)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_it_is_one_file_of_about_the_weights_size(tiny, exported):
    weights = 4 * sum(p.numel() for p in tiny.model().parameters())
    assert [path.name for path in exported.path.parent.iterdir()] == ["tiny.onnx"]
    # the pooler that no logit hangs on is left out, the graph comes on top
    assert 0.9 * weights < exported.path.stat().st_size < weights + 100_000


def test_nothing_in_it_tells_of_the_machine(exported):
    written = exported.path.read_bytes()
    assert str(ROOT).encode() not in written and b"site-packages" not in written


def test_exporting_says_nothing_and_leaves_the_model_alone(tiny, tmp_path, capfd):
    model = tiny.model().train()
    export_onnx(model, tmp_path / "new" / "folder.onnx")
    assert model.training
    assert capfd.readouterr() == ("", "")


def test_mistakes_are_sentences(tmp_path):
    class Odd(nn.Module):
        def forward(self, input_ids, attention_mask):
            return SequenceClassifierOutput(logits=torch.linalg.eigvals(input_ids.float()).real)

    with pytest.raises(UserError, match="Odd cannot be exported to ONNX: "):
        export_onnx(Odd(), tmp_path / "odd.onnx")
    assert not (tmp_path / "odd.onnx").exists()
    with pytest.raises(UserError, match=r"There is no ONNX file .*none\.onnx\."):
        OnnxClassifier(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"bad\.onnx cannot be loaded as an ONNX model \("):
        OnnxClassifier(tmp_path / "bad.onnx")
