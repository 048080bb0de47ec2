"""JSON for machines, under /api/v1, with the OpenAPI document made from the schemas that validate."""
