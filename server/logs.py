"""What is logged and how: lines for people or JSON objects for programs, each with the id of the request it is of.

At INFO and above nothing is logged that somebody typed, and no secret.
"""

import datetime
import json
import logging
from contextvars import ContextVar
from typing import Literal

import orjson

Format = Literal["text", "json"]
TEXT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"
# What a line may bring along beside its message: `log.info("...", extra={"status": 200})`.
FIELDS = ("method", "route", "status", "ms")

# Of the request that this thread answers; empty outside of one.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class TextLines(logging.Formatter):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get() or "-"
        return super().format(record)


class JsonLines(logging.Formatter):
    """A JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if of_request := request_id.get():
            told["request_id"] = of_request
        told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(told, default=str).decode()
        except TypeError:
            # What another package logs may hold anything, half of a character too.
            return json.dumps(told, default=str)


FORMATTERS: dict[Format, type[logging.Formatter]] = {"text": TextLines, "json": JsonLines}


def set_up(level: str, log_format: Format) -> None:
    """For a process that serves: to standard error, from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[log_format]())
    logging.basicConfig(level=level, handlers=[handler])


def write_json() -> None:
    """For a command that runs for long: what its lines look like, where their level is settled already."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines())


def of_web_server(log_format: Format) -> dict[str, object]:
    """The web server's own lines, for `logging.config.dictConfig`."""
    formatter = {"()": FORMATTERS[log_format]}
    handler = {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}
    logger = {"handlers": ["lines"], "level": "WARNING", "propagate": False}
    return {"formatters": {"lines": formatter}, "handlers": {"lines": handler}, "loggers": {"_granian": logger}}
