"""The door of the report: three files in a folder, each written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from myopoise.files import write_whole
from myopoise.report.page import backtest_page, page

__all__ = ["as_json", "schema_text", "write_backtest", "write_report"]


def write_report(document: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """Write the page, the document and its schema; the same document gives the same bytes.

    Parameters
    ----------
    document
        The document of the report.
    folder
        Where to; made if it is not there.

    Returns
    -------
    paths
        Of ``report.html``, ``report.json`` and ``report.schema.json``.
    """
    texts = {
        "report.html": page(document),
        "report.json": as_json(document),
        "report.schema.json": schema_text(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in texts)


def write_backtest(document: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """Write the page and the document of a backtest.

    Parameters
    ----------
    document
        What `backtest_document` made.
    folder
        Where to; made if it is not there.

    Returns
    -------
    paths
        Of ``backtest.html`` and ``backtest.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"backtest.html": backtest_page(document), "backtest.json": as_json(document)}
    for name, text in texts.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in texts)


def as_json(document: Mapping[str, Any]) -> str:
    """The document as JSON text: sorted keys, two spaces, a newline at the end.

    Parameters
    ----------
    document
        The document of the report.

    Raises
    ------
    ValueError
        When a number is not finite: JSON has no word for it, and a report must not have one either.
    """
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def schema_text() -> str:
    """The JSON Schema of the document, as it is packaged."""
    return (resources.files("myopoise.report") / "schema.json").read_text(encoding="utf-8")
