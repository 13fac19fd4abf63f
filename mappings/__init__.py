"""Reference data and translation between code systems: tables, the engine, reports."""

from mappings.engine import translate
from mappings.gaps import find_gaps
from mappings.index import Index
from mappings.loading import Tables, load_tables
from mappings.models import CANONICAL, Loss, TranslatedPlace, Translation
from mappings.report import report_from_json, report_to_json

__all__ = [
    "CANONICAL",
    "Index",
    "Loss",
    "Tables",
    "TranslatedPlace",
    "Translation",
    "find_gaps",
    "load_tables",
    "report_from_json",
    "report_to_json",
    "translate",
]
