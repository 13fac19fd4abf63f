"""Readers of lists in their publishers' own formats, each a stream of codes: nothing of these lists is delivered here.

CN and TARIC come from the Commission, EPPO codes from EPPO, the Harmonized System and UN/LOCODE from public
compilations, trees, sections and metadata from TRACES. Every reader refuses what its publisher does not write
(IMG-6030 to IMG-6034), with the file and the line.
"""

from mappings.publishers.eppo import read_eppo
from mappings.publishers.harmonized import read_harmonized
from mappings.publishers.locode import read_locode
from mappings.publishers.rows import PublishedCode
from mappings.publishers.taric import Nomenclature, read_taric

__all__ = ["Nomenclature", "PublishedCode", "read_eppo", "read_harmonized", "read_locode", "read_taric"]
