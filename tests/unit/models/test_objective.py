# ruff: noqa: E402 - the imports below need PyTorch, whose absence skips this file first
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

from models.captions import Caption
from models.items import Labels, LabelTable
from models.objective import attribute_loss, contrastive_loss


def unit(*rows: tuple[float, float]) -> "torch.Tensor":
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=-1)


def test_a_shared_caption_costs_nothing_for_the_other_picture_it_fits() -> None:
    pictures, texts, owner = unit((1, 0), (1, 0)), unit((1, 0), (1, 0)), torch.tensor([0, 1])
    scale = torch.tensor(10.0)
    apart = contrastive_loss(pictures, texts, owner, torch.eye(2, dtype=torch.bool), scale)
    shared = contrastive_loss(pictures, texts, owner, torch.ones(2, 2, dtype=torch.bool), scale)
    assert apart.item() == pytest.approx(np.log(2), abs=1e-5)
    assert shared.item() == pytest.approx(0, abs=1e-5)


def test_without_any_negative_the_gradient_is_zero_and_not_nan() -> None:
    pictures = unit((1, 0.2)).requires_grad_()
    loss = contrastive_loss(
        pictures, unit((0, 1)), torch.tensor([0]), torch.ones(1, 1, dtype=torch.bool), torch.tensor(5.0)
    )
    loss.backward()
    assert pictures.grad is not None
    assert torch.equal(pictures.grad, torch.zeros_like(pictures))


def test_unknown_labels_do_not_count() -> None:
    logits = torch.tensor([[5.0, 0.0], [5.0, 0.0]])
    details, none = torch.zeros(2, 1), torch.zeros(2, dtype=torch.bool)
    known = attribute_loss([logits], details, torch.tensor([[0], [1]]), details, none)
    unknown = attribute_loss([logits], details, torch.tensor([[0], [-1]]), details, none)
    assert unknown < 0.01 < known
    assert attribute_loss([logits], details, torch.tensor([[-1], [-1]]), details, none) == 0


def drawn(kind: str, colour: str, *details: str) -> Labels:
    values = {"kind": kind, "colour": colour, "title": f"{kind} {colour} {details}"}
    return Labels("drawn", values, frozenset(details), None)


def fits(table: LabelTable, caption: Caption, owner: int) -> list[bool]:
    rows = np.arange(len(table.ids))
    return table.fits([caption], np.array([owner]), rows)[0].tolist()


def test_a_caption_fits_every_picture_that_it_describes() -> None:
    table = LabelTable([drawn("mug", "red", "lid"), drawn("mug", "red"), drawn("mug", "blue"), drawn("vase", "red")])
    assert fits(table, Caption("red mug", frozenset({"kind", "colour"})), 0) == [True, True, False, False]
    lidded = Caption("red mug with a lid", frozenset({"kind", "colour"}), frozenset({"lid"}))
    assert fits(table, lidded, 0) == [True, False, False, False]
    assert fits(table, Caption("red", frozenset({"colour"})), 1) == [True, True, False, True]


def test_an_unknown_label_is_no_negative() -> None:
    real = Labels("real", {"kind": "mug", "title": "a"}, frozenset(), frozenset())
    other = Labels("real", {"kind": "mug", "title": "b", "colour": "red"}, frozenset(), frozenset())
    table = LabelTable([other, real])
    assert fits(table, Caption("red mug", frozenset({"kind", "colour"})), 0) == [True, True]
    assert fits(table, Caption("b", frozenset({"title"})), 0) == [True, False]
