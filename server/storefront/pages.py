"""The pages: search (which is the home page), by picture and by likeness, one product, and whatever went wrong."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from server import __version__
from server.api.schemas import SuggestParams
from server.api.search_answers import suggestions_answer
from server.catalog.gallery import read_gallery
from server.catalog.product import Product
from server.errors import InvalidImage, ModelError, NotFound
from server.events.event import Origin
from server.search.query import Query
from server.storefront.address import Search, as_the_shop_writes, read_search
from server.storefront.counted import uncounted_panel
from server.storefront.inquiry import Inquiry, Subject
from server.storefront.panel import breadcrumb
from server.storefront.prices import format_price
from server.storefront.query_picture import QueryPicture, picture_again, picture_from_upload
from server.storefront.results import Results, find
from server.web.context import current_services
from server.web.recording import new_search_id, record_search

bp = Blueprint(
    "storefront", __name__, template_folder="templates", static_folder="static", static_url_path="/static/shop"
)

SIMILAR_SHOWN = 8
# Nothing comes from elsewhere and nothing is inline. data: shows the shopper's picture and Bootstrap's own icons,
# blob: the preview of a picture before it is sent.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADLINES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Page not found",
    405: "That did not work",
    413: "Too large",
    429: "One moment",
    503: "The shop is closed for a moment",
}

bp.add_app_template_filter(format_price, "price")


@bp.get("/")
def home() -> Response:
    """The shop: search by words, filters, results. Without words: the newest products."""
    return _search_page(read_search(request.args))


@bp.get("/search/image")
def search_image_again() -> Response:
    """A picture search has no address of its own; who reloads it or gets its link starts afresh."""
    return make_response(redirect(read_search(request.args).url()))


@bp.post("/search/image")
def search_image() -> Response:
    """Products that look like a picture: a file chosen or dropped, or the one that the page before carried."""
    try:
        picture = _posted_picture()
    except RequestEntityTooLarge:
        limit = current_services().settings.max_upload_mb
        search = read_search(request.args)
        return _search_page(search, refusal=f"This picture is too large: more than {limit} MB.")
    except InvalidImage as exc:
        return _search_page(read_search(_posted()), refusal=exc.message)
    return _search_page(read_search(_posted(), "storefront.search_image"), Subject(picture=picture))


@bp.get("/like/<path:sku>")
def like(sku: str) -> Response:
    """Products like this one, but as the words say."""
    return _search_page(read_search(request.args, "storefront.like", sku=sku), Subject(product=_live(sku)))


@bp.get("/p/<path:sku>")
def product(sku: str) -> Response:
    """One product, and more like it."""
    found = _live(sku)
    with current_services().database.connection() as connection:
        pictures = read_gallery(connection, sku)
    try:
        similar = current_services().search.similar(sku, Query(limit=SIMILAR_SHOWN, collapse=True)).hits
    except (NotFound, ModelError):
        # Not embedded yet, or by another model: the product itself can be shown all the same.
        similar = []
    trail = breadcrumb(found.category)
    return _page("product.html", product=found, pictures=pictures, similar=similar, trail=trail)


@bp.get("/suggest")
def suggest() -> Response:
    """How what was typed so far may go on, for the script of the search box. The API may ask for a key; the shop does
    not."""
    params = SuggestParams.model_validate(request.args.to_dict())
    return suggestions_answer(params.q, params.limit, public=True)


def error_page(status: int, message: str) -> Response:
    """A failure as a page of the shop. Asks nothing of the database, which may be what failed."""
    headline = HEADLINES.get(status, "Something went wrong")
    return _page("error.html", status, headline=headline, message=message, error_status=status)


def _live(sku: str) -> Product:
    found = current_services().catalog.get(sku)
    if found.status != "live":
        raise NotFound(f"There is no product {sku} in the shop.")
    return found


def _posted() -> CombinedMultiDict[str, str]:
    """Filters of a picture search: in the address (links between pages) or in the form."""
    return CombinedMultiDict([request.args, request.form])


def _posted_picture() -> QueryPicture:
    max_pixels = current_services().settings.max_image_pixels
    upload = request.files.get("image")
    data = upload.read() if upload is not None else b""
    if data:
        return picture_from_upload(data, max_pixels)
    carried = request.form.get("picture", "")
    if not carried:
        raise InvalidImage("Choose a picture first.")
    return picture_again(carried, max_pixels)


def _search_page(search: Search, subject: Subject | None = None, refusal: str | None = None) -> Response:
    """The search page. `refusal` says what is wrong with the picture that was sent."""
    service = current_services().search
    search = as_the_shop_writes(search, service.facts)
    subject = subject or Subject()
    if search.is_first_page:
        # The pages behind it belong to the same search, and carry its id.
        search = replace(search, search_id=new_search_id())
    found = _find(search, subject)
    if found is not None and found.page.redirect and not search.is_part and subject == Subject():
        return _elsewhere(found.page.redirect)
    if search.is_part and found is not None:
        # A page that is gone cannot go behind those before it: the script sends the shopper to the first one.
        return _page("part.html", HTTPStatus.GONE if found.turned_back else HTTPStatus.OK, found=found, search=search)
    refused = found is None or refusal is not None
    return _page(
        "search.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        search=search,
        # Other words in the box above are another search than that for what is like a product.
        box=Search() if subject.product else search,
        found=found,
        panel=uncounted_panel(service, search) if found is None else found.panel,
        picture=subject.picture,
        like=subject.product,
        refusal=refusal,
        currency=service.facts.currency() if found is None else found.page.currency,
    )


def _find(search: Search, subject: Subject) -> Results | None:
    """The results, and a note of the search; None where its address cannot be understood."""
    if search.params is None:
        return None
    inquiry = Inquiry(current_services().search, search, search.params, subject)
    found = find(inquiry)
    if search.is_first_page:
        record_search(search.search_id, Origin.SHOP, inquiry.told, inquiry.query(), found.page)
    return found


def _elsewhere(target: str) -> Response:
    """Where somebody wants shoppers sent. To another site a page leads: the search box is a form, and by the policy
    above a browser keeps what forms lead to on this one."""
    return make_response(redirect(target)) if target.startswith("/") else _page("elsewhere.html", target=target)


def _page(template: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
    context = {"search": Search(), "box": Search(), "picture": None, "like": None, "refusal": None, **context}
    html = render_template(
        f"storefront/{template}",
        shop_name=current_services().settings.shop_name,
        version=__version__,
        home_url=url_for("storefront.home"),
        **context,
    )
    response = make_response(html, status)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
