"""CLIP of two ViTs written out as open_clip writes it, by its names and its arithmetic: what a conversion must repeat.

open_clip itself is no dependency (it needs torchvision). Its weights' names are those of OpenAI's first release.
"""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn


class QuickGELU(nn.Module):
    """The sigmoid's approximation that OpenAI trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """One layer: attention, then a perceptron, each behind its norm."""

    def __init__(self, width: int, heads: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        steps = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", activation()), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(steps))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    """Layers under the name `resblocks`."""

    def __init__(self, width: int, layers: int, heads: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads, activation) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class Visual(nn.Module):
    """The image tower."""

    def __init__(self, config: dict[str, Any], joint: int, activation: type[nn.Module]) -> None:
        super().__init__()
        width, patch = config["width"], config["patch_size"]
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn((config["image_size"] // patch) ** 2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(width, config["layers"], width // config["head_width"], activation)
        self.proj = nn.Parameter(torch.randn(width, joint))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(x), 1, -1)
        x = self.ln_pre(torch.cat([first, x], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer(x)[:, 0]) @ self.proj


class OpenClip(nn.Module):
    """Both towers, with random weights of which every one matters."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        torch.manual_seed(7)
        text, activation = config["text_cfg"], QuickGELU if config.get("quick_gelu") else nn.GELU
        self.visual = Visual(config["vision_cfg"], config["embed_dim"], activation)
        width = text["width"]
        self.token_embedding = nn.Embedding(text["vocab_size"], width)
        self.positional_embedding = nn.Parameter(torch.randn(text["context_length"], width))
        self.transformer = Transformer(width, text["layers"], text["heads"], activation)
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.randn(width, config["embed_dim"]))
        self.logit_scale = nn.Parameter(torch.tensor(3.9))
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or "ln_" in name:
                nn.init.normal_(parameter, mean=1.0 if name.endswith("weight") else 0.0, std=0.2)
        self.eval().requires_grad_(False)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(batch, 3, size, size) -> (batch, joint), unit length."""
        return nn.functional.normalize(self.visual(pixels), dim=-1)

    def encode_text(self, ids: Tensor) -> Tensor:
        """(batch, context) padded with zeros -> (batch, joint), unit length; read at the highest id."""
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        x = self.ln_final(self.transformer(x, mask))
        x = x[torch.arange(len(x)), ids.argmax(dim=-1)] @ self.text_projection
        return nn.functional.normalize(x, dim=-1)
