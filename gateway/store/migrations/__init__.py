"""The history of the schema, shipped with the package; run by `gateway.store.schema.upgrade`."""
