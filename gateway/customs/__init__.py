"""The quantity ledger of a CHED as pure rules: what a line certifies, what a declaration may take, what moves."""
