"""The figures of the page, each a function of the document that gives SVG text."""

from myopoise.report.forest import forest_figure
from myopoise.report.intervals import panels_figure, strip_figure
from myopoise.report.network_graph import network_figure

__all__ = ["forest_figure", "network_figure", "panels_figure", "strip_figure"]
