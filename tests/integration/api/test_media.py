"""Pictures and thumbnails over HTTP: kept for ever, asked for conditionally, and never anything but pictures."""

import base64

import pytest
from flask.testing import FlaskClient

from tests.factories import picture

ONE_YEAR = 31_536_000


@pytest.fixture
def addresses(client: FlaskClient, write: dict[str, str]) -> list[str]:
    """A picture's own address and its thumbnail's."""
    body = {"title": "Mug", "price": 5, "image": base64.b64encode(picture("red", (600, 400))).decode()}
    made = client.put("/api/v1/products/A-1", json=body, headers=write).json
    return [made["image_url"], made["thumbnail_url"]]


def test_they_may_be_kept_for_ever(client: FlaskClient, addresses: list[str]) -> None:
    for address in addresses:
        with client.get(address) as answer:
            control = answer.cache_control
            assert (control.public, control.immutable, control.max_age) == (True, True, ONE_YEAR)
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_whoever_has_it_is_told_so_without_its_bytes(client: FlaskClient, addresses: list[str]) -> None:
    tags = []
    for address in addresses:
        with client.get(address) as first:
            tags.append(first.headers["ETag"])
        for tag in (tags[-1], f'"other", {tags[-1]}', f"W/{tags[-1]}", "*"):
            with client.get(address, headers={"If-None-Match": tag}) as again:
                assert (again.status_code, again.data) == (304, b"")
                assert again.headers["ETag"] == tags[-1]
                assert again.cache_control.max_age == ONE_YEAR
    assert len(set(tags)) == 2


def test_whoever_has_another_gets_the_picture(client: FlaskClient, addresses: list[str]) -> None:
    for address in addresses:
        with client.get(address, headers={"If-None-Match": '"another"'}) as answer:
            assert answer.status_code == 200
            assert len(answer.data) > 100


def test_a_head_request_and_a_range_are_answered(client: FlaskClient, addresses: list[str]) -> None:
    for address in addresses:
        with client.get(address) as whole, client.head(address) as head:
            assert head.headers["Content-Length"] == str(len(whole.data))
            assert head.data == b""
            with client.get(address, headers={"Range": "bytes=0-9"}) as part:
                assert (part.status_code, part.data) == (206, whole.data[:10])


@pytest.mark.parametrize("change", [(".jpg", ".png"), (".jpg", ".exe"), ("/media/", "/media/f"), ("320", "321")])
def test_what_is_not_there_is_not_kept(client: FlaskClient, addresses: list[str], change: tuple[str, str]) -> None:
    asked = {address.replace(*change) for address in addresses} - set(addresses)
    assert asked
    for address in asked:
        answer = client.get(address, headers={"Accept": "application/json"})
        assert answer.status_code in (400, 404), address
        assert answer.json["error"]["message"]
        assert "immutable" not in answer.headers.get("Cache-Control", "")
        assert "ETag" not in answer.headers
