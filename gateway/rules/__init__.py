"""Dated rule sets over documents: each rule has an id, a source, a reason and a test."""

from gateway.rules.evaluation import MAX_FINDINGS_PER_RULE, evaluate
from gateway.rules.loading import catalogue, rule_sets
from gateway.rules.models import About, Kind, Rule, RuleSet

__all__ = ["MAX_FINDINGS_PER_RULE", "About", "Kind", "Rule", "RuleSet", "catalogue", "evaluate", "rule_sets"]
