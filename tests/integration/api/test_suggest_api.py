"""Suggestions while somebody types."""

from typing import Any

import pytest
from flask.testing import FlaskClient


def suggest(client: FlaskClient, q: str, **parameters: Any) -> Any:
    return client.get("/api/v1/suggest", query_string={"q": q, **parameters})


def test_a_beginning_is_gone_on_with(boutique: FlaskClient) -> None:
    found = suggest(boutique, "sh").json["suggestions"]
    assert {"text": "Shirts", "kind": "category", "products": 3, "value": "Apparel/Shirts"} in found
    assert {"text": "shirt", "kind": "word", "products": 3, "value": None} in found
    assert suggest(boutique, "bo").json["suggestions"] == [
        {"text": "Bolt", "kind": "brand", "products": 3, "value": "Bolt"}
    ]
    assert [one["text"] for one in suggest(boutique, "green sh").json["suggestions"]] == ["green shoes"]


def test_so_many_are_told_as_were_asked_for(boutique: FlaskClient) -> None:
    assert len(suggest(boutique, "sh", limit=2).json["suggestions"]) == 2


@pytest.mark.parametrize("q", ["", " ", "\0", "x" * 5_000, "-", "'", "😀", "%", "shirt " * 100, "\u202e", "ſ"])
def test_odd_beginnings_have_an_answer(boutique: FlaskClient, q: str) -> None:
    answer = suggest(boutique, q)
    assert answer.status_code == 200
    assert isinstance(answer.json["suggestions"], list)


def test_without_q_and_without_products_there_is_nothing(client: FlaskClient) -> None:
    assert client.get("/api/v1/suggest").json == {"suggestions": []}
    assert suggest(client, "sh").json == {"suggestions": []}


def test_an_answer_may_be_kept_for_a_short_time(boutique: FlaskClient) -> None:
    answer = suggest(boutique, "sh")
    assert answer.cache_control.public
    assert 0 < (answer.cache_control.max_age or 0) <= 300
    headers = {"If-None-Match": answer.headers["ETag"]}
    again = boutique.get("/api/v1/suggest?q=sh", headers=headers)
    assert (again.status_code, again.data) == (304, b"")
    assert boutique.get("/api/v1/suggest?q=bo", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"limit": 0}, "limit: The least is 1."),
        ({"limit": 21}, "limit: The most is 20."),
        ({"limit": "x"}, "limit: Write a whole number."),
        ({"prefix": "x"}, "prefix: There is no such parameter."),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, parameters: dict[str, Any], said: str) -> None:
    answer = suggest(client, "sh", **parameters)
    assert answer.status_code == 422
    assert answer.json["error"]["message"] == said
    assert "Cache-Control" not in answer.headers
