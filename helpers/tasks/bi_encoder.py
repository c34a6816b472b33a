"""One encoder for contexts and replies, trained with in-batch negatives.

It needs torch alone, so that a machine which only runs trials has it. A *pair* is one row of
tokens, context and reply one behind the other, and ``labels`` say which side each token belongs to.
Shapes: b pairs in a batch, t tokens, d hidden width.
"""

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers.tasks.heads import mean_pool

CONTEXT, REPLY = 0, 1
"""The sides of a pair, as its labels number them."""

SCALE = 20.0
"""Cosines are multiplied by it before the softmax: the default of sentence-transformers."""

PARTS = 4
"""A batch of texts is read in so many parts, sorted by length: a third less padding."""


def sides(
    input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and mask of b contexts and then b replies, (2b, t'), from b pairs (b, t).

    Padding has the id 0.

    >>> ids, mask = sides(torch.tensor([[5, 6, 7]]), torch.ones(1, 3), torch.tensor([[0, 1, 1]]))
    >>> ids.tolist(), mask.tolist()
    ([[5, 0], [6, 7]], [[1, 0], [1, 1]])
    """
    there = attention_mask.bool()
    lengths = [((labels == side) & there).sum(1) for side in (CONTEXT, REPLY)]
    places = torch.arange(int(torch.cat(lengths).max()), device=input_ids.device)
    found, masks = [], []
    for start, length in ((torch.zeros_like(lengths[0]), lengths[0]), (lengths[0], lengths[1])):
        mask = places[None, :] < length[:, None]
        at = (start[:, None] + places[None, :]).clamp(max=input_ids.shape[1] - 1)
        found.append(input_ids.gather(1, at) * mask)
        masks.append(mask)
    return torch.cat(found), torch.cat(masks).long()


def in_batch_loss(
    asked: torch.Tensor, answered: torch.Tensor, same: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Return the mean loss of in-batch negatives, in nats, and the logits (b, b).

    :math:`-\log(e^{s \cos(q_i, r_i)} / \sum_j e^{s \cos(q_i, r_j)})`: the replies of the other
    pairs are the wrong candidates of each context. Source: Henderson et al. 2017, arXiv 1705.00652.

    Args:
        asked: vectors of the contexts, of length 1, (b, d).
        answered: of their replies, (b, d).
        same: (b, b), true where reply j equals reply i and is therefore no wrong one of context i.

    >>> alike = torch.ones(2, 1)  # two replies that nothing tells apart: ln 2
    >>> round(in_batch_loss(alike, alike)[0].item(), 3)
    0.693
    """
    with torch.autocast(asked.device.type, enabled=False):  # near cosines differ in few digits
        logits = SCALE * asked.float() @ answered.float().T
    own = torch.arange(len(logits), device=logits.device)
    if same is not None:
        logits = logits.masked_fill(same & (own[:, None] != own[None, :]), float("-inf"))
    return nn.functional.cross_entropy(logits, own), logits


class BiEncoder(nn.Module):
    """An encoder and the mean of its token vectors; a reply's score is the cosine of the two.

    Source: Reimers and Gurevych 2019 (Sentence-BERT, arXiv 1908.10084).
    """

    def __init__(self, backbone: Any) -> None:
        """Wrap an encoder; nothing is added that would have to be learned."""
        super().__init__()
        self.backbone = backbone
        self.config = backbone.config

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the vector of every text, of length 1: (b, t), (b, t) -> (b, d)."""
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        pooled = mean_pool(hidden.last_hidden_state.float(), attention_mask)
        return nn.functional.normalize(pooled, dim=-1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> SequenceClassifierOutput:
        """Return logits (b, b), context by reply, and their loss; ``labels`` (b, t) are sides."""
        ids, mask = sides(input_ids, attention_mask, labels)
        order = mask.sum(1).argsort(stable=True)
        vectors = []
        for rows in order.chunk(PARTS):
            longest = int(mask[rows].sum(1).max())
            vectors.append(self.features(ids[rows, :longest], mask[rows, :longest]))
        asked, answered = torch.cat(vectors)[order.argsort()].chunk(2)
        replies = ids[len(input_ids) :]
        same = (replies[:, None] == replies[None, :]).all(-1)
        loss, logits = in_batch_loss(asked, answered, same)
        return SequenceClassifierOutput(loss=loss, logits=logits)
