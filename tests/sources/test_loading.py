"""A model from a folder is what its name gives, and needs neither names nor texts."""

import re
import shutil
import subprocess
import sys

import pytest
import torch
import transformers

from helpers import UserError
from helpers.sources.loading import check_positions, first_line, from_folder, quiet
from helpers.sources.weights import load_model

CLASSIFIER = transformers.AutoModelForSequenceClassification
IDS = torch.tensor([[5, 6, 7, 8]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny classifier of three classes, saved."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=16, num_labels=3,
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_it_is_the_model_that_its_name_gives(folder, capfd):
    ours, theirs = from_folder(folder, CLASSIFIER), load_model(folder, CLASSIFIER)
    assert same(ours, theirs) and not ours.training and ours.dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits, rtol=0, atol=0)
    assert capfd.readouterr() == ("", "")


def test_what_was_saved_comes_back(folder):
    saved = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        torch.testing.assert_close(
            from_folder(str(folder), CLASSIFIER)(IDS).logits, saved(IDS).logits
        )


def test_a_new_head_is_the_seeds_and_the_body_is_not(folder, tmp_path):
    from_folder(folder, transformers.AutoModel).save_pretrained(tmp_path)
    one, again, other = (
        from_folder(tmp_path, CLASSIFIER, seed=seed, num_labels=5) for seed in (1, 1, 2)
    )
    assert one.classifier.out_features == 5
    assert same(one, again) and same(one.bert, other.bert)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)


def test_random_weights_depend_on_the_seed_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, again, other = (
        from_folder(folder, CLASSIFIER, pretrained=False, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    assert same(one, again) and not same(one, other) and not one.training
    theirs = load_model(folder, CLASSIFIER, pretrained=False, seed=1)
    assert same(one, theirs) and not same(one, from_folder(folder, CLASSIFIER, seed=1))
    assert one.dtype == torch.float32 and one.classifier.out_features == 3


def test_the_configuration_can_be_changed(folder):
    model = from_folder(folder, transformers.AutoModel, num_hidden_layers=1)
    whole = from_folder(folder, transformers.AutoModel)
    assert len(model.encoder.layer) == 1
    assert same(model.encoder.layer[0], whole.encoder.layer[0])


@pytest.mark.parametrize("name", ["", "minilm"])
def test_a_head_that_the_architecture_lacks_is_a_sentence(folder, name):
    with pytest.raises(UserError) as told:
        from_folder(folder, transformers.AutoModelForSeq2SeqLM, name=name)
    assert str(told.value) == f"{name or folder} cannot be used as AutoModelForSeq2SeqLM."


def test_weights_of_another_shape_are_a_sentence(folder):
    for auto_class, change in (
        (transformers.AutoModel, {"hidden_size": 32}),
        (CLASSIFIER, {"num_labels": 5}),
    ):
        says = f"The weights of mine do not fit its configuration with {change}: "
        with pytest.raises(UserError, match=f"^{re.escape(says)}[^\n]*$"):
            from_folder(folder, auto_class, name="mine", **change)


def test_a_configuration_that_cannot_be_is_a_sentence(folder):
    says = "mine cannot be built with {'num_attention_heads': 3}: The hidden size (16) is not a"
    with pytest.raises(UserError, match=f"^{re.escape(says)}[^\n]*$"):
        from_folder(folder, transformers.AutoModel, name="mine", num_attention_heads=3)


def test_weights_of_another_architecture_are_a_sentence(folder, tmp_path):
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=16)
    transformers.GPT2Model(config).save_pretrained(tmp_path)
    shutil.copy(folder / "config.json", tmp_path)
    body = len(list(from_folder(folder, transformers.AutoModel).parameters()))
    with pytest.raises(UserError) as told:
        from_folder(tmp_path, transformers.AutoModel, name="mine")
    assert str(told.value) == (
        f"The weights of mine do not belong to BertModel: {body} of {body} parameters are not "
        "among them."
    )


def test_positions_limit_the_length(folder):
    model = from_folder(folder, transformers.AutoModel)
    check_positions(model, 16, "mine")
    with pytest.raises(UserError) as told:
        check_positions(model, 17, "mine")
    assert str(told.value) == "max_length 17 is more than the 16 positions that mine has."


def test_the_first_line_of_an_error():
    assert first_line(ValueError("\nOne.\nTwo.")) == "One"
    assert first_line(ValueError("")) == "ValueError"
    assert len(first_line(ValueError("x" * 500))) == 200


def test_transformers_speaks_again_even_after_an_error():
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with pytest.raises(ZeroDivisionError), quiet():
        assert not logging.is_progress_bar_enabled()
        raise ZeroDivisionError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_machine_that_only_runs_trials_needs_no_names_and_no_texts():
    code = (
        "import sys; import helpers.sources.loading, helpers.tasks.heads, helpers.training.loop;"
        "print(sorted({'pydantic', 'datasets', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr
