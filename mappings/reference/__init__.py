"""Reference data: posts, languages, classification trees with what goods ask of a CHED, sections, metadata, tests."""

from mappings.reference.codes import KnownCodes
from mappings.reference.languages import Languages
from mappings.reference.live import LiveFacts, LiveReference, Reference
from mappings.reference.loading import FOLDER, ReferenceData, load_reference
from mappings.reference.models import (
    Access,
    Attribute,
    AttributeKind,
    CertificateModel,
    Column,
    LaboratoryTest,
    MetadataCode,
    Node,
    NodeDetail,
    Post,
    PostKind,
    Section,
    Taxon,
    TestCategory,
    Tree,
    Update,
)
from mappings.reference.posts import Posts
from mappings.reference.trees import ROOT, CommodityAccess, Trees

__all__ = [
    "FOLDER",
    "ROOT",
    "Access",
    "Attribute",
    "AttributeKind",
    "CertificateModel",
    "Column",
    "CommodityAccess",
    "KnownCodes",
    "LaboratoryTest",
    "Languages",
    "LiveFacts",
    "LiveReference",
    "MetadataCode",
    "Node",
    "NodeDetail",
    "Post",
    "PostKind",
    "Posts",
    "Reference",
    "ReferenceData",
    "Section",
    "Taxon",
    "TestCategory",
    "Tree",
    "Trees",
    "Update",
    "load_reference",
]
