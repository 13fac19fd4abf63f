"""The rule set imsoc-2019: Regulation (EU) 2019/1715 Annex II over the boxes of a CHED."""

from gateway.rules.ched.facts import MEMBER_STATES, CommodityAccess, Facts, KnownPost, Languages, Posts

__all__ = ["MEMBER_STATES", "CommodityAccess", "Facts", "KnownPost", "Languages", "Posts"]
