"""Static embeddings: the recipe step by step, and what they are good for."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from transformers import AutoModel, AutoTokenizer

from helpers.baselines.static_embeddings import SIF, text_vectors, token_table, weighted
from tests.trials import tiny


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    place = tiny.write_model(tmp_path_factory.mktemp("bert"))
    return AutoModel.from_pretrained(place).eval(), AutoTokenizer.from_pretrained(place)


class Pieces:
    """A tokenizer of forty tokens: three are special, and one stands for nothing."""

    all_special_ids = (0, 1, 2)

    def __init__(self, around):
        self.around = around

    def __len__(self):
        return 40

    def __call__(self, text):
        return {"input_ids": list(self.around)}

    def convert_ids_to_tokens(self, ids):
        return ["[unused7]" if i == 9 else f"t{i}" for i in ids]


@pytest.mark.parametrize("around", [(), (1, 2), (1,), (1, 2, 2)])
def test_a_token_is_read_by_itself_between_the_special_ones(encoder, around):
    model, _ = encoder
    table = token_table(model, Pieces(around), 1000)
    places = [i for i in range(3, 40) if i != 9]
    assert not table[[0, 1, 2, 9]].any()
    before, behind = {0: (0, 0), 1: (1, 0), 2: (1, 1), 3: (2, 1)}[len(around)]
    vectors = []
    for i in places:
        ids = torch.tensor([[*around[:before], i, *around[len(around) - behind :]]])
        with torch.no_grad():
            vectors.append(model(ids).last_hidden_state[0].mean(0).numpy())
    expected = weighted(np.stack(vectors), places, 40, 1000)
    assert table.shape == (40, 16) and table.dtype == np.float32
    np.testing.assert_allclose(table, expected, atol=1e-5)


def test_what_is_frequent_counts_less_and_distances_stay():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 10))  # of four dimensions
    table = weighted(vectors, range(50), 50, 6)
    share = 1 / np.arange(2, 52)
    weight = SIF / (SIF + share / share.sum())
    assert (np.diff(weight) > 0).all()
    plain = table / weight[:, None]
    np.testing.assert_allclose(
        np.linalg.norm(plain[3] - plain[7]), np.linalg.norm(vectors[3] - vectors[7]), rtol=1e-4
    )
    assert np.abs(plain[:, 4:]).max() < 1e-4  # no fifth dimension to be found
    oracle = PCA(6, svd_solver="full").fit_transform(vectors)
    np.testing.assert_allclose(np.abs(plain[:, :4]), np.abs(oracle[:, :4]), atol=1e-4)


def test_a_text_is_the_mean_of_its_tokens_whatever_their_order():
    table = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    found = text_vectors(table, [[1, 2], [2, 1], [1, 2, 1, 2], [0], []])
    expected = np.array([1.0, 2.0]) / np.sqrt(5)
    np.testing.assert_allclose(found[:3], [expected] * 3)
    assert not found[3:].any()


def test_more_dimensions_than_there_are_give_those_there_are(encoder):
    model, tokenizer = encoder
    assert token_table(model, tokenizer, 5).shape == (len(tokenizer), 5)
    assert token_table(model, tokenizer, 500).shape == (len(tokenizer), 16)
