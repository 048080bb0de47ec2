"""Pages as tests read them."""

import io
import re
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HTML = {"Accept": "text/html"}


def titles(answer: TestResponse) -> list[str]:
    """Titles of the product cards, in order."""
    return [unescape(text) for text in re.findall(r'class="card-title"><a [^>]*>([^<]*)</a>', answer.text)]


def text_of(answer: TestResponse) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def upload(client: FlaskClient, data: bytes, address: str = "/search/image", **fields: str) -> TestResponse:
    """Search with a picture."""
    return client.post(address, data={"image": (io.BytesIO(data), "photo.jpg"), **fields})


def carried_picture(answer: TestResponse) -> str:
    """The picture that a page of a picture search carries along."""
    found = re.search(r'name="picture" value="([^"]+)"', answer.text)
    assert found is not None
    return unescape(found.group(1))


def chips(answer: TestResponse) -> dict[str, str]:
    """Active filters and where each is removed."""
    found = re.findall(r'<a href="([^"]+)" class="chip[^"]*" aria-label="Remove the filter ([^"]+)"', answer.text)
    return {unescape(label): unescape(address) for address, label in found}


def ticks(answer: TestResponse, name: str) -> dict[str, tuple[int | None, bool]]:
    """Boxes of one name to tick: their values with their numbers and whether they are ticked."""
    pattern = (
        rf'<input type="checkbox" name="{name}" value="([^"]*)"( checked)?[^>]*><span>[^<]*</span>(?:<b>([\d,]+)</b>)?'
    )
    return {
        unescape(value): (int(count.replace(",", "")) if count else None, bool(ticked))
        for value, ticked, count in re.findall(pattern, answer.text)
    }


def link(answer: TestResponse, words: str) -> str:
    """Address of the link that says these words."""
    for address, said in re.findall(r'<a (?:class="[^"]*" )?href="([^"]+)"[^>]*>(.*?)</a>', answer.text, re.DOTALL):
        if words in " ".join(unescape(re.sub(r"<[^>]+>", " ", said)).split()):
            return unescape(address)
    raise AssertionError(f"no link says {words}")
