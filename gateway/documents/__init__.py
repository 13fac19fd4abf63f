"""Typed read-only views over official documents, and the two copies that may be made of one.

``SpsCertificate`` reads a tree as it is. ``normalise_order`` makes a copy in UN/CEFACT order for reading documents of
looser senders; ``mask_personal`` makes the copy without personal data (R-9-2). Neither touches the tree it is given.
``FilesApart`` takes large files out of a tree while it is worked on.
``hub_differences`` compares a tree with the part of it that the ePhyto hub's contract declares.
"""

from gateway.documents.certificate import PHYTOSANITARY_TYPES, DocumentIdentity, SpsCertificate
from gateway.documents.files import FilesApart
from gateway.documents.hub_subset import hub_differences
from gateway.documents.masking import MASK, mask_personal
from gateway.documents.order import normalise_order
from gateway.documents.parts import Classification, Measure, Note, Package, Party, Reference, Signatory, TradeLine
from gateway.documents.text import Moment, moment_of, text_of

__all__ = [
    "MASK",
    "PHYTOSANITARY_TYPES",
    "Classification",
    "DocumentIdentity",
    "FilesApart",
    "Measure",
    "Moment",
    "Note",
    "Package",
    "Party",
    "Reference",
    "Signatory",
    "SpsCertificate",
    "TradeLine",
    "hub_differences",
    "mask_personal",
    "moment_of",
    "normalise_order",
    "text_of",
]
