"""The exchange formats (care-graph/1, scenario/1, result/1, ranking/1): JSON documents to values and back. Pure."""
