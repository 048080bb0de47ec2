"""Pictures that rows name: what is no path, and what is damaged, is that row's fault alone."""

import zipfile
from pathlib import Path, PurePosixPath

import pytest

from server.catalog.feeds.opening import open_feeds
from server.catalog.feeds.pictures import FolderPictures, ZipPictures
from server.errors import FeedError, InvalidImage
from tests.factories import noise


@pytest.mark.parametrize("text", ["A long description. " * 50, "x" * 300 + "/a.jpg", "a\0b", "/", "..", "."])
def test_text_in_a_pictures_place_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidImage):
        FolderPictures(tmp_path).read(text, 1000)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("sku,title,image\n", encoding="utf-8")
    with open_feeds(tmp_path) as feeds, pytest.raises(InvalidImage):
        feeds[0].pictures.read(text, 1000)


def damaged_zip(path: Path, name: str, data: bytes) -> Path:
    """A zip whose only member has other bytes where its packed data should be."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    raw = bytearray(path.read_bytes())
    start = raw.index(name.encode()) + len(name)
    raw[start : start + 40] = b"\xff" * 40
    path.write_bytes(raw)
    return path


def test_a_damaged_picture_in_a_zip_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = damaged_zip(tmp_path / "in.zip", "a.png", noise(1))
    with zipfile.ZipFile(path) as archive, pytest.raises(InvalidImage, match=r"a\.png"):
        ZipPictures(archive, PurePosixPath()).read("a.png", 10_000_000)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_damaged_feed_in_a_zip_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    path = damaged_zip(tmp_path / "in.zip", name, b"sku,title\n" + b"A-1,Mug\n" * 100)
    with pytest.raises(FeedError), open_feeds(path) as feeds:
        list(feeds[0].rows())
