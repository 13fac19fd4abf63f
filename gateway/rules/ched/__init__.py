"""The rule set imsoc-2019: Regulation (EU) 2019/1715 Annex II over the boxes of a CHED."""

from gateway.rules.ched.evaluation import evaluate_ched
from gateway.rules.ched.facts import MEMBER_STATES, Codes, CommodityAccess, Facts, KnownPost, Languages, Posts
from gateway.rules.ched.loading import ched_rules
from gateway.rules.ched.models import AskedOf, ChedRule, Treatment

__all__ = [
    "MEMBER_STATES",
    "AskedOf",
    "ChedRule",
    "Codes",
    "CommodityAccess",
    "Facts",
    "KnownPost",
    "Languages",
    "Posts",
    "Treatment",
    "ched_rules",
    "evaluate_ched",
]
