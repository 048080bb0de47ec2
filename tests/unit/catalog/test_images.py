"""Pictures as strangers send them."""

import io
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from server.catalog.images import data_url_bytes, digest, read_image
from server.embedding.preprocess import Preprocessor
from server.errors import InvalidImage
from tests.factories import noise, picture
from tests.fakes import fake_manifest

MEGA = 1_000_000
ORIENTATION = 0x0112


def read(data: bytes, **options: Any) -> Any:
    return read_image(data, **{"max_pixels": 50 * MEGA, **options})


def refusal(data: bytes, **options: Any) -> str:
    with pytest.raises(InvalidImage) as caught:
        read(data, **options)
    return caught.value.message


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_four_formats_are_read(image_format: str) -> None:
    data = noise(1, (40, 30), image_format)
    decoded = read(data)
    assert decoded.media_type == f"image/{image_format.lower()}"
    assert (decoded.width, decoded.height) == decoded.image.size == (40, 30)
    assert decoded.image.mode == "RGB"
    assert decoded.sha256 == digest(data)


@pytest.mark.parametrize("image_format", ["BMP", "TIFF", "ICO", "PPM"])
def test_other_formats_are_refused(image_format: str) -> None:
    assert "JPEG, PNG, WebP or GIF" in refusal(picture(image_format=image_format))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_short_is_refused(image_format: str, share: float) -> None:
    data = noise(1, (200, 150), image_format)
    refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_even_its_last_bytes_are_missed(image_format: str) -> None:
    refusal(noise(1, (200, 150), image_format)[:-12])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty (0 bytes)"),
        (b"not a picture", "This is text"),
        ("schöner Text ".encode() * 200, "This is text"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf<svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.7\n\xff\xff", "PDF"),
        (b"\x00\x01\x02\xff" * 100, "not a picture that can be read"),
    ],
)
def test_what_is_sent_in_a_pictures_place_is_named(data: bytes, sentence: str) -> None:
    assert sentence in refusal(data)


def test_a_picture_that_is_something_else_too_is_refused() -> None:
    archive = io.BytesIO(noise(1))
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("a.txt", "a")
    for data in (
        archive.getvalue(),
        noise(1) + b"<script>alert(1)</script>",
        noise(1) + b"<?php x();",
        b"GIF89a\xff<SCRIPT >",
    ):
        assert "something else" in refusal(data)


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_000, 9_500), (8_000, 8_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    assert "pixels" in refusal(png_that_claims(*size))


def test_the_setting_decides_where_pillow_would_have_refused() -> None:
    assert "damaged" in refusal(png_that_claims(10_000, 9_500), max_pixels=100 * MEGA)


def test_a_line_of_pixels_is_refused() -> None:
    assert "line" in refusal(png_that_claims(1, 50_000))
    read(picture(size=(100, 1)))


def test_the_camera_may_be_held_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.new("RGB", (400, 203), "red")
    image.paste("blue", (0, 0, 200, 203))
    data = saved(image, "JPEG", exif=exif)
    for draft_to in (None, 20):
        decoded = read(data, draft_to=draft_to)
        assert (decoded.width, decoded.height) == (203, 400)
        assert decoded.image.height > decoded.image.width
        red, _, blue = decoded.image.getpixel((decoded.image.width // 2, decoded.image.height // 4))
        assert blue > 200 > 50 > red


def test_a_draft_stays_at_least_twice_as_large_as_needed() -> None:
    image = read(noise(1, (1600, 1200), "JPEG"), draft_to=100).image
    assert min(image.size) >= 200
    assert image.width < 1600
    assert read(noise(1, (300, 300), "PNG"), draft_to=20).image.size == (300, 300)


def test_what_is_clear_becomes_white() -> None:
    clear = picture((255, 0, 0, 0), mode="RGBA", image_format="PNG")
    grey = picture((0, 0), mode="LA", image_format="PNG")
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0] * 256)
    indexed = saved(palette, "PNG", transparency=bytes([0] + [255] * 255))
    keyed = saved(Image.new("L", (8, 8), 7), "PNG", transparency=7)
    animated = saved(palette, "GIF", transparency=0)
    for data in (clear, grey, indexed, keyed, animated):
        assert read(data).image.getpixel((0, 0)) == (255, 255, 255)


def test_half_clear_is_mixed_with_white() -> None:
    red, green, _ = read(picture((255, 0, 0, 128), mode="RGBA", image_format="PNG")).image.getpixel((0, 0))
    assert red == 255
    assert abs(green - 127) <= 1


def test_cmyk_sixteen_bits_and_one_bit_become_rgb() -> None:
    assert read(picture((0, 255, 255, 0), mode="CMYK")).image.getpixel((0, 0)) == (255, 0, 0)
    deep = saved(Image.fromarray(np.full((8, 8), 40_000, np.uint16)), "PNG")
    assert read(deep).image.getpixel((0, 0)) == (155, 155, 155)
    assert read(picture(1, mode="1", image_format="PNG")).image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_counts(image_format: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    red, _, blue = read(saved(frames[0], image_format, save_all=True, append_images=frames[1:])).image.getpixel((0, 0))
    assert red > 250
    assert blue < 5


def test_a_phones_double_jpeg_is_a_jpeg() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    assert read(saved(frames[0], "MPO", save_all=True, append_images=frames[1:])).media_type == "image/jpeg"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_broken_exif_is_no_reason_to_refuse_a_picture() -> None:
    assert read(picture(exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).width == 32


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]), st.data())
def test_damage_is_a_refusal_and_never_anything_else(image_format: str, data: st.DataObject) -> None:
    damaged = bytearray(noise(3, (24, 24), image_format))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = read(bytes(damaged), max_pixels=MEGA)
    except InvalidImage:
        return
    assert decoded.image.mode == "RGB"


def test_a_data_url_holds_a_picture() -> None:
    assert data_url_bytes("data:image/png;base64,aGk=") == b"hi"
    for wrong in ("data:image/png,hi", "data:image/png;base64,@@@", "data:"):
        with pytest.raises(InvalidImage):
            data_url_bytes(wrong)


@pytest.mark.parametrize("words", ["ab", "", "0,0,1,1", "999"])
@pytest.mark.parametrize("key", ["vitrine_extent", "(-1, -1)", "extent"])
def test_the_text_of_a_png_has_no_say_in_how_it_is_prepared(key: str, words: str) -> None:
    image = Image.effect_noise((40, 30), 90).convert("RGB")
    text = PngImagePlugin.PngInfo()
    text.add_text(key, words)
    prepared = [
        Preprocessor(fake_manifest().image).prepare(read(data).image)
        for data in (saved(image, "PNG"), saved(image, "PNG", pnginfo=text))
    ]
    np.testing.assert_array_equal(*prepared)


@pytest.mark.parametrize("resize", ["squash", "crop", "pad"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_that_is_decoded_small_is_prepared_as_the_whole_one(orientation: int, resize: Any) -> None:
    gradients = [Image.linear_gradient("L").rotate(90 * turn).resize((83, 67)) for turn in (0, 1, 2)]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(Image.merge("RGB", gradients), "JPEG", exif=exif, quality=98, subsampling=0)
    preprocessor = Preprocessor(replace(fake_manifest().image, resize=resize))
    small = read(data, draft_to=16)
    assert max(small.image.size) == 42
    difference = np.abs(preprocessor.prepare(small.image) - preprocessor.prepare(read(data).image))
    # It is 0.006 and more where the part of a pixel is taken for a whole one.
    assert difference.mean() < 0.003
