"""XML: names, the boundary where bytes become trees, canonical forms, schemas."""
