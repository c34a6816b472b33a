import pytest
from transformers import AutoModel

from helpers import UserError
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
