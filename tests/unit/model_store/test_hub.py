"""Downloads, from a hub that a local server plays."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, file_download

from server.errors import ModelError
from server.model_store.sources import fetch
from tests.hub_server import COMMIT, Hub, serve_hub

REPOSITORY = "Someone/Some-CLIP"
WEIGHTS = bytes(range(256)) * 400


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of downloads, empty; no waiting between two tries."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setattr(file_download.time, "sleep", lambda _: None)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return folder


@pytest.fixture
def hub(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A repository as those of transformers.js are: one pair in many variants, and weights that nobody needs."""
    folder = tmp_path / "repository"
    for name in ("text_model", "vision_model"):
        for variant in ("", "_quantized", "_fp16", "_q4", "_bnb4"):
            path = folder / f"onnx/{name}{variant}.onnx"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode() + variant.encode() + WEIGHTS)
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json", "README.md", "flax_model.msgpack"):
        (folder / name).write_text(f'{{"name": "{name}"}}', encoding="utf-8")
    with serve_hub(REPOSITORY, folder) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


def test_only_what_the_layout_needs_is_downloaded_and_the_commit_is_told(hub: Hub) -> None:
    fetched = fetch(REPOSITORY)
    wanted = {"config.json", "tokenizer.json", "preprocessor_config.json", "README.md"}
    assert hub.downloaded() == wanted | {"onnx/text_model.onnx", "onnx/vision_model.onnx"}
    assert (fetched.source, fetched.revision, fetched.layout.name) == (REPOSITORY, COMMIT, "transformers.js")
    assert (fetched.folder / "onnx/text_model.onnx").read_bytes() == b"text_model" + WEIGHTS


def test_a_second_time_nothing_is_downloaded(hub: Hub) -> None:
    fetch(REPOSITORY)
    hub.requests.clear()
    fetch(REPOSITORY)
    assert hub.downloaded() == set()


def test_of_a_repository_with_a_manifest_only_what_it_names_is_downloaded(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[text]\nfile = "t.onnx"\ntokenizer = "tokenizer.json"\n[image]\nfile = "i.onnx"\n[files]\n"i.data" = ""\n'
    (hub.folder / "manifest.toml").write_text(text, encoding="utf-8")
    for name in ("t.onnx", "i.onnx", "i.data", "pytorch_model.bin", "dump.tar"):
        (hub.folder / name).write_bytes(name.encode() + WEIGHTS)
    wanted = {"manifest.toml", "README.md", "t.onnx", "i.onnx", "i.data", "tokenizer.json"}
    fetched = fetch(REPOSITORY)
    assert (hub.downloaded(), set(fetched.layout.files)) == (wanted, wanted)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(REPOSITORY) == fetched


def test_a_manifest_that_names_a_missing_file_is_a_sentence_before_anything_large_is_downloaded(hub: Hub) -> None:
    text = '[text]\nfile = "t.onnx"\ntokenizer = "tokenizer.json"\n[image]\nfile = "nowhere.onnx"\n'
    (hub.folder / "manifest.toml").write_text(text, encoding="utf-8")
    (hub.folder / "t.onnx").write_bytes(WEIGHTS)
    with pytest.raises(ModelError, match=r"names the file nowhere\.onnx, which is not beside it"):
        fetch(REPOSITORY)
    assert hub.downloaded() == {"manifest.toml"}


def test_offline_the_cache_has_to_do(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch(REPOSITORY)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert fetch(REPOSITORY) == first
    assert fetch(f"{REPOSITORY}@{COMMIT}").revision == COMMIT
    assert hub.requests == []


def test_offline_and_not_in_the_cache_is_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set and Someone/Some-CLIP is not in the cache"):
        fetch(REPOSITORY)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("onnx/vision_model.onnx", r"only a part: onnx/vision_model\.onnx is missing"),
        ("onnx/*_model.onnx", "only a part: its weights or graphs are missing"),
    ],
)
def test_offline_a_part_of_a_model_is_a_sentence_that_says_what_is_missing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, gone: str, words: str
) -> None:
    for path in fetch(REPOSITORY).folder.glob(gone):
        path.unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=f"HF_HUB_OFFLINE is set and of Someone/Some-CLIP .* {words}"):
        fetch(REPOSITORY)


