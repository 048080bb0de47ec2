"""The services behind the current request."""

from flask import Flask, current_app

from server.services import Services

_KEY = "vitrine"


def attach(app: Flask, services: Services) -> None:
    """Make the services reachable from this app's requests."""
    app.extensions[_KEY] = services


def current_services() -> Services:
    """The services of the app that answers the current request."""
    services: Services = current_app.extensions[_KEY]
    return services
