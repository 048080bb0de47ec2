"""Ready pairs of graphs: what their configuration means for texts and pictures."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.errors import ModelError
from server.model_store.ready import draft_ready
from server.model_store.sources import fetch
from tests.ready_models import write_immich, write_transformers_js


def tables(source: Path, tmp_path: Path) -> dict[str, Any]:
    into = tmp_path / "into"
    into.mkdir()
    return draft_ready(fetch(str(source)), "pair", into).manifest


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize(("tokenizer_class", "lowercase"), [("GemmaTokenizer", True), ("T5Tokenizer", False)])
@pytest.mark.parametrize("layout", ["transformers.js", "immich"])
def test_a_pair_of_siglip_2_gets_its_texts_in_lower_case(
    tmp_path: Path, layout: str, tokenizer_class: str, lowercase: bool
) -> None:
    if layout == "immich":
        source = write_immich(tmp_path / "source")
        change(source / "textual/tokenizer_config.json", tokenizer_class=tokenizer_class)
    else:
        source = write_transformers_js(tmp_path / "source", kind="siglip", causal=False)
        change(source / "tokenizer_config.json", tokenizer_class=tokenizer_class)
    assert tables(source, tmp_path)["text"]["lowercase"] is lowercase


@pytest.mark.parametrize(("clean", "lowercase"), [("lower", True), ("whitespace", False), ("canonicalize", False)])
def test_of_immich_the_cleaning_of_texts_is_kept(tmp_path: Path, clean: str, lowercase: bool) -> None:
    source = write_immich(tmp_path / "source")
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    change(source / "config.json", text_cfg=config["text_cfg"] | {"tokenizer_kwargs": {"clean": clean}})
    assert tables(source, tmp_path)["text"]["lowercase"] is lowercase


def test_of_immich_a_cleaning_that_is_not_known_is_refused(tmp_path: Path) -> None:
    source = write_immich(tmp_path / "source")
    change(source / "config.json", text_cfg={"tokenizer_kwargs": {"clean": "emoji"}})
    with pytest.raises(ModelError, match=r"tokenizer_kwargs\.clean is emoji"):
        tables(source, tmp_path)


@pytest.mark.parametrize(("kind", "pooling"), [("clip", "end"), ("siglip", "last"), ("theirs", None)])
def test_which_token_a_text_is_read_at_is_told_where_it_is_known(
    tmp_path: Path, kind: str, pooling: str | None
) -> None:
    assert tables(write_transformers_js(tmp_path / "source", kind=kind), tmp_path)["text"]["pooling"] == pooling


@pytest.mark.parametrize(
    ("text_cfg", "pooling"),
    [({}, "end"), ({"pool_type": "last"}, "last"), ({"pool_type": "odd"}, None), ({"hf_model_name": "x"}, None)],
)
def test_of_immich_too(tmp_path: Path, text_cfg: dict[str, str], pooling: str | None) -> None:
    source = write_immich(tmp_path / "source")
    change(source / "config.json", text_cfg={"context_length": 12, **text_cfg})
    assert tables(source, tmp_path)["text"].get("pooling") == pooling
