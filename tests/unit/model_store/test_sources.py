"""What SOURCE may be: a folder, the id of a model on the hub, or its page there."""

import os
from pathlib import Path

import pytest

from server.errors import ModelError
from server.model_store.sources import fetch, hub_address, model_name
from tests.tiny_model import write_tiny_model


def test_of_a_folder_with_a_manifest_only_what_it_names_is_its_revision(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine")
    before = fetch(str(source)).revision
    (source / "dump.tar").write_bytes(b"much")
    assert fetch(str(source)).revision == before
    with (source / "image.onnx").open("ab") as file:
        file.write(b"more")
    assert fetch(str(source)).revision != before


def test_two_revisions_at_once_are_refused() -> None:
    with pytest.raises(ModelError, match="Give one of them"):
        fetch("owner/name@one", revision="two")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("openai/clip-vit-base-patch32", "clip-vit-base-patch32"),
        ("immich-app/ViT-B-32__openai@main", "vit-b-32__openai"),
        ("./models/My Model (2)/", "my-model-2"),
    ],
)
def test_a_model_is_named_after_its_source(source: str, name: str) -> None:
    assert model_name(source, None) == name


@pytest.mark.parametrize("name", ["default", "../evil", ".hidden", "UPPER", "", "a" * 65, "a b"])
def test_a_name_that_no_folder_should_have_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="--name"):
        model_name("/", name or None)


def test_a_folder_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub_address("owner/name") == ("owner/name", None)
    (tmp_path / "owner/name").mkdir(parents=True)
    assert hub_address("owner/name") is None
    assert hub_address("/owner/name") is None


@pytest.mark.parametrize("source", ["/nowhere/at/all", "~nobodyhere/x", "a" * 5_000, "a/" * 2_500, "no\0path"])
def test_a_source_that_is_nothing_is_a_sentence(source: str) -> None:
    assert model_name(source, "x") == "x"
    with pytest.raises(ModelError, match="neither a folder here nor") as caught:
        fetch(source)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("source", ["", " "])
def test_an_empty_source_is_not_the_working_directory(source: str) -> None:
    for ask in (fetch, lambda given: model_name(given, "x")):
        with pytest.raises(ModelError, match="SOURCE is empty"):
            ask(source)


def test_a_file_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"a graph")
    with pytest.raises(ModelError, match=r"is a file, and a model is a folder\. Name the folder"):
        fetch(str(tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("https://huggingface.co/owner/name", ("owner/name", None)),
        ("https://www.huggingface.co/owner/name/", ("owner/name", None)),
        ("http://hf.co/owner/name@v1", ("owner/name", "v1")),
        ("https://huggingface.co/owner/name/tree/v2", ("owner/name", "v2")),
        ("https://huggingface.co/datasets/owner/name", None),
        ("https://example.org/owner/name", None),
    ],
)
def test_a_page_of_the_hub_names_its_model(page: str, address: tuple[str, str | None] | None) -> None:
    assert hub_address(page) == address


def test_a_folder_named_like_a_model_of_the_hub_says_that_it_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner/name").mkdir(parents=True)
    with pytest.raises(
        ModelError, match=r'folder "owner/name" here .*give https://huggingface\.co/owner/name\)\. There'
    ):
        fetch("owner/name")
    assert hub_address("https://huggingface.co/owner/name") == ("owner/name", None)


def test_a_folder_whose_name_is_no_utf_8_is_taken(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine").rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")))
    # A manifest is UTF-8.
    assert fetch(str(source)).source.encode("utf-8").endswith(b"/?")
