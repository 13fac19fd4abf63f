"""The rule set of CHEDs (Regulation (EU) 2019/1715 Annex II; REGULATION 7)."""
