"""Tells a customs system of changes of CHEDs that it follows: CustomsPush, our own contract, which it serves."""

from adapters.customs_push.adapter import CustomsPushAdapter

__all__ = ["CustomsPushAdapter"]
