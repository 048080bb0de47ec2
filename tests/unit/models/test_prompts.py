# ruff: noqa: E402 - the imports below need PyTorch, whose absence skips this file first
import math
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

from models.captions import Subject
from models.items import Item, Labels, LabelTable
from models.prompts import Choice, PromptBook, prompt_loss


def item(kind: str, colour: str, source: str = "real") -> Item:
    labels = Labels(source, {"kind": kind, "colour": colour, "title": f"{colour} {kind}"}, frozenset(), None)
    return Item(np.zeros((4, 4, 3), np.uint8), Subject(kind=(kind,), kinds=(f"{kind}s",)), labels, source)


ITEMS = [item("shirt", "red"), item("shoe", "blue"), item("shirt", "blue"), item("lamp", "green", "drawn")]
BOOK = PromptBook(ITEMS, LabelTable([i.labels for i in ITEMS]))
ROWS = np.array([3, 2, 0, 1])


def test_even_steps_ask_for_the_kind_among_all_real_kinds() -> None:
    found = BOOK.draw(ROWS, 0, random.Random(1))
    (choice,) = found.sets
    assert choice.rows.tolist() == [1, 2, 3]  # not the drawn one
    said = [found.texts[choice.start + place] for place in choice.right.tolist()]
    assert [text.rstrip("s") for text in said] == ["shirt", "shirt", "shoe"]
    assert not any("lamp" in text for text in found.texts)


def test_odd_steps_ask_for_the_colour_alone_and_with_the_kind() -> None:
    found = BOOK.draw(ROWS, 1, random.Random(1))
    alone, *together = found.sets
    assert [found.texts[alone.start + place] for place in alone.right.tolist()] == ["blue", "red", "blue"]
    assert len(together) == 2
    for choice in together:
        said = [found.texts[choice.start + place] for place in choice.right.tolist()]
        wanted = [ITEMS[ROWS[row]].labels.values["title"] for row in choice.rows.tolist()]
        assert [text.rstrip("s") for text in said] == wanted


def test_the_loss_is_the_cross_entropy_of_each_question() -> None:
    pictures, names = torch.eye(3), torch.eye(3)
    right = Choice(0, 3, torch.tensor([0, 1]), torch.tensor([0, 1]))
    wrong = Choice(0, 3, torch.tensor([2]), torch.tensor([0]))
    scale = torch.tensor(2.0)
    total = math.exp(2.0) + 2
    expected = (math.log(total) - 2.0 + math.log(total)) / 2
    assert prompt_loss(pictures, names, [right, wrong], scale).item() == pytest.approx(expected, rel=1e-5)
    assert prompt_loss(pictures, names, [], scale).item() == 0
