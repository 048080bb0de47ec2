"""Rules in the browser: made, previewed with and without, switched off, and what shoppers then see."""

from collections.abc import Callable

import pytest
from flask import Flask

from server.catalog.product import ProductInput
from server.services import Services
from server.web.context import _KEY
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[_KEY]
    for number in range(5):
        found.catalog.put(ProductInput(sku=f"M-{number}", title=f"Red mug {number}", price=number + 1))
    return found


@pytest.fixture
def editor(somebody: Somebody, services: Services) -> Person:
    return somebody("editor")


def make(person: Person, **fields: str) -> str:
    answer = person.send("/admin/rules", "/admin/rules", **{"whole": "yes", "query": "red mug", **fields})
    return answer.text if answer.status_code != 302 else answer.location


def test_a_product_is_pinned_previewed_and_seen_by_shoppers(editor: Person) -> None:
    assert "/admin/rules/preview" in make(editor, kind="pin", sku="M-3", place="1")
    page = editor.get("/admin/rules/preview?query=red+mug").text
    without, _, with_rules = page.partition("With the rules")
    assert with_rules.index("Red mug 3") < with_rules.index("Red mug 0")
    assert without.index("Red mug 0") < without.index("Red mug 3")
    assert "pin 1" in with_rules
    shop = editor.get("/?q=red+mug").text
    assert shop.index("Red mug 3") < shop.index("Red mug 0")
    hits = editor.client.get("/api/v1/search?q=red+mug&explain=true").get_json()["hits"]
    assert (hits[0]["sku"], hits[0]["explain"]["rules"]) == ("M-3", ["pin 1"])
    assert editor.client.get("/api/v1/search?q=red+mug&rules=false").get_json()["hits"][0]["sku"] != "M-3"


def test_a_redirect_sends_shoppers_and_tells_programs(editor: Person) -> None:
    make(editor, kind="redirect", target="/?category=Mugs")
    answer = editor.get("/?q=red+mug")
    assert (answer.status_code, answer.location) == (302, "/?category=Mugs")
    told = editor.client.get("/api/v1/search?q=red+mug").get_json()
    assert told["redirect"] == "/?category=Mugs"
    assert told["hits"]
    assert editor.get("/?q=blue+mug").status_code == 200
    assert "Shoppers who type this go to" in editor.get("/admin/rules/preview?query=red+mug").text


def test_what_is_wrong_is_said_and_what_was_typed_stays(editor: Person) -> None:
    page = make(editor, kind="pin", sku="nothing", place="1")
    assert "There is no product nothing" in page
    assert 'value="nothing"' in page
    assert "Choose what the rule does" in make(editor, kind="conjure")
    assert "Write a date and a time" in make(editor, kind="bury", sku="M-1", ends_at="soon")
    assert "No rules yet" in editor.get("/admin/rules").text


def test_a_rule_is_switched_off_and_deleted(editor: Person) -> None:
    make(editor, kind="bury", sku="M-0")
    editor.send("/admin/rules/1/switch", "/admin/rules", enabled="no")
    assert ">off<" in editor.get("/admin/rules").text
    editor.send("/admin/rules/1/switch", "/admin/rules", enabled="yes")
    assert ">on<" in editor.get("/admin/rules").text
    editor.send("/admin/rules/1/delete", "/admin/rules")
    assert "No rules yet" in editor.get("/admin/rules").text
    assert editor.send("/admin/rules/1/delete", "/admin/rules").status_code == 404


def test_a_rule_goes_with_its_product_and_follows_its_sku(editor: Person, services: Services) -> None:
    make(editor, kind="pin", sku="M-3", place="1")
    services.catalog.rename("M-3", "N-3")
    assert "sku=N-3" in editor.get("/admin/rules").text
    services.catalog.delete("N-3")
    assert "No rules yet" in editor.get("/admin/rules").text


def test_nothing_that_was_typed_runs_on_a_page(editor: Person) -> None:
    evil = "<script>alert(1)</script>"
    make(editor, kind="bury", sku="M-1", query=evil)
    for path in ("/admin/rules", f"/admin/rules/preview?query={evil}", f"/admin/rules?query={evil}&sku={evil}"):
        assert evil not in editor.get(path).text


def test_to_another_site_a_page_leads(editor: Person) -> None:
    make(editor, kind="redirect", target="https://other.example/sale?a=b")
    answer = editor.get("/?q=red+mug")
    assert answer.status_code == 200
    assert 'content="0; url=https://other.example/sale?a=b"' in answer.text


def test_a_boost_of_what_nobody_sells_is_refused_and_what_was_typed_stays(editor: Person, services: Services) -> None:
    services.catalog.put(ProductInput(sku="V-1", title="Pan", brand="Velloria", category="Kitchen/Pans"))
    page = make(editor, kind="boost", category="Kitchen/Nope", points="3")
    assert "Category: No product in the shop is in the category Kitchen/Nope." in page
    assert 'value="Kitchen/Nope"' in page
    assert "/admin/rules/preview" in make(editor, kind="boost", brand="velloria", points="3")
    assert "/admin/rules/preview" in make(editor, kind="boost", category="kitchen > pans", points="3")
    rules = editor.get("/admin/rules").text
    assert "boost Velloria" in rules
    assert "boost Kitchen/Pans" in rules


def test_messages_say_what_the_page_calls_its_fields(editor: Person) -> None:
    assert "When shoppers type: Write the words" in make(editor, kind="bury", sku="M-1", query=" ")
    assert "Product (SKU): Write the SKU" in make(editor, kind="bury")
    assert "Place: Write a place" in make(editor, kind="pin", sku="M-1", place="first")
    assert "Page: Write a page" in make(editor, kind="redirect", target="shop")
    page = make(editor, kind="bury", sku="M-1", ends_at="soon")
    assert "Until: Write a date" in page
    assert 'id="ends_at" name="ends_at" value="soon" type="datetime-local" autocomplete="off" aria-invalid' in page


def test_a_rule_whose_time_is_over_or_to_come_does_not_hold_within_seconds(editor: Person) -> None:
    make(editor, kind="bury", sku="M-1", ends_at="2020-01-01T10:00")
    page = editor.get("/admin/rules").text
    assert "its time is over" in page
    assert "within seconds" not in page
    editor.send("/admin/rules/1/switch", "/admin/rules", enabled="no")
    editor.send("/admin/rules/1/switch", "/admin/rules", enabled="yes")
    page = editor.get("/admin/rules").text
    assert "its time is over" in page
    assert "holds again" not in page
    make(editor, kind="bury", sku="M-2", starts_at="2999-01-01T10:00")
    assert "holds from 2999-01-01 10:00 UTC" in editor.get("/admin/rules").text


def test_the_form_offers_brands_and_categories_that_there_are(editor: Person, services: Services) -> None:
    services.catalog.put(ProductInput(sku="V-1", title="Pan", brand="Velloria", category="Kitchen/Pans"))
    page = editor.get("/admin/rules").text
    for name in ("Velloria", "Kitchen", "Kitchen/Pans"):
        assert f'<option value="{name}"></option>' in page
