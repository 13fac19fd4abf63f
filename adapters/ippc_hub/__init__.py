"""The IPPC ePhyto hub as a partner: the client of its contract, and the adapter that sends through it."""

from adapters.ippc_hub.adapter import IppcHubAdapter
from adapters.ippc_hub.client import CodeList, IppcHubClient, Pulled
from adapters.ippc_hub.faults import HubFault, HubForbidden

__all__ = ["CodeList", "HubFault", "HubForbidden", "IppcHubAdapter", "IppcHubClient", "Pulled"]
