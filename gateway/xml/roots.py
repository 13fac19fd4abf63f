"""One document under several roots: INTRA and DOCOM certificates have their root in the service's own namespace."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, cast

from lxml import etree

from gateway.xml.names import PREFIXES, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["rewrap"]

_PREFIX_OF: Final = {namespace: prefix for prefix, namespace in PREFIXES.items()}


def rewrap(root: _Element, namespace: str) -> _Element:
    """A copy of a document's root under the same local name in another namespace (DIGEST 11, trap 5).

    INTRA and DOCOM certificates have their root in the service's namespace and everything else in SPSCertificate 17,
    as has the acknowledgement of a CHED. Children, attributes and text stay; a seal over the root does not hold.
    """
    prefixes = dict(cast("dict[str, str]", root.nsmap))
    if namespace not in prefixes.values():
        prefixes["root" if _PREFIX_OF[namespace] in prefixes else _PREFIX_OF[namespace]] = namespace
    attributes = {str(key): str(value) for key, value in root.items()}
    wrapped = etree.Element(qn(namespace, etree.QName(root).localname), attributes, nsmap=prefixes)
    wrapped.text = root.text
    wrapped.extend(list(copy.deepcopy(root)))
    return wrapped