def test_offline_a_shard_that_is_missing_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in hub.folder.glob("onnx/*"):
        path.unlink()
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": {"a": shards[0], "b": shards[1], "c": shards[1]}}
    (hub.folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for name in shards:
        (hub.folder / name).write_bytes(WEIGHTS)
    (fetch(REPOSITORY).folder / shards[1]).unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=f"only a part: {shards[1]} is missing"):
        fetch(REPOSITORY)


def test_a_configuration_decides_before_anything_large_is_downloaded(hub: Hub) -> None:
    for path in hub.folder.glob("onnx/*"):
        path.unlink()
    (hub.folder / "config.json").write_text('{"architecture": "vit_base_patch16_clip_224"}', encoding="utf-8")
    (hub.folder / "open_clip_config.json").write_text("{}", encoding="utf-8")
    for name in ("model.safetensors", "open_clip_model.safetensors"):
        (hub.folder / name).write_bytes(WEIGHTS)
    assert fetch(REPOSITORY).layout.name == "open_clip"
    assert "model.safetensors" not in hub.downloaded()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (404, "RepoNotFound", "no model Someone/Some-CLIP"),
        (404, "", "no model Someone/Some-CLIP"),
        (404, "RevisionNotFound", "no such revision"),
        (401, "RepoNotFound", "private"),
        (401, "", "HTTP 401"),
        (403, "GatedRepo", "asked its owner"),
        (403, "", "HTTP 403"),
        (500, "", "HTTP 500"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(hub: Hub, status: int, code: str, sentence: str) -> None:
    hub.status, hub.error_code = status, code
    with pytest.raises(ModelError, match=sentence) as caught:
        fetch(REPOSITORY)
    assert "\n" not in caught.value.message


def test_a_hub_that_is_not_there_is_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="could not be reached"):
        fetch(REPOSITORY)


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    hub.cuts = 3
    fetched = fetch(REPOSITORY)
    assert (fetched.folder / "onnx/vision_model.onnx").read_bytes() == b"vision_model" + WEIGHTS
    assert [part for _, _, part in hub.requests if part]


def test_a_hub_that_always_stops_half_way_is_a_sentence_and_leaves_whole_files_alone(hub: Hub, cache: Path) -> None:
    hub.cuts = 10_000
    with pytest.raises(ModelError, match="cut off"):
        fetch(REPOSITORY)
    assert list(cache.rglob("*.incomplete")) == []
    hub.cuts = 0
    assert (fetch(REPOSITORY).folder / "onnx/text_model.onnx").read_bytes() == b"text_model" + WEIGHTS


@pytest.mark.parametrize("name", ["onnx/text_model.onnx", "config.json"])
def test_a_file_that_is_not_what_its_digest_says_is_refused_and_fetched_again(hub: Hub, name: str) -> None:
    hub.corrupt = {name}
    with pytest.raises(ModelError, match=f"{name} did not arrive as the hub announced it"):
        fetch(REPOSITORY)
    hub.corrupt = set()
    assert (fetch(REPOSITORY).folder / name).read_bytes() == (hub.folder / name).read_bytes()


def test_a_full_disk_is_a_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(ModelError, match="The disk is full, so Someone/Some-CLIP could not be downloaded"):
        fetch(REPOSITORY)


def test_a_repository_of_another_kind_lists_what_is_understood(hub: Hub) -> None:
    for path in hub.folder.glob("onnx/*"):
        path.unlink()
    with pytest.raises(ModelError, match=r"understands.*onnx/text_model\.onnx.*manifest\.toml"):
        fetch(REPOSITORY)
