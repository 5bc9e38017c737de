"""How Prefect behaves when no server is set up: it starts one for the run, quietly."""

from __future__ import annotations

import os

DEFAULTS = {
    # The temporary server takes up to half a minute on a busy machine; its own limit is 20 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "scv",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def quiet() -> None:
    """Set what the environment does not set. Call before Prefect is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
