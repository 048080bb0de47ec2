"""The losses: contrastive with shared captions left out of the negatives, and the attribute heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# A finite stand-in for minus infinity: a row without any negative then has a zero gradient instead of NaN.
NEVER = -1e4


def contrastive_loss(pictures: Tensor, texts: Tensor, owner: Tensor, fits: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE both ways, where a caption that also fits another picture of the batch does not count against it.

    pictures (P, d) and texts (T, d) are unit length; owner (T,) says which picture a caption was drawn for; fits (T, P)
    is true where a caption also describes a picture, its owner included; scale multiplies the cosines. Each caption has
    exactly one target, its owner; its negatives are what it does not fit. Written with softplus, since
    -log(e^p / (e^p + sum e^n)) = softplus(logsumexp(n) - p).
    """
    logits = scale * texts @ pictures.T
    own = logits.gather(1, owner[:, None]).squeeze(1)
    negatives = logits.masked_fill(fits, NEVER)
    by_text = functional.softplus(negatives.logsumexp(1) - own)
    by_picture = functional.softplus(negatives.logsumexp(0)[owner] - own)
    return (by_text.mean() + by_picture.mean()) / 2


def attribute_loss(
    columns: list[Tensor],
    detail_logits: Tensor,
    labels: Tensor,
    details: Tensor,
    has_details: Tensor,
    detail_weight: float = 1.0,
) -> Tensor:
    """Cross entropy of every column whose label is known (not -1), and binary cross entropy of the details.

    The latter is a mean over many details that hardly any product has: detail_weight makes up for that.

    labels (P, columns) int64; details (P, D) float 0 or 1; has_details (P,) bool, false where they are not known.
    """
    total = detail_logits.new_zeros((), dtype=torch.float32)
    for index, logits in enumerate(columns):
        known = labels[:, index] >= 0
        if bool(known.any()):
            total = total + functional.cross_entropy(logits.float()[known], labels[known, index])
    if bool(has_details.any()):
        total = total + detail_weight * functional.binary_cross_entropy_with_logits(
            detail_logits.float()[has_details], details[has_details]
        )
    return total
