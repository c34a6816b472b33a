import json

import pytest
from transformers import AutoModel

from helpers import UserError
from helpers.sources import catalog
from helpers.sources.variants import Variant, variant
from helpers.sources.weights import load_model


def test_fewer_layers_are_the_first_ones():
    whole = load_model("gpt2-mini", AutoModel)
    short = variant("gpt2-mini:2")
    part = load_model(short.name, AutoModel, **short.config)
    assert len(part.h) == 2 < len(whole.h)
    assert (part.h[1].attn.c_attn.weight == whole.h[1].attn.c_attn.weight).all()


@pytest.mark.parametrize(
    "text", ["minilm:", "minilm:0", "minilm:two", ":x", ":random", "minilm:-1"]
)
def test_what_names_no_variant_is_a_sentence(text):
    with pytest.raises(UserError, match="names no variant of a model; write"):
        variant(text)


def test_a_name_may_hold_slashes():
    assert variant("owner/name:random") == Variant("owner/name", random=True)


CONFIGS = [
    ({"num_hidden_layers": 3}, 3), ({"n_layer": 3}, 3), ({"n_layers": 3}, 3), ({}, None),
    ([], None),
]  # fmt: skip


@pytest.mark.parametrize(("config", "there"), CONFIGS)
def test_more_layers_than_a_folder_says_are_refused_before_it_is_read(tmp_path, config, there):
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert variant(f"{tmp_path}:3").layers == 3
    if there is None:
        assert variant(f"{tmp_path}:4").layers == 4  # the loader asks again
        return
    with pytest.raises(UserError) as error:
        variant(f"{tmp_path}:4")
    assert str(error.value) == (
        f"{tmp_path} has 3 layers, so there is no {tmp_path}:4; write {tmp_path}:1 to {tmp_path}:3."
    )


def test_a_model_that_is_not_here_is_not_fetched_to_count_its_layers(monkeypatch):
    monkeypatch.setattr(catalog, "fetch", lambda name: pytest.fail("fetched"))
    assert variant("owner/name:99").layers == 99
    assert variant("smollm2:99").layers == 99  # its layers stand in one large file
