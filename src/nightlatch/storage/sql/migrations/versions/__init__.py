"""One revision for each numbered step of the schema."""
