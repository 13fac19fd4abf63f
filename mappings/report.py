"""The translation report as JSON: what is stored beside a translation and shown by ``imsoc explain``."""

from __future__ import annotations

import json

from mappings.models import Loss, TranslatedPlace


def report_to_json(report: tuple[TranslatedPlace, ...]) -> str:
    """One JSON array, one object per touched place, in document order."""
    return json.dumps([place._asdict() for place in report], ensure_ascii=False, separators=(",", ":"))


def report_from_json(text: str) -> tuple[TranslatedPlace, ...]:
    """The inverse of ``report_to_json``."""
    return tuple(TranslatedPlace(**(place | {"loss": Loss(place["loss"])})) for place in json.loads(text))
