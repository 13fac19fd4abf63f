"""Files travel inside an ePhyto; TRACES can point to one that another service keeps (CertificateAttachments).

Towards TRACES an enclosed file stays enclosed, so there is nothing to do; a pointer cannot enter an ePhyto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """Leave a pointer out."""
    if not (element.text or "").strip() and element.get("uri"):
        run.report_form("attachment-link", path, element.get("uri", ""))
        return False
    return True
