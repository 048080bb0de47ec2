"""A small CLIP: a convolutional stem and a transformer for pictures, a causal transformer for words.

Reference: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021); the
convolutional stem follows Xiao et al., "Early Convolutions Help Transformers See Better" (2021).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.config import NetworkConfig, TrainingConfig

PAD_ID, START_ID, END_ID = 0, 1, 2


class Block(nn.Module):
    """One pre-norm transformer layer, (batch, tokens, width) in and out."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        for linear in (self.qkv, self.up):
            nn.init.normal_(linear.weight, std=width**-0.5)
            nn.init.zeros_(linear.bias)
        for linear in (self.out, self.down):
            nn.init.normal_(linear.weight, std=(linear.in_features * 2 * layers) ** -0.5)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """mask: (tokens, tokens), added to the attention scores."""
        batch, tokens, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores + mask
        mixed = (scores.softmax(-1).to(value.dtype) @ value).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.out(mixed)
        return cast(Tensor, x + self.down(functional.gelu(self.up(self.feed_norm(x)))))


class ImageTower(nn.Module):
    """Normalised pixels (batch, 3, size, size) -> features (batch, width)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        stem: list[nn.Module] = []
        before = 3
        for channels in config.stem:
            stem += [nn.Conv2d(before, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            before = channels
        # The tokens enter the residual stream without the last rectifier.
        self.stem = nn.Sequential(*stem[:-1])
        side = config.image_size // 2 ** len(config.stem)
        self.position = nn.Parameter(torch.randn(side * side, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.image_layers) for _ in range(config.image_layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, pixels: Tensor, kept: Tensor | None = None) -> Tensor:
        """The mean over the tokens, after the last norm.

        kept: (batch, k) places of the tokens that go on behind the stem, None for all of them.
        """
        x = self.stem(pixels).flatten(2).transpose(1, 2) + self.position
        if kept is not None:
            x = x.gather(1, kept[:, :, None].expand(-1, -1, x.shape[2]))
        for block in self.blocks:
            x = block(x)
        return cast(Tensor, self.norm(x).mean(1))


def busiest_tokens(pixels: Tensor, side: int, count: int) -> Tensor:
    """Places (batch, count) of the `count` of side * side tokens whose pixels vary most: what is left is plain ground.

    Training on these alone costs little of what a picture says (as Li et al., "Scaling Language-Image Pre-training via
    Masking", 2023, found for tokens dropped at random) and a third of the tower's time.
    """
    squares = functional.avg_pool2d(pixels.square(), pixels.shape[-1] // side)
    means = functional.avg_pool2d(pixels, pixels.shape[-1] // side)
    variance = (squares - means.square()).sum(1).flatten(1)
    return variance.topk(count, dim=1).indices.sort(1).values


class TextTower(nn.Module):
    """Token ids (batch, length) -> features (batch, width), read at the first end token.

    Attention is causal, so what stands after the end token does not matter: a text run at its own length and the same
    text padded to any other length give the same features.
    """

    causal: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.position = nn.Parameter(torch.randn(config.context, config.width) * 0.01)
        mask = torch.full((config.context, config.context), -math.inf).triu(1)
        self.register_buffer("causal", mask, persistent=False)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.text_layers) for _ in range(config.text_layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, ids: Tensor) -> Tensor:
        """ids: int64, at most `context` long."""
        length = ids.shape[1]
        x = self.embedding(ids) + self.position[:length]
        for block in self.blocks:
            x = block(x, self.causal[:length, :length])
        end = (ids == END_ID).to(torch.int32).argmax(1)
        at_end = end[:, None, None].expand(-1, 1, x.shape[2])
        return cast(Tensor, self.norm(x.gather(1, at_end).squeeze(1)))


class DualEncoder(nn.Module):
    """Both towers and their projections into the joint space of `joint` dimensions."""

    def __init__(self, config: NetworkConfig, logit_scale: float = 14.0) -> None:
        super().__init__()
        self.image = ImageTower(config)
        self.text = TextTower(config)
        self.image_projection = nn.Linear(config.width, config.joint, bias=False)
        self.text_projection = nn.Linear(config.width, config.joint, bias=False)
        for projection in (self.image_projection, self.text_projection):
            nn.init.normal_(projection.weight, std=config.width**-0.5)
        self.log_scale = nn.Parameter(torch.tensor(math.log(logit_scale)))

    def embed_pictures(self, pixels: Tensor) -> Tensor:
        """(batch, 3, size, size) -> (batch, joint), unit length, float32."""
        return functional.normalize(self.image_projection(self.image(pixels)).float(), dim=-1)

    def embed_texts(self, ids: Tensor) -> Tensor:
        """(batch, length) -> (batch, joint), unit length, float32."""
        return functional.normalize(self.text_projection(self.text(ids)).float(), dim=-1)


class AttributeHeads(nn.Module):
    """Linear readings of picture features, used while training only: they give colour and kind a direct signal.

    sizes: the number of classes of each column; details: the number of independent yes/no details.
    """

    def __init__(self, width: int, sizes: list[int], details: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.Linear(width, max(size, 1)) for size in sizes)
        self.details = nn.Linear(width, max(details, 1))

    def forward(self, features: Tensor) -> tuple[list[Tensor], Tensor]:
        """features (batch, width) -> logits of each column, and of the details."""
        return [head(features) for head in self.columns], self.details(features)


def build_network(config: NetworkConfig, training: TrainingConfig) -> DualEncoder:
    """A freshly initialised network; seed torch before the call."""
    return DualEncoder(config, training.logit_scale)
