"""Logs: one line an event, JSON for machines or plain for people."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

Style = Literal["json", "console"]


def log_to_stderr(process: str, style: Style = "console", level: int = logging.INFO) -> None:
    """Sends every log line of this process to stderr, marked with its name."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(process=process)
