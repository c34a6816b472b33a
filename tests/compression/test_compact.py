"""Zeros save bytes on a disk, and no number changes."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from helpers import UserError
from helpers.compression.compact import load_compact, save_compact
from helpers.compression.pruning import finish, prune_by_magnitude


class Layers(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.words = nn.Embedding(50, 16)
        maps = [nn.Linear(16, 64), nn.Linear(64, 16)]
        self.layer = nn.ModuleList([nn.ModuleDict({"dense": each}) for each in maps])


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_every_number_comes_back_to_the_last_bit(tmp_path, share):
    model = finish(prune_by_magnitude(Layers(), share))
    save_compact(model, tmp_path / "model")
    twin = load_compact(Layers(seed=1), tmp_path / "model")
    for name, value in model.state_dict().items():
        assert torch.equal(twin.state_dict()[name], value), name


def test_the_file_shrinks_by_the_zeros_less_a_bit_a_weight(tmp_path):
    weights = 2 * 16 * 64
    dense = save_compact(Layers(), tmp_path / "dense")
    pruned = save_compact(finish(prune_by_magnitude(Layers(), 0.5)), tmp_path / "pruned")
    assert dense == (tmp_path / "dense").stat().st_size
    saved = dense - pruned
    assert abs(saved - (4 * weights // 2 - weights // 8)) < 300  # the header is a little longer
    few = finish(prune_by_magnitude(Layers(), 0.02))  # less than the map would take
    assert save_compact(few, tmp_path / "few") == dense


def test_a_file_of_another_model_or_half_a_file_is_a_sentence(tmp_path):
    whole = tmp_path / "whole"
    save_compact(Layers(), whole)
    for name, data in {"half": whole.read_bytes()[:1000], "empty": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match="is cut short or holds the weights of another model"):
            load_compact(Layers(), tmp_path / name)
    save_file({"weight": torch.ones(2)}, tmp_path / "other")
    with pytest.raises(UserError, match="of another model"):
        load_compact(Layers(), tmp_path / "other")
    with pytest.raises(UserError, match="of another model"):
        load_compact(Layers(), tmp_path / "none")
