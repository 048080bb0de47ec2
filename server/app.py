"""The web application: one factory wires everything, and nothing happens at import."""

import logging
from typing import Any

import orjson
from flask import Flask, Response, jsonify
from flask.json.provider import JSONProvider
from flask_bootstrap import Bootstrap5
from flask_cors import CORS
from flask_openapi3 import Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from server import __version__, logs
from server.admin import pages as admin_pages
from server.admin import session as admin_session
from server.api import auth, events, health, products, search
from server.api.schemas import ErrorAnswer
from server.db.engine import WEB, open_database
from server.search.housekeeping import Housekeeper
from server.services import Services, open_services
from server.settings import Settings, load_settings
from server.storefront import pages
from server.web import media, rate_limits
from server.web.context import attach
from server.web.errors import register_error_handlers, validation_answer
from server.web.metrics import register_metrics
from server.web.requests import register_requests

# Who works at the shop logs in once a day.
SESSION_SECONDS = 12 * 3600
API_DESCRIPTION = "Search a catalogue by what its pictures look like, filtered by what its columns say."


class OrjsonProvider(JSONProvider):
    """JSON by orjson, which is several times faster than the standard library's."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(orjson.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


class VitrineApp(OpenAPI):
    """Flask with an OpenAPI document and orjson."""

    json_provider_class = OrjsonProvider

    def generate_spec_json(self) -> None:
        """The document, with what the settings make of it."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        auth.describe(self.spec_json["paths"], self.config["API_READS"])


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """Build the application. The embedded Postgres is started if it is the one to use; models load on first use."""
    services = services or open_services(settings or load_settings())
    settings = services.settings
    app = VitrineApp(
        "server",
        info=Info(title="Vitrine", version=__version__, description=API_DESCRIPTION),
        security_schemes=auth.SCHEMES,
        validation_error_callback=validation_answer,
        validation_error_model=ErrorAnswer,
        doc_prefix="/api",
        doc_url="/openapi.json",
        static_folder=None,
        static_url_path="/static",  # part of the address of Bootstrap's files
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        API_READS=settings.api_reads,
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_NAME="vitrine",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        PERMANENT_SESSION_LIFETIME=SESSION_SECONDS,
        # Their addresses carry the version, so a new release is not held back by a browser's copy.
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        SWAGGER_CONFIG={"docExpansion": "list", "validatorUrl": None},
    )
    # A SKU may hold slashes; two in a row are refused by its rule, not folded into one by a redirect.
    app.url_map.merge_slashes = False
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    attach(app, services)
    Bootstrap5(app)
    if settings.cors_origins:
        CORS(
            app,
            resources={r"/(api|media)/.*": {"origins": list(settings.cors_origins)}},
            expose_headers=["Retry-After"],
        )
    for api in (search.bp, products.bp, events.bp, health.bp):
        app.register_api(api)
    for blueprint in (media.bp, pages.bp, admin_pages.bp):
        app.register_blueprint(blueprint)
    admin_session.init_app(app)
    app.add_url_rule("/openapi.json", "openapi_json", lambda: jsonify(app.api_doc))
    register_error_handlers(app, pages.error_page)
    register_requests(app, register_metrics(app, services))
    app.before_request(auth.identify)
    rate_limits.init_app(app, settings, auth.caller_name)
    return app


def create_served_app() -> Flask:
    """The application with logging set up, for the process that serves it."""
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    # The pool warns of each try to connect, with the driver's text; what comes of it is logged by server.db.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    services = open_services(settings, database=open_database(settings, WEB))
    Housekeeper(services.database).start()
    services.query_embeddings.start()
    services.events.start()
    services.key_uses.start()
    return create_app(services=services)
