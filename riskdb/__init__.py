"""What Wardgraph knows and what it means: identity, care graph, impact, ranking, store.

It imports neither discovery nor service.
"""
