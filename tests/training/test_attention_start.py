import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

from helpers import UserError
from helpers.training.attention_start import OFFSETS, look_at_neighbours


def small_bert(heads: int = 4, width: int = 256) -> BertForMaskedLM:
    torch.manual_seed(0)
    return BertForMaskedLM(
        BertConfig(
            vocab_size=50,
            hidden_size=width,
            num_hidden_layers=2,
            num_attention_heads=heads,
            intermediate_size=64,
            max_position_embeddings=64,
            attn_implementation="eager",
        )
    ).eval()


def test_each_head_of_each_layer_gives_its_neighbour_most_weight() -> None:
    model = look_at_neighbours(small_bert())
    ids = torch.randint(5, 50, (8, 40), generator=torch.Generator().manual_seed(0))
    for layer in model(ids, output_attentions=True).attentions:
        for head in range(4):
            here = torch.arange(4, 36)
            looked_at = layer[:, head, 4:36].argmax(-1)
            hit = (looked_at == here + OFFSETS[head]).float().mean()
            assert hit > 0.9, (head, hit)


def test_random_heads_do_not() -> None:
    model = small_bert()
    ids = torch.randint(5, 50, (8, 40), generator=torch.Generator().manual_seed(0))
    looked_at = model(ids, output_attentions=True).attentions[0][:, 0, 4:36].argmax(-1)
    assert (looked_at == torch.arange(4, 36) - 1).float().mean() < 0.2


def test_only_positions_queries_and_keys_change() -> None:
    before = {name: value.clone() for name, value in small_bert().named_parameters()}
    after = dict(look_at_neighbours(small_bert()).named_parameters())
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {
        name
        for name in before
        if "position" in name or name.endswith(("query.weight", "key.weight"))
    }


def test_a_gpt2_is_refused_in_a_sentence() -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=1, n_positions=8))
    with pytest.raises(UserError, match="Only BERT has heads that may look both ways"):
        look_at_neighbours(model)


def test_odd_heads_are_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="Heads of width 3 cannot pair"):
        look_at_neighbours(small_bert(heads=2, width=6))
